import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import { readStixObject, type StixReading } from '../../../shared/format/stix/indicator-object.ts';
import { compareModified, NewestVersions } from '../../../shared/format/stix/versions.ts';
import { indicator } from './indicators.ts';

describe('the order of versions', () => {
  for (const [a, order, b] of [
    ['2026-08-22T10:00:00Z', '<', '2026-08-22T10:00:01Z'],
    ['2026-08-22T10:00:00.1Z', '<', '2026-08-22T10:00:00.100001Z'],
    ['2026-08-22T10:00:00.9Z', '>', '2026-08-22T10:00:00.100001Z'],
    ['2026-08-22T10:00:00.09Z', '<', '2026-08-22T10:00:00.1Z'],
    ['2026-08-22T10:00:00.1Z', '=', '2026-08-22T10:00:00.100000Z'],
    ['2026-08-22T10:00:00Z', '=', '2026-08-22T10:00:00.000000000000Z'],
    [`2026-08-22T10:00:00.${'0'.repeat(40)}1Z`, '>', '2026-08-22T10:00:00Z'],
    ['2026-08-22T12:00:00.5+02:00', '=', '2026-08-22T10:00:00.50Z'],
    ['2026-08-22T12:00:00+02:00', '<', '2026-08-22T10:00:00.1Z'],
    [null, '<', '0000-01-01T00:00:00Z'],
    ['yesterday', '=', null],
    ['', '=', null],
    ['2026-08-22T10:00:00.1.2Z', '=', null],
    ['2026-02-30T10:00:00Z', '<', '1970-01-01T00:00:00Z'],
  ] as const) {
    it(`${a?.slice(0, 40)} ${order} ${b?.slice(0, 40)}`, () => {
      const sign = { '<': -1, '=': 0, '>': 1 }[order];
      assert.equal(Math.sign(compareModified(a, b)), sign);
      assert.equal(Math.sign(compareModified(b, a)), sign === 0 ? 0 : -sign);
    });
  }

  it('is that of the instants, for any number of digits', () => {
    const digits = fc.string({ unit: fc.constantFrom('0', '1', '9'), maxLength: 6 });
    const text = (fraction: string) =>
      `2026-08-22T10:00:00${fraction === '' ? '' : `.${fraction}`}Z`;
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        const expected = Math.sign(Number(a.padEnd(6, '0')) - Number(b.padEnd(6, '0')));
        assert.equal(Math.sign(compareModified(text(a), text(b))), expected);
      }),
    );
  });
});

const read = (fields: Readonly<Record<string, unknown>>): StixReading =>
  readStixObject(indicator(fields))!;
const version = (id: string | null, modified: string | null, address: string, revoked = false) =>
  read({ id, modified, revoked, pattern: `[ipv4-addr:value = '${address}']` });

/** What the entries are, in order: addresses, or the reason and the text of a refusal. */
function shown(readings: readonly StixReading[]): string[] {
  const versions = new NewestVersions();
  for (const reading of readings) versions.add(reading);
  return Array.from(versions.entries(), (entry) =>
    entry.kind === 'refused'
      ? `${entry.reason} ${entry.id} ${entry.text}`
      : `${entry.standing} ${entry.nets.map(formatPrefix).join(' ')}`,
  );
}

const [T1, T2] = ['2026-08-22T10:00:00.1Z', '2026-08-22T10:00:00.100001Z'];

describe('the newest versions', () => {
  it('replace older ones at their place', () => {
    const readings = [
      version('a', T1, '45.66.64.1'),
      version('b', T1, '45.66.64.2'),
      version('a', T2, '45.66.64.3'),
    ];
    assert.deepEqual(shown(readings), [
      `superseded a ${T1}`,
      'listed 45.66.64.2/32',
      'listed 45.66.64.3/32',
    ]);
  });

  it('stay before older ones that come late', () => {
    const readings = [version('a', T2, '45.66.64.3', true), version('a', T1, '45.66.64.1')];
    assert.deepEqual(shown(readings), ['revoked 45.66.64.3/32', `superseded a ${T1}`]);
  });

  it('are the first of those at one time', () => {
    const readings = ['45.66.64.1', '45.66.64.1', '45.66.64.2'].map((a) => version('a', T1, a));
    assert.deepEqual(shown(readings), [
      'listed 45.66.64.1/32',
      `superseded a ${T1}`,
      `superseded a ${T1}`,
    ]);
  });

  it('are the revoked one of those at one time', () => {
    const live = version('a', T1, '45.66.64.1');
    const revoked = version('a', T1, '45.66.64.1', true);
    const expected = ['revoked 45.66.64.1/32', `superseded a ${T1}`];
    assert.deepEqual(shown([live, revoked]), expected.toReversed());
    assert.deepEqual(shown([revoked, live]), expected);
  });

  it('are every object without an id', () => {
    const readings = [version(null, T1, '45.66.64.1'), version(null, T1, '45.66.64.1')];
    assert.equal(new Set(shown(readings)).size, 1);
    assert.equal(shown(readings).length, 2);
  });

  it('are any with a time against one without', () => {
    const readings = [version('a', T1, '45.66.64.1'), version('a', null, '45.66.64.2')];
    assert.deepEqual(shown(readings), ['listed 45.66.64.1/32', 'superseded a ']);
  });

  it('keep all their parts, and older ones are one entry', () => {
    const pattern = "[ipv4-addr:value = '45.66.64.1' OR file:name = 'a' OR url:value = 'b']";
    const older = read({ pattern, modified: T1 });
    const newer = read({ pattern, modified: T2 });
    const versions = new NewestVersions();
    versions.add(older);
    versions.add(newer);
    assert.equal([...versions.entries()].length, 1 + 3);
    assert.deepEqual([...versions.newest()], [newer]);
  });

  it('count names of objects as data', () => {
    const readings = ['__proto__', 'constructor'].map((id) => version(id, T1, '45.66.64.1'));
    assert.equal(shown(readings).filter((text) => text.startsWith('listed')).length, 2);
  });

  it('are the same in any order, if no two have one time', () => {
    const versions = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)), {
      selector: ([id, n]) => `${id}${n}`,
    });
    fc.assert(
      fc.property(versions, fc.infiniteStream(fc.nat()), (list, random) => {
        const readings = list.map(([id, n]) =>
          version(id, `2026-08-22T10:00:00.${n}Z`, '45.66.64.1'),
        );
        const newest = new Map<string, number>();
        const fraction = (n: number) => Number(`0.${n}`);
        for (const [id, n] of list) newest.set(id, Math.max(newest.get(id) ?? -1, fraction(n)));
        const shuffled = readings
          .map((reading) => ({ reading, at: random.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at);
        const state = new NewestVersions();
        for (const { reading } of shuffled) state.add(reading);
        for (const { id, modified } of state.newest()) {
          assert.equal(fraction(Number(/\.(\d+)Z/.exec(modified!)![1])), newest.get(id!));
        }
        assert.equal([...state.newest()].length, newest.size);
      }),
    );
  });
});
