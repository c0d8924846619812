import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FuseFilter,
  buildFilter,
  isFilter,
} from '../../../shared/format/indicator-snapshot/fuse-filter.ts';

/** The key that `hashOf` of the filter gives this hash under this seed. */
function keyOfHash(hash: number, seed: number): number {
  const inverse = (odd: number) => {
    let found = odd;
    for (let i = 0; i < 5; i++) found = Math.imul(found, 2 - Math.imul(odd, found));
    return found;
  };
  const unshift = (mixed: number, by: number) => {
    let word = mixed;
    for (let at = by; at < 32; at += by) word = mixed ^ (word >>> by);
    return word;
  };
  let word = unshift(hash | 0, 16);
  word = unshift(Math.imul(word, inverse(0xc2b2_ae35)), 13);
  word = unshift(Math.imul(word, inverse(0x85eb_ca6b)), 16);
  return (word ^ seed) >>> 0;
}

const spread = (count: number, seed = 1) =>
  Uint32Array.from({ length: count }, (_, i) => Math.imul(i + 1, seed | 1));

describe('a filter', () => {
  for (const keys of [spread(4096), spread(50_000, 0x9e37_79b1), spread(300_001, 77)]) {
    it(`lets each of ${keys.length} keys through, and few others`, () => {
      const section = buildFilter(keys)!;
      assert.ok(isFilter(section));
      assert.ok(section.length < keys.length * 1.4, `${section.length} bytes`);
      const filter = new FuseFilter(section);
      for (const key of keys) assert.ok(filter.has(key) && filter.has(key | 0));
      const known = new Set(keys);
      let [strangers, letThrough] = [0, 0];
      for (let i = 0; i < 200_000; i++) {
        const key = Math.imul(i, 0x85eb_ca6b) >>> 0;
        if (known.has(key)) continue;
        strangers++;
        if (filter.has(key)) letThrough++;
      }
      const expected = strangers / 256;
      assert.ok(letThrough > expected * 0.8 && letThrough < expected * 1.2, `${letThrough}`);
    });
  }

  it('is the same for the same keys', () => {
    assert.deepEqual(buildFilter(spread(5000, 9)), buildFilter(spread(5000, 9)));
  });

  it('is not made of few keys', () => assert.equal(buildFilter(spread(4095)), null));

  it('is given up where no seed serves: keys that repeat can never be told apart', () => {
    assert.equal(buildFilter(new Uint32Array(5000)), null);
    assert.equal(buildFilter(Uint32Array.of(...spread(5000), 1)), null);
  });

  it('loses no key that shares its places with scores of others, and needs to know no such seed', () => {
    // 68 keys for one place under each seed that would be tried with nothing mixed in: a tally that runs over forgets keys.
    const n = 200_000;
    const bits = Math.floor(Math.log(n) / Math.log(3.33) + 2.25);
    const spare = Math.max(1.125, 0.875 + (0.25 * Math.log(1e6)) / Math.log(n));
    const segments = Math.ceil((n * spare) / 2 ** bits) - 2;
    const keys = new Set<number>();
    for (let attempt = 1; attempt <= 32; attempt++) {
      const seed = Math.imul(attempt, 0x9e37_79b9) >>> 0;
      const middle = Math.floor(segments / 2);
      const low = Math.ceil(((middle + 0.3) * 2 ** 32) / segments / 2 ** bits) * 2 ** bits + 5;
      for (let i = 0; i < 68; i++) keys.add(keyOfHash(low + i * 2 ** bits, seed));
    }
    for (const key of spread(n, 0x9e37_79b1)) if (keys.size < n) keys.add(key);
    const sorted = Uint32Array.from(keys).sort();
    for (const section of [buildFilter(sorted, 0), buildFilter(sorted)]) {
      if (section === null) continue;
      const filter = new FuseFilter(section);
      for (const key of sorted) assert.ok(filter.has(key));
    }
    assert.ok(buildFilter(sorted) !== null);
  });

  it('is none where its length does not fit what it says', () => {
    const section = buildFilter(spread(4096))!;
    const with_ = (bits: number, segments: number) => {
      const bytes = new Uint8Array(Math.min(16 + (segments + 2) * 2 ** bits, 2 ** 22));
      new Uint32Array(bytes.buffer, 0, 3).set([1, bits, segments]);
      return bytes;
    };
    assert.equal(isFilter(with_(1, 1)), true);
    assert.equal(isFilter(with_(18, 1)), true);
    assert.equal(isFilter(with_(1, 4096)), true);
    for (const [bits, segments] of [
      [0, 5],
      [19, 1],
      [3, 0],
      [1, 4097],
      [32, 1],
    ] as const) {
      assert.equal(isFilter(with_(bits, segments)), false, `${bits}, ${segments}`);
    }
    assert.equal(isFilter(section.subarray(0, -1)), false);
    assert.equal(isFilter(section.subarray(0, 15)), false);
    assert.equal(isFilter(new Uint8Array(0)), false);
  });
});
