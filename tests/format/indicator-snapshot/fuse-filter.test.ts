import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  FuseFilter,
  buildFilter,
  isFilter,
} from '../../../shared/format/indicator-snapshot/fuse-filter.ts';

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

  it('is none where its length does not fit what it says', () => {
    const section = buildFilter(spread(4096))!;
    fc.assert(
      fc.property(fc.nat(15), fc.nat(255), (at, value) => {
        const changed = section.slice();
        changed[at] = value;
        if (!isFilter(changed)) return;
        const filter = new FuseFilter(changed);
        for (const key of [0, 1, 0xffff_ffff]) assert.equal(typeof filter.has(key), 'boolean');
      }),
    );
    assert.equal(isFilter(section.subarray(0, -1)), false);
    assert.equal(isFilter(section.subarray(0, 15)), false);
    assert.equal(isFilter(new Uint8Array(0)), false);
  });
});
