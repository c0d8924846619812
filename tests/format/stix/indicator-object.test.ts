import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { AcceptedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { isSpan } from '../../../shared/domain/indicator/validity.ts';
import { readIdentity, readStixObject } from '../../../shared/format/stix/indicator-object.ts';
import { entriesOf, ID, indicator, without } from './indicators.ts';

function accepted(object: unknown): AcceptedEntry {
  const [entry] = entriesOf(object);
  assert.ok(entry?.kind === 'indicator', JSON.stringify(entry));
  return entry;
}

function detailOf(fields: Readonly<Record<string, unknown>>) {
  return accepted(indicator(fields)).detail!;
}

function reasonOf(object: unknown): string {
  const [entry, ...more] = entriesOf(object);
  assert.deepEqual(more, []);
  return entry?.kind === 'refused' ? entry.reason : 'accepted';
}

describe('a STIX indicator', () => {
  it('is an entry with all that it says', () => {
    const object = indicator({
      valid_until: '2026-09-01T02:00:00+02:00',
      confidence: 85,
      indicator_types: ['malicious-activity'],
      labels: ['botnet', 'malicious-activity'],
      created_by_ref: 'identity--1',
      object_marking_refs: ['marking-definition--f88d31f6-486f-44da-b317-01333bde0b82'],
    });
    const entry = accepted(object);
    assert.deepEqual(
      { ...entry, nets: entry.nets.map(formatPrefix) },
      {
        kind: 'indicator',
        standing: 'listed',
        line: null,
        nets: ['45.66.64.1/32'],
        detail: {
          id: ID,
          sources: ['identity--1'],
          validFrom: '2026-08-03T00:00:00.000Z',
          validUntil: '2026-09-01T00:00:00.000Z',
          confidence: 85,
          labels: ['malicious-activity', 'botnet'],
          constraint: null,
          tlp: 'amber',
          listedSince: null,
        },
      },
    );
  });

  it('tells its version', () => {
    const { id, modified, revoked } = readStixObject(
      indicator({ modified: '2026-08-02T00:00:00.1234567Z' }),
    )!;
    assert.deepEqual(
      { id, modified, revoked },
      { id: ID, modified: '2026-08-02T00:00:00.1234567Z', revoked: false },
    );
  });

  it('has further alternatives and refused terms as its parts', () => {
    const pattern =
      "[file:name = 'a' OR ipv4-addr:value IN ('45.66.64.1', '10.0.0.1') OR network-traffic:dst_ref.value = '45.66.64.2']";
    const entries = entriesOf(indicator({ pattern }));
    const shown = entries.map((entry) => [
      entry.kind === 'refused' ? entry.reason : entry.detail!.constraint?.direction,
      entry.part,
    ]);
    assert.deepEqual(shown, [
      [undefined, undefined],
      ['destination', true],
      ['noAddress', true],
      ['bogon', true],
    ]);
    assert.ok(
      entries.every((entry) => (entry.kind === 'refused' ? entry.id : entry.detail!.id) === ID),
    );
  });

  it('is one refused entry, with parts, if it has no alternative', () => {
    const entries = entriesOf(indicator({ pattern: "[file:name = 'a' OR url:value = 'b']" }));
    assert.deepEqual(entries, [
      { kind: 'refused', line: null, id: ID, reason: 'noAddress', text: "file:name = 'a'" },
      { kind: 'refused', line: null, id: ID, reason: 'url', text: "url:value = 'b'", part: true },
    ]);
  });

  for (const [what, object] of [
    ['an observable', { type: 'ipv4-addr', value: '45.66.64.1' }],
    ['a custom type', indicator({ type: 'x-indicator' })],
    ['an object without type', without('type')],
    ['a type that is no text', indicator({ type: ['indicator'] })],
    ['null', null],
    ['a text', 'indicator'],
    ['a list', [indicator()]],
    ['nothing', undefined],
    ['fields of a prototype', Object.create(indicator())],
    [
      'fields of __proto__',
      JSON.parse(JSON.stringify({ a: indicator() }).replace('"a"', '"__proto__"')),
    ],
  ] as const) {
    it(`is not: ${what}`, () => assert.equal(readStixObject(object), null));
  }
});

describe('the pattern of an indicator', () => {
  for (const [what, object, reason] of [
    ['of another language', indicator({ pattern_type: 'snort' }), 'patternType'],
    [
      'of another language, without text',
      indicator({ pattern_type: 'yara', pattern: null }),
      'patternType',
    ],
    ['of a language that is no text', indicator({ pattern_type: 5 }), 'patternType'],
    ['of a language in capitals', indicator({ pattern_type: 'STIX' }), 'patternType'],
    ['of no named language', without('pattern_type'), 'accepted'],
    ['of language null', indicator({ pattern_type: null }), 'accepted'],
    ['absent', without('pattern'), 'malformed'],
    ['null', indicator({ pattern: null }), 'malformed'],
    ['a list', indicator({ pattern: ["[ipv4-addr:value = '45.66.64.1']"] }), 'malformed'],
    ['empty', indicator({ pattern: '' }), 'badPattern'],
  ] as const) {
    it(`${what}: ${reason}`, () => assert.equal(reasonOf(object), reason));
  }
});

describe('the validity of an indicator', () => {
  for (const [what, fields, from, until] of [
    ['without end', {}, '2026-08-03T00:00:00.000Z', null],
    ['with end null', { valid_until: null }, '2026-08-03T00:00:00.000Z', null],
    [
      'in microseconds',
      { valid_from: '2026-08-03T00:00:00.123999Z' },
      '2026-08-03T00:00:00.123Z',
      null,
    ],
    [
      'in 20 digits',
      { valid_from: '2026-08-03T00:00:00.12345678901234567890Z' },
      '2026-08-03T00:00:00.123Z',
      null,
    ],
    [
      'in the year 9999',
      { valid_until: '9999-12-31T23:59:59.999Z' },
      '2026-08-03T00:00:00.000Z',
      '9999-12-31T23:59:59.999Z',
    ],
    [
      'past the year 9999',
      { valid_until: '10000-01-01T00:00:00Z' },
      '2026-08-03T00:00:00.000Z',
      null,
    ],
    [
      'at the end of JavaScript',
      { valid_until: '+275760-09-13T00:00:00.000Z' },
      '2026-08-03T00:00:00.000Z',
      null,
    ],
    [
      'past 9999 by its offset',
      { valid_until: '9999-12-31T23:59:59-01:00' },
      '2026-08-03T00:00:00.000Z',
      null,
    ],
    ['past 9999 without zone', { valid_until: '99999-01-01' }, '2026-08-03T00:00:00.000Z', null],
    ['since null', { valid_from: null }, '2026-08-01T00:00:00.000Z', null],
    ['since null, made at no time', { valid_from: null, created: 'once' }, null, null],
    ['since null, made null', { valid_from: null, created: null }, null, null],
  ] as const) {
    it(what, () => {
      const { validFrom, validUntil } = detailOf(fields);
      assert.deepEqual([validFrom, validUntil], [from, until]);
    });
  }

  it('begins when it was made, if it does not say', () => {
    assert.equal(accepted(without('valid_from')).detail!.validFrom, '2026-08-01T00:00:00.000Z');
  });

  for (const [what, fields] of [
    ['an end before the beginning', { valid_until: '2026-08-02T00:00:00Z' }],
    ['an end at the beginning', { valid_until: '2026-08-03T00:00:00Z' }],
    ['an end before it was made', { valid_from: null, valid_until: '2026-07-01T00:00:00Z' }],
    ['an end in words', { valid_until: 'soon' }],
    ['an end that is no text', { valid_until: 1_800_000_000 }],
    ['an end on no day', { valid_until: '2027-02-30T00:00:00Z' }],
    ['an end in nine thousand and something', { valid_until: '9999-13-31T00:00:00Z' }],
    ['a beginning in words', { valid_from: 'now' }],
    ['a beginning that is no text', { valid_from: {} }],
    ['a beginning past the year 9999', { valid_from: '10000-01-01T00:00:00Z' }],
  ] as const) {
    it(`is refused: ${what}`, () => assert.equal(reasonOf(indicator(fields)), 'badValidity'));
  }

  it('is shown when it is refused', () => {
    const [entry] = entriesOf(indicator({ valid_until: `soon${'\n'.repeat(100)}` }));
    assert.ok(entry?.kind === 'refused' && entry.text.length <= 80);
    assert.match(entry.text, /^2026-08-03T00:00:00.000Z \.\. soon\\x0a/);
  });
});

describe('the standing of an indicator', () => {
  for (const [what, fields, standing] of [
    ['of a threat', { indicator_types: ['malicious-activity', 'benign-looking'] }, 'listed'],
    ['of a benign one', { indicator_types: ['unknown', 'benign'] }, 'context'],
    ['of a benign one in 2.0', { spec_version: '2.0', labels: ['benign'] }, 'context'],
    ['of a benign one before versions', { spec_version: undefined, labels: ['benign'] }, 'context'],
    ['of one with a label in 2.1', { labels: ['benign'] }, 'listed'],
    ['of a revoked one', { revoked: true }, 'revoked'],
    ['of a revoked one in quotes', { revoked: 'true' }, 'revoked'],
    ['of a revoked benign one', { revoked: true, indicator_types: ['benign'] }, 'revoked'],
    ['of one that is not', { revoked: false }, 'listed'],
    ['of one with null', { revoked: null, indicator_types: null, labels: null }, 'listed'],
  ] as const) {
    it(`${what}: ${standing}`, () => {
      assert.equal(accepted(indicator(fields)).standing, standing);
      assert.equal(readStixObject(indicator(fields))!.revoked, standing === 'revoked');
    });
  }

  it('is revoked also without a pattern', () => {
    assert.equal(readStixObject({ ...without('pattern'), revoked: true })!.revoked, true);
  });
});

describe('what an indicator says beside addresses', () => {
  for (const [given, confidence] of [
    [0, 0],
    [100, 100],
    [-1, null],
    [101, null],
    [50.5, null],
    ['50', null],
    [null, null],
    [undefined, null],
  ] as const) {
    it(`has confidence ${confidence} by ${JSON.stringify(given)}`, () => {
      assert.equal(detailOf({ confidence: given }).confidence, confidence);
    });
  }

  it('has labels within limits, and only texts', () => {
    const labels = [
      5,
      null,
      ['x'],
      'a'.repeat(100),
      ...Array.from({ length: 20 }, (_, i) => `l${i}`),
    ];
    const found = detailOf({ labels, indicator_types: 'benign' }).labels;
    assert.equal(found.length, 16);
    assert.deepEqual(found.slice(0, 2), ['a'.repeat(64), 'l0']);
  });

  it('has the strictest marking', () => {
    const refs = ['34098fce-860f-48ae-8e50-ebd3cc5e41da', '5e57c739-391a-4eb3-b6be-7d15ca92d5ed'];
    const object_marking_refs = refs.map((ref) => `marking-definition--${ref}`);
    assert.equal(detailOf({ object_marking_refs }).tlp, 'red');
    assert.equal(detailOf({ object_marking_refs: object_marking_refs.toReversed() }).tlp, 'red');
    assert.equal(detailOf({ object_marking_refs: ['constructor', 7, null] }).tlp, null);
    assert.equal(detailOf({ object_marking_refs: object_marking_refs[0] }).tlp, 'green');
  });

  it('names its author by id, if by anything', () => {
    assert.deepEqual(detailOf({ created_by_ref: 'identity--1' }).sources, ['identity--1']);
    assert.deepEqual(detailOf({ created_by_ref: 5 }).sources, []);
  });

  for (const id of [undefined, null, 5, '', 'a b', 'a\n', 'é', 'x'.repeat(201)]) {
    it(`has no id by ${JSON.stringify(id)?.slice(0, 20)}`, () => {
      assert.equal(readStixObject(indicator({ id }))!.id, null);
      assert.equal(detailOf({ id }).id, null);
    });
  }
});

describe('ports of a pattern', () => {
  const entriesOf = (ports: number) => {
    const list = Array.from({ length: ports }, (_, i) => i + 1);
    const pattern = `[network-traffic:dst_ref.value = '45.66.64.1' AND network-traffic:dst_port IN (${list.join()})]`;
    return readStixObject(indicator({ pattern }))!.entries;
  };

  it('may be 64', () => {
    const [entry] = entriesOf(64);
    assert.equal(entry?.kind === 'indicator' && entry.detail?.constraint?.ports?.length, 64);
  });

  it('are never cut nor left out where they are more: then it matches nothing', () => {
    const [entry, ...others] = entriesOf(65);
    assert.equal(entry?.kind === 'refused' && entry.reason, 'unsupportedPattern');
    assert.deepEqual(others, []);
  });
});

describe('an identity', () => {
  it('has an id and a name', () => {
    const identity = {
      type: 'identity',
      id: 'identity--1',
      name: 'CERT',
      identity_class: 'system',
    };
    assert.deepEqual(readIdentity(identity), { id: 'identity--1', name: 'CERT' });
    assert.equal(readIdentity({ ...identity, type: 'indicator' }), null);
    assert.equal(readIdentity({ ...identity, name: 5 }), null);
    assert.equal(readIdentity({ ...identity, id: undefined }), null);
    assert.equal(readIdentity(null), null);
  });
});

describe('an indicator with fields of any type', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('2026-08-03T00:00:00Z', '9999-12-31T23:59:59Z', 'benign', true, 50),
  );
  const names = [...Object.keys(indicator()), 'valid_until', 'revoked', 'confidence', 'labels'];
  const fields = fc.dictionary(
    fc.constantFrom(...names, 'indicator_types', 'object_marking_refs', '__proto__', 'constructor'),
    anything,
  );

  it('is read into entries that keep their promises', () => {
    fc.assert(
      fc.property(fields, (some) => {
        const reading = readStixObject({ ...indicator(), ...some, type: 'indicator' })!;
        assert.ok(reading.entries.length > 0);
        assert.ok(reading.entries.every(({ part }, i) => (part === true) === i > 0));
        for (const entry of reading.entries) {
          if (entry.kind === 'refused') assert.match(entry.text, /^[\x20-\x7e]{0,80}$/);
          else assert.ok(isSpan(entry.detail!) && entry.nets.length > 0);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
