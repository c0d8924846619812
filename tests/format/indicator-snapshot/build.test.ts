import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 as nodeCrc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { type IndicatorDetail, NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';
import type { SnapshotIndicator } from '../../../shared/format/indicator-snapshot/collect.ts';
import { crc32 } from '../../../shared/format/indicator-snapshot/crc32.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { sortedByKey, sortedKeys } from '../../../shared/format/indicator-snapshot/sort.ts';
import { feeds, listed, threats } from './feeds.ts';

describe('building a snapshot', () => {
  it('gives the same bytes for the same feeds in any order, repeated or not', () => {
    const shuffled = feeds.chain((original) =>
      fc.tuple(
        fc.constant(original),
        fc.shuffledSubarray(original, { minLength: original.length }),
        fc.integer(),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([original, reordered, seed]) => {
        const mixed = reordered.map(({ name, kind, indicators }) => ({
          name,
          kind,
          indicators: [...indicators, ...indicators.slice(0, 3)].sort(
            (a, b) => ((a.prefix.bits * 31 + seed) & 15) - ((b.prefix.bits * 31 + seed) & 15),
          ),
        }));
        assert.deepEqual(
          buildSnapshot(mixed, { checksum: nodeCrc32 }),
          buildSnapshot(original, { checksum: nodeCrc32 }),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('reads each feed once, as a stream', () => {
    function* indicators() {
      for (let i = 0; i < 10; i++) yield listed(`192.0.2.${i}`);
    }
    const streamed = buildSnapshot([{ name: 'feed', kind: 'threat', indicators: indicators() }]);
    assert.deepEqual(streamed, buildSnapshot([threats('feed', ...indicators())]));
  });

  it('refuses two feeds of one name: their indicators could not be told apart', () => {
    const feed = threats('feed.txt');
    assert.throws(() => buildSnapshot([feed, feed]), /two feeds are called feed\.txt/);
  });
});

describe('sorting by key', () => {
  it('orders keys as numbers and keeps the order of values under one key', () => {
    const key = fc.oneof(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.constantFrom(0, 1, 0xffff_ffff, 0x8000_0000),
    );
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        const values = Uint32Array.from(keys.keys());
        const sorted = sortedByKey(Uint32Array.from(keys), values);
        const expected = [...keys.entries()].sort(([i, a], [j, b]) => a - b || i - j);
        assert.deepEqual(
          [...sorted.keys],
          expected.map(([, key]) => key),
        );
        assert.deepEqual(
          [...sorted.values],
          expected.map(([i]) => i),
        );
      }),
    );
  });
});

describe('sorting keys alone', () => {
  it('orders them as numbers, and leaves what it was given', () => {
    const key = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff));
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        const given = Uint32Array.from(keys);
        assert.deepEqual(sortedKeys(given), Uint32Array.from(keys).sort());
        assert.deepEqual(given, Uint32Array.from(keys));
      }),
    );
  });
});

describe('addresses in bulk', () => {
  const addresses = [7, 9, 7, 0xffff_ffff];
  const detail = { ...NO_DETAIL, confidence: 5 };
  const singly = (word: number, detail: IndicatorDetail | null): SnapshotIndicator => {
    return { prefix: { family: 4, words: [word, 0, 0, 0], bits: 32 }, detail };
  };

  it('give the file that they give one by one', () => {
    for (const [details, detailOf] of [
      [[null], null],
      [[null, detail], Uint8Array.of(0, 1, 1, 0)],
      [[null, detail, detail], Uint32Array.of(2, 1, 0, 0)],
    ] as const) {
      const bulk = [{ addresses: Uint32Array.from(addresses), details, detailOf }];
      const indicators = addresses.map((word, i) => singly(word, details[detailOf?.[i] ?? 0]!));
      const others = [listed('192.0.2.1'), listed('192.0.2.0/24'), listed('2001:db8::1')];
      assert.deepEqual(
        buildSnapshot([{ name: 'a', kind: 'threat', indicators: others, ipv4: bulk }]),
        buildSnapshot([threats('a', ...others, ...indicators)]),
      );
      assert.deepEqual(
        buildSnapshot([{ name: 'a', kind: 'threat', indicators: [], ipv4: [...bulk, ...bulk] }]),
        buildSnapshot([threats('a', ...indicators)]),
      );
    }
  });

  it('may be none, with a detail that nobody has', () => {
    const none = [{ addresses: new Uint32Array(0), details: [detail], detailOf: null }];
    assert.deepEqual(
      buildSnapshot([{ name: 'a', kind: 'threat', indicators: [], ipv4: none }]),
      buildSnapshot([threats('a')]),
    );
  });
});

describe('the filter', () => {
  it('is the same whatever the order, and leaves the rest of the file as it is', () => {
    const words = Array.from({ length: 5000 }, (_, i) => Math.imul(i + 1, 0x9e37_79b1) >>> 0);
    const feed = (addresses: number[]) => {
      const ipv4 = [{ addresses: Uint32Array.from(addresses), details: [null], detailOf: null }];
      return [{ name: 'a', kind: 'threat' as const, indicators: [], ipv4 }];
    };
    const filtered = buildSnapshot(feed(words), { checksum: nodeCrc32, filter: true });
    assert.deepEqual(buildSnapshot(feed(words.toReversed()), { filter: true }), filtered);
    const { ipv4Filter, ...sections } = openSnapshot(filtered, nodeCrc32).stat.sections;
    assert.ok(ipv4Filter! > 5000);
    assert.deepEqual(openSnapshot(buildSnapshot(feed(words))).stat.sections, sections);
    const snapshot = openSnapshot(filtered, nodeCrc32);
    // Long runs of one answer, and back: the filter is left out and taken up again.
    for (let round = 0; round < 3; round++) {
      for (const word of words.slice(0, 200)) assert.equal(snapshot.hasIpv4(word), true);
      for (const word of words.slice(0, 200)) assert.equal(snapshot.hasIpv4(word ^ 1), false);
    }
  });
});

describe('the checksum', () => {
  it('is that of zlib', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => assert.equal(crc32(bytes), nodeCrc32(bytes))),
    );
  });
});
