import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { AcceptedEntry, FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';
import { stateAt } from '../../../shared/domain/indicator/validity.ts';
import { parseInstant } from '../../../shared/domain/time/instant.ts';
import { readStixObject } from '../../../shared/format/stix/indicator-object.ts';
import { NewestVersions } from '../../../shared/format/stix/versions.ts';

interface Case {
  name: string;
  result: 'index' | 'constrained' | 'skip' | 'reject' | 'invalid';
  nets: string[];
  direction?: 'src' | 'dst' | 'any';
  port?: number | number[];
  ids: string[];
}

function fixture(name: string): unknown {
  const url = new URL(`../../fixtures/feeds/${name}`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(url)).toString('utf8'));
}

const { objects } = fixture('stix-edgecases.json.gz') as { objects: unknown[] };
const { clock, cases } = fixture('stix-edgecases.expected.json.gz') as {
  clock: string;
  cases: Case[];
};

function read(inOrder: readonly unknown[]): FeedEntry[] {
  const versions = new NewestVersions();
  for (const object of inOrder) {
    const reading = readStixObject(object);
    if (reading !== null) versions.add(reading);
  }
  return [...versions.entries()];
}

function isActive(entry: FeedEntry): entry is AcceptedEntry {
  if (entry.kind === 'refused') return false;
  const { standing, detail } = entry;
  return stateAt({ ...NO_DETAIL, ...detail, standing }, parseInstant(clock)!) === 'active';
}

function idOf(entry: FeedEntry): string {
  return (entry.kind === 'refused' ? entry.id : entry.detail?.id) ?? '';
}

/** 20,000 parentheses may be too many for other readers. */
const OURS: Readonly<Record<string, string[]>> = { 'deeper parentheses': ['45.66.64.1/32'] };
const ENDS = { src: 'source', dst: 'destination', any: null } as const;

describe('a bundle with everything that is odd in STIX indicators', () => {
  const entries = read(objects);

  for (const { name, result, nets, direction, port, ids } of cases) {
    it(`${result}: ${name}`, () => {
      const active = entries.filter((entry) => ids.includes(idOf(entry))).filter(isActive);
      const expected = OURS[name] ?? nets;
      assert.deepEqual(active.flatMap((entry) => entry.nets.map(formatPrefix)).sort(), expected);
      for (const { detail } of active) {
        const { constraint } = detail!;
        const ports = port === undefined ? null : [port].flat();
        assert.deepEqual(constraint?.ports ?? null, ports);
        if (direction !== undefined) assert.equal(constraint?.direction ?? null, ENDS[direction]);
        if (result === 'index') assert.ok(!constraint?.ports && !constraint?.protocol);
      }
      if (result === 'constrained') assert.ok(active.every(({ detail }) => detail!.constraint));
    });
  }

  it('has one entry for each indicator, and parts', () => {
    const indicators = objects.filter((object) => readStixObject(object) !== null);
    assert.equal(entries.filter(({ part }) => part !== true).length, indicators.length);
    assert.equal(indicators.length, 137);
  });

  it('refuses for these reasons', () => {
    const counts: Record<string, number> = {};
    for (const entry of entries) {
      if (entry.kind === 'refused') counts[entry.reason] = (counts[entry.reason] ?? 0) + 1;
    }
    assert.deepEqual(counts, {
      domain: 4,
      unsupportedPattern: 21,
      tooBroad: 3,
      bogon: 5,
      notAnAddress: 22,
      badPattern: 7,
      noAddress: 2,
      malformed: 2,
      url: 2,
      patternType: 2,
      badValidity: 2,
      superseded: 6,
    });
  });

  it('shows printable ASCII only', () => {
    for (const entry of entries) {
      if (entry.kind === 'refused') assert.match(entry.text, /^[\x20-\x7e]{0,80}$/);
    }
  });

  it('has the same active networks when it is read backwards, but for one undefined case', () => {
    const active = (all: FeedEntry[]) =>
      new Set(all.filter(isActive).flatMap((entry) => entry.nets.map(formatPrefix)));
    const [forwards, backwards] = [active(entries), active(read(objects.toReversed()))];
    assert.deepEqual(
      [...forwards].filter((net) => !backwards.has(net)),
      ['64.227.17.163/32'],
    );
    assert.deepEqual(
      [...backwards].filter((net) => !forwards.has(net)),
      ['51.161.65.139/32'],
    );
  });
});
