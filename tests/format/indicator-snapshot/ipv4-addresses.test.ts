import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  Ipv4Addresses,
  encodeIpv4,
} from '../../../shared/format/indicator-snapshot/ipv4-addresses.ts';
import { SnapshotError } from '../../../shared/format/indicator-snapshot/snapshot-error.ts';

const sorted = (words: Iterable<number>) => Uint32Array.from(new Set(words)).sort();
const run = (first: number, length: number) => Array.from({ length }, (_, i) => first + i);

/** Places of all addresses, and nothing beside them. */
function holds(words: Uint32Array, asked: Iterable<number> = words): void {
  const columns = encodeIpv4(words);
  const addresses = new Ipv4Addresses(columns);
  assert.deepEqual(addresses.all(), words);
  const places = new Map([...words.entries()].map(([i, word]) => [word, i]));
  for (const word of asked) {
    for (const near of [word - 1, word, word + 1, word ^ 0x8000_0000, word ^ 0x100]) {
      const expected = places.get(near >>> 0) ?? -1;
      assert.equal(addresses.find(near >>> 0), expected);
      assert.equal(addresses.find(near | 0), expected);
    }
  }
}

describe('a column of IPv4 addresses', () => {
  for (const words of [[], [0], [0xffff_ffff], [0, 0xffff_ffff], [0x7fff_ffff, 0x8000_0000]]) {
    it(`has a place for each of ${words.length}: ${words.join(', ')}`, () => {
      holds(sorted(words), [0, 0xffff_ffff, ...words]);
    });
  }

  it('finds each of any, and none beside them', () => {
    const word = fc.oneof(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 0xc000_0200, max: 0xc000_02ff }),
      fc.constantFrom(0, 1, 0xffff_fffe, 0xffff_ffff),
    );
    fc.assert(fc.property(fc.array(word, { maxLength: 600 }), (words) => holds(sorted(words))));
  });

  for (const count of [127, 128, 255, 256, 257, 4095, 4096, 70_000]) {
    it(`finds each of ${count} that lie anywhere`, () => {
      holds(sorted(Array.from({ length: count }, (_, i) => Math.imul(i, 0x9e37_79b1) >>> 0)));
    });
  }

  it('finds each of a network that is listed whole, and of what lies around it', () => {
    const others = Array.from({ length: 3000 }, (_, i) => Math.imul(i, 0x9e37_79b1) >>> 0);
    holds(sorted([...run(0xc0a8_0000, 65_536), ...others]));
    holds(sorted(run(0xc0a8_0000, 65_536)));
    holds(sorted([...run(0, 700), ...run(0xffff_fd00, 768), ...others]));
    holds(sorted(run(0, 100_000).map((i) => i * 2)));
  });

  it('answers whatever its blocks hold, with a place inside or none', () => {
    const shapes = [sorted(run(0xc000_0200, 40)), sorted(run(0xc000_0000, 900))].map(encodeIpv4);
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        fc.infiniteStream(fc.nat(0xffff_ffff)),
        (one, bits) => {
          const blocks = one.blocks.slice();
          for (let i = 0; i < blocks.length; i++) {
            const word = bits.next().value!;
            blocks[i] = [0, 0xffff_ffff, word, blocks[i]!][word & 3]!;
          }
          const addresses = new Ipv4Addresses({ ...one, blocks });
          for (let word = 0xc000_0000; word < 0xc000_0400; word += 7) {
            const place = addresses.find(word);
            assert.ok(place >= -1 && place < addresses.count, `${place}`);
          }
          try {
            assert.equal(addresses.all().length, addresses.count);
          } catch (error) {
            assert.ok(error instanceof SnapshotError);
          }
        },
      ),
    );
  });
});
