import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 as nodeCrc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { crc32 } from '../../../shared/format/indicator-snapshot/crc32.ts';
import { sortedByKey } from '../../../shared/format/indicator-snapshot/sort.ts';
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

describe('the checksum', () => {
  it('is that of zlib', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => assert.equal(crc32(bytes), nodeCrc32(bytes))),
    );
  });
});
