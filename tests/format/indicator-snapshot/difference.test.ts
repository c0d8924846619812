import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import { NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import type {
  SnapshotFeed,
  SnapshotIndicator,
} from '../../../shared/format/indicator-snapshot/collect.ts';
import {
  networksInBoth,
  newIndicators,
} from '../../../shared/format/indicator-snapshot/difference.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { type TestFeed, feeds, listed, threats, warningList } from './feeds.ts';

const snapshotOf = (...feeds: readonly SnapshotFeed[]) =>
  openSnapshot(buildSnapshot(feeds, { checksum: crc32 }), crc32);

const keyOf = (feed: string, { prefix, detail }: SnapshotIndicator) =>
  `${feed} ${formatPrefix(prefix)} ${JSON.stringify({ ...(detail ?? NO_DETAIL), listedSince: null })}`;

/** By a look at every indicator of both. */
function oracle(after: readonly TestFeed[], before: readonly TestFeed[]): string[] {
  const keys = (feeds: readonly TestFeed[]) =>
    new Set(feeds.flatMap(({ name, indicators }) => indicators.map((one) => keyOf(name, one))));
  const known = keys(before);
  return [...keys(after)].filter((key) => !known.has(key)).sort();
}

function keysOf(feeds: readonly SnapshotFeed[]): string[] {
  return feeds
    .flatMap(({ name, indicators, ipv4 = [] }) => [
      ...[...indicators].map((one) => keyOf(name, one)),
      ...ipv4.flatMap(({ addresses, details, detailOf }) =>
        [...addresses].map((word, i) => {
          const prefix = { family: 4, words: [word, 0, 0, 0], bits: 32 } as const;
          return keyOf(name, { prefix, detail: details[detailOf?.[i] ?? 0]! });
        }),
      ),
    ])
    .sort();
}

describe('what one snapshot lists and another does not', () => {
  it('is what a look at every indicator of both finds', () => {
    fc.assert(
      fc.property(feeds, feeds, fc.boolean(), (after, others, isGrown) => {
        const before = isGrown ? after.slice(1) : others;
        const found = newIndicators(snapshotOf(...after), snapshotOf(...before));
        assert.deepEqual(keysOf(found), oracle(after, before));
        assert.ok(found.every((feed) => keysOf([feed]).length > 0));
      }),
      { numRuns: 300 },
    );
  });

  it('names an indicator once that is listed since two times', () => {
    const since = (time: string) => listed('192.0.2.1', { id: 'x', listedSince: time });
    const times = ['2026-08-01T00:00:00.000Z', '2026-08-02T00:00:00.000Z'];
    const found = newIndicators(snapshotOf(threats('one', ...times.map(since))), null);
    assert.equal(keysOf(found).length, 1);
  });

  it('is all there is where there was nothing, and nothing where nothing changed', () => {
    fc.assert(
      fc.property(feeds, (feeds) => {
        const snapshot = snapshotOf(...feeds);
        assert.deepEqual(keysOf(newIndicators(snapshot, null)), oracle(feeds, []));
        assert.deepEqual(newIndicators(snapshot, snapshotOf(...feeds)), []);
      }),
      { numRuns: 60 },
    );
  });

  it('is the same by another listing time, and another by anything else', () => {
    const [old, later] = ['2026-08-01T00:00:00.000Z', '2026-08-02T00:00:00.000Z'];
    const before = snapshotOf(
      threats('a', listed('192.0.2.1', { listedSince: old }), listed('192.0.2.2')),
    );
    const after = snapshotOf(
      threats(
        'a',
        listed('192.0.2.1', { listedSince: later }),
        listed('192.0.2.2', { confidence: 80, listedSince: later }),
      ),
    );
    const [feed, ...more] = newIndicators(after, before);
    assert.equal(more.length, 0);
    assert.deepEqual([...feed!.indicators], []);
    const [{ addresses, details, detailOf } = assert.fail()] = feed!.ipv4!;
    assert.deepEqual([...addresses], [0xc000_0202]);
    assert.deepEqual(details, [{ ...NO_DETAIL, confidence: 80, listedSince: later }]);
    assert.equal(detailOf, null);
  });

  it('has no warning lists of either', () => {
    const plain = snapshotOf(threats('a', listed('192.0.2.1')));
    const warned = snapshotOf(threats('a', listed('192.0.2.1')), warningList('w', '192.0.2.9'));
    assert.deepEqual(newIndicators(warned, plain), []);
    assert.deepEqual(newIndicators(plain, warned), []);
  });

  it('is found among hundreds of thousands in a moment', () => {
    const word = (i: number) => Math.imul(i, 0x9e37_79b1) >>> 0;
    const feed = (from: number, to: number): SnapshotFeed => {
      const addresses = Uint32Array.from({ length: to - from }, (_, i) => word(from + i));
      const ipv4 = [{ addresses, details: [null], detailOf: null }];
      return { name: 'a', kind: 'threat', indicators: [], ipv4 };
    };
    const [after, before] = [snapshotOf(feed(1000, 301_000)), snapshotOf(feed(0, 300_000))];
    const started = performance.now();
    const [news] = newIndicators(after, before);
    assert.ok(performance.now() - started < 1000);
    assert.deepEqual(
      news!.ipv4![0]!.addresses,
      Uint32Array.from({ length: 1000 }, (_, i) => word(300_000 + i)).sort(),
    );
  });
});

describe('the networks that two snapshots share', () => {
  it('are counted whatever is said of them', () => {
    fc.assert(
      fc.property(feeds, feeds, (one, other) => {
        const networks = (feeds: readonly TestFeed[]) =>
          new Set(feeds.flatMap(({ indicators }) => indicators.map((i) => formatPrefix(i.prefix))));
        const others = networks(other);
        const both = [...networks(one)].filter((network) => others.has(network)).length;
        assert.equal(networksInBoth(snapshotOf(...one), snapshotOf(...other)), both);
      }),
      { numRuns: 100 },
    );
  });
});
