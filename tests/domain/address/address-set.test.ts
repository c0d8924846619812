import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AddressSet } from '../../../shared/domain/address/address-set.ts';
import { type Address, foldMapped, parseAddress } from '../../../shared/domain/address/address.ts';
import { parsePrefix, prefixCovers, prefixOf } from '../../../shared/domain/address/prefix.ts';

const setOf = (...texts: readonly string[]) => new AddressSet(texts.map((t) => parsePrefix(t)!));
const has = (set: AddressSet, text: string) => {
  const { family, words } = parseAddress(text)!;
  return set.has(family, ...words);
};
const held = (set: AddressSet, ...texts: readonly string[]) => texts.filter((t) => has(set, t));

// Few different words, so that prefixes nest, touch and repeat, and addresses meet their edges.
const word = fc.oneof(
  fc.constantFrom(0, 1, 0xff, 0x100, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const address: fc.Arbitrary<Address> = fc.oneof(
  word.map((w) => ({ family: 4 as const, words: [w, 0, 0, 0] as const })),
  fc.tuple(word, word, word, word).map((words) => ({ family: 6 as const, words })),
  word.map((w) => ({ family: 6 as const, words: [0, 0, 0xffff, w] as const })),
);
const prefix = fc
  .tuple(address, fc.nat(128))
  .map(([one, bits]) => prefixOf(foldMapped(one), foldMapped(one).family === 4 ? bits >> 2 : bits));

/** The addresses just inside and just outside of a prefix, and any others. */
function near({ family, words }: Address, flipped: number): Address {
  const at = family === 4 ? flipped % 32 : flipped;
  const changed = words.map((w, i) => (i === at >> 5 ? (w ^ (2 ** (31 - (at & 31)))) >>> 0 : w));
  return { family, words: changed as unknown as Address['words'] };
}

describe('a set of addresses', () => {
  it('holds what any of its prefixes covers, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 20 }),
        fc.array(address, { maxLength: 20 }),
        fc.nat(127),
        (prefixes, others, flipped) => {
          const set = new AddressSet(prefixes);
          for (const one of [...prefixes, ...prefixes.map((p) => near(p, flipped)), ...others]) {
            const covered = prefixes.some((p) => prefixCovers(p, foldMapped(one)));
            assert.equal(set.has(one.family, ...one.words), covered);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of no prefix holds nothing', () => {
    assert.equal(new AddressSet([]).size, 0);
    assert.deepEqual(held(new AddressSet([]), '0.0.0.0', '::', '::ffff:0.0.0.0'), []);
  });

  it('holds a whole family, and not the other', () => {
    const all4 = ['0.0.0.0', '127.255.255.255', '128.0.0.0', '255.255.255.255'];
    const all6 = ['::', '7fff::', '8000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];
    assert.deepEqual(held(setOf('0.0.0.0/0'), ...all4, ...all6), all4);
    assert.deepEqual(held(setOf('::/0'), ...all4, ...all6), all6);
  });

  it('ends where its prefixes do', () => {
    const set = setOf('192.0.2.64/26', '2001:db8::/47');
    assert.deepEqual(held(set, '192.0.2.63', '192.0.2.64', '192.0.2.127', '192.0.2.128'), [
      '192.0.2.64',
      '192.0.2.127',
    ]);
    assert.deepEqual(
      held(set, '2001:db7:ffff::1', '2001:db8::', '2001:db8:1:ffff::1', '2001:db8:2::'),
      ['2001:db8::', '2001:db8:1:ffff::1'],
    );
  });

  it('takes prefixes that touch, lie in one another or stand twice', () => {
    const set = setOf('10.0.0.0/9', '10.128.0.0/9', '10.1.0.0/16', '10.1.2.3', '10.0.0.0/9');
    assert.equal(set.size, 2);
    assert.deepEqual(
      held(set, '9.255.255.255', '10.0.0.0', '10.127.255.255', '10.128.0.0', '11.0.0.0'),
      ['10.0.0.0', '10.127.255.255', '10.128.0.0'],
    );
  });

  it('takes an IPv4-mapped address as IPv4, on both sides', () => {
    const set = setOf('192.0.2.7', '::ffff:198.51.100.0/120');
    const inside = ['::ffff:192.0.2.7', '198.51.100.9', '::ffff:198.51.100.9'];
    assert.deepEqual(held(set, ...inside, '::192.0.2.7', '64:ff9b::192.0.2.7'), inside);
    // A prefix of IPv6 that is wider than the mapped ones covers no IPv4 address.
    assert.deepEqual(held(setOf('::/64', '::/0'), '::ffff:192.0.2.7', '::1'), ['::1']);
  });
});
