import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix, parsePrefix } from '../../shared/domain/address/prefix.ts';
import type { AllowEntry } from '../../shared/domain/indicator/allowlist.ts';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import {
  allowRecord,
  AllowlistError,
  readAllowlist,
  writeAllowlist,
} from '../../shared/format/allowlist.ts';

const ADDED = Date.parse('2026-11-01T00:00:00Z');

function entry(network: string, changed: Partial<AllowEntry> = {}): AllowEntry {
  const prefix = parsePrefix(network)!;
  return { prefix, reason: 'our own', expiresAt: null, addedAt: ADDED, ...changed };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const read = (value: unknown) => readAllowlist(Buffer.from(JSON.stringify(value)));

const record = {
  network: '45.66.64.0/24',
  reason: 'our own',
  expiresAt: '2027-01-01T00:00:00.000Z',
  addedAt: '2026-11-01T00:00:00.000Z',
};

describe('an entry of the allowlist, as files show it', () => {
  it('has its network with a length and its times in ISO 8601', () => {
    const expiresAt = Date.parse('2027-01-01T00:00:00Z');
    assert.deepEqual(allowRecord(entry('45.66.64.0/24', { expiresAt })), record);
    assert.deepEqual(allowRecord(entry('2a06:E480::1')), {
      ...record,
      network: '2a06:e480::1/128',
      expiresAt: null,
    });
  });
});

describe('the file of an allowlist', () => {
  const instant = fc.integer({ min: 0, max: 4e12 });
  const entries = fc.uniqueArray(
    fc.record(
      {
        prefix: fc
          .constantFrom(
            '45.66.64.0/24',
            '45.66.64.1',
            '2a06:e480::/32',
            '0.0.0.0/0',
            '::/0',
            '10.0.0.0/8',
          )
          .map((network) => parsePrefix(network)!),
        reason: fc.string({ unit: 'binary' }),
        expiresAt: fc.option(instant),
        addedAt: fc.option(instant),
      },
      { noNullPrototype: true },
    ),
    { selector: ({ prefix }) => formatPrefix(prefix) },
  );

  it('gives back what was written, in order of network', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const networkOf = ({ prefix }: AllowEntry) => formatPrefix(prefix);
        const inOrder = list.toSorted((a, b) => (networkOf(a) < networkOf(b) ? -1 : 1));
        assert.deepEqual(readAllowlist(writeAllowlist(list)), inOrder);
      }),
    );
  });

  it('is the same bytes, all ASCII, in whatever order the entries come', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const bytes = writeAllowlist(list);
        assert.match(text(bytes), /^[\x20-\x7e]*$/);
        assert.deepEqual(writeAllowlist(list.toReversed()), bytes);
      }),
    );
  });

  it('may be without entries', () => {
    assert.equal(text(writeAllowlist([])), '[]');
    assert.deepEqual(readAllowlist(writeAllowlist([])), []);
  });

  it('leaves the list that it was made of in its order', () => {
    const list = [entry('45.66.65.0/24'), entry('45.66.64.0/24')];
    writeAllowlist(list);
    assert.equal(list[0]?.prefix.words[0], parsePrefix('45.66.65.0/24')?.words[0]);
  });

  it('cut at any byte is refused, never read as shorter', () => {
    const bytes = writeAllowlist([entry('45.66.64.1'), entry('45.66.64.2', { reason: 'Köln' })]);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => readAllowlist(bytes.subarray(0, length)), AllowlistError);
    }
  });

  it('is no list: refused', () => {
    for (const value of [null, {}, { entries: [] }, 'x', 5]) {
      assert.throws(() => read(value), { code: 'ALLOWLIST', message: /not a JSON list/ });
    }
  });

  it('takes an entry with all of its fields', () => {
    assert.equal(read([record])[0]?.expiresAt, Date.parse(record.expiresAt));
    assert.deepEqual(read([{ ...record, expiresAt: null }]), [
      entry('45.66.64.0/24', { addedAt: Date.parse(record.addedAt) }),
    ]);
  });

  for (const [field, bad] of [
    ['network', [undefined, null, 5, '', '45.66.64', 'example.com', [], {}, { toString: 1 }]],
    ['reason', [undefined, null, 5, ['x']]],
    ['expiresAt', [undefined, 5, '', 'tomorrow', '2026-02-30T00:00:00Z', {}]],
    ['addedAt', [undefined, 5, '', 'yesterday']],
  ] as const) {
    it(`is refused whole for an entry with a bad ${field}`, () => {
      for (const value of bad) {
        const list = [record, { ...record, [field]: value }];
        assert.throws(() => read(list), { code: 'ALLOWLIST', message: /lacks a field/ });
      }
    });
  }

  it('is refused for items that are no entries', () => {
    for (const item of [null, 5, 'x', [], [record], { __proto__: record }]) {
      assert.throws(() => read([item]), AllowlistError);
    }
  });

  it('shows of a bad entry nothing that could steer a terminal', () => {
    const network = `\u001b[2J\n${'x'.repeat(1000)}`;
    assert.throws(
      () => read([{ ...record, network }]),
      ({ message }: Error) => /^[\x20-\x7e]{1,150}$/.test(message),
    );
  });

  it('may leave open when an entry was added', () => {
    assert.equal(read([{ ...record, addedAt: null }])[0]?.addedAt, null);
  });

  it('keeps instants to the millisecond', () => {
    const [only] = readAllowlist(writeAllowlist([entry('45.66.64.1', { expiresAt: ADDED + 1 })]));
    assert.equal(formatInstant(only!.expiresAt!), '2026-11-01T00:00:00.001Z');
  });
});
