import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { readWarningList } from '../../../shared/format/misp/warning-list.ts';

function read(type: string, list: readonly unknown[], attributes?: unknown): string[] {
  const document = { name: 'n', version: 1, type, list, matching_attributes: attributes };
  return readWarningList(document)!.entries.map(outcome);
}

function outcome(entry: FeedEntry): string {
  if (entry.kind === 'refused') return entry.reason;
  assert.deepEqual([entry.standing, entry.detail, entry.line], ['context', null, null]);
  return entry.nets.map(formatPrefix).join(' ');
}

describe('an item of a warning list', () => {
  for (const [type, item, expected] of [
    ['cidr', '10.0.0.0/8', '10.0.0.0/8'],
    ['cidr', '224.0.0.0/3', '224.0.0.0/3'],
    ['cidr', '8.8.8.8', '8.8.8.8/32'],
    ['cidr', ' 8.8.8.8\n', '8.8.8.8/32'],
    ['cidr', '8.8.8.9/30', '8.8.8.8/30'],
    ['cidr', 'fe80::/10', 'fe80::/10'],
    ['cidr', '::ffff:9270:3d68', '146.112.61.104/32'],
    ['cidr', '8.8.8', 'notAnAddress'],
    ['cidr', '8.8.8.8/33', 'notAnAddress'],
    ['cidr', '8.8.8.8:53', 'notAnAddress'],
    ['cidr', '8[.]8[.]8[.]8', 'notAnAddress'],
    ['cidr', '8.8.8.8-8.8.8.9', 'notAnAddress'],
    ['cidr', '8.8.8.8 # dns', 'notAnAddress'],
    ['cidr', '', 'notAnAddress'],
    ['cidr', '1'.repeat(100_000), 'notAnAddress'],
    ['cidr', 'dns.google', 'domain'],
    ['cidr', null, 'malformed'],
    ['cidr', 134_744_072, 'malformed'],
    ['cidr', ['8.8.8.8'], 'malformed'],
    ['string', '8.8.8.8', '8.8.8.8/32'],
    ['string', 'captive.apple.com', 'domain'],
    ['string', 'localhost', 'notAnAddress'],
    ['hostname', '8.8.8.8', 'domain'],
    ['hostname', '.EihBank.com', 'domain'],
    ['hostname', {}, 'malformed'],
    ['substring', '8.8.8.8', 'noAddress'],
    ['regex', '/^(a+)+$/', 'noAddress'],
    ['cidr ', '8.8.8.8', 'noAddress'],
    ['__proto__', '8.8.8.8', 'noAddress'],
  ] as const) {
    it(`${type} ${JSON.stringify(item).slice(0, 40)} is ${expected}`, () => {
      assert.deepEqual(read(type, [item]), [expected]);
    });
  }

  it('is no address in a list of texts for other things: the fuzzy hash of nothing is `3::`', () => {
    assert.deepEqual(read('string', ['3::'], ['md5', 'ssdeep']), ['noAddress']);
    for (const attributes of [
      ['ip-dst'],
      ['md5', 'ip-src|port'],
      ['domain|ip'],
      ['ALL'],
      [],
      undefined,
      'md5',
    ]) {
      assert.deepEqual(read('string', ['3::'], attributes), ['3::/128'], String(attributes));
    }
    assert.deepEqual(read('cidr', ['3::'], ['md5']), ['3::/128']);
  });

  it('is shown without what a terminal would act on', () => {
    const list = ['\u001b[31mx', 'y'.repeat(200)];
    const { entries } = readWarningList({ name: 'n', type: 'cidr', list })!;
    assert.deepEqual([entries[0]!.line, (entries[0] as { id: unknown }).id], [null, null]);
    const texts = entries.map((entry) => entry.kind === 'refused' && entry.text);
    assert.deepEqual(texts, ['\\x1b[31mx', 'y'.repeat(80)]);
  });
});

describe('a warning list', () => {
  it('has a name, a version and a type', () => {
    const about = ({ name, type, version }: Record<string, unknown>) => {
      const reading = readWarningList({ name, type, version, list: [] })!;
      return [reading.name, reading.version, reading.type];
    };
    assert.deepEqual(about({ name: ' RFC 1918 ', type: 'cidr', version: 5 }), [
      'RFC 1918',
      '5',
      'cidr',
    ]);
    assert.deepEqual(about({ name: 'n', type: 'regex', version: '1.2' }), ['n', '1.2', 'regex']);
    assert.deepEqual(about({ name: 'n', type: 'x', version: null }), ['n', null, 'x']);
    const long = 'n'.repeat(1000);
    assert.deepEqual(
      about({ name: long, type: long, version: long }),
      Array(3).fill('n'.repeat(128)),
    );
  });

  it('is no other document', () => {
    const right = { name: 'n', type: 'cidr', list: [] };
    assert.ok(readWarningList(right) !== null);
    for (const document of [
      null,
      [],
      [right],
      'cidr',
      {},
      { ...right, name: 7 },
      { ...right, type: undefined },
      { ...right, list: {} },
      { ...right, list: '10.0.0.0/8' },
    ]) {
      assert.equal(readWarningList(document), null, JSON.stringify(document));
    }
  });

  it('has an entry for each item, whatever it is made of', () => {
    const type = fc.constantFrom('cidr', 'string', 'hostname', 'substring', 'regex', '');
    fc.assert(
      fc.property(type, fc.array(fc.jsonValue()), fc.jsonValue(), (type, list, attributes) => {
        assert.equal(read(type, list, attributes).length, list.length);
      }),
    );
  });
});
