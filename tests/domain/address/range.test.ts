import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Address, parseAddress } from '../../../shared/domain/address/address.ts';
import { formatPrefix, widthOf } from '../../../shared/domain/address/prefix.ts';
import { hostBitsOfRange, prefixesOfRange } from '../../../shared/domain/address/range.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const edge = fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff);
const ipv4Pair = fc
  .tuple(fc.oneof(word, edge), fc.oneof(word, edge))
  .map((pair) =>
    pair.toSorted((a, b) => a - b).map((w): Address => ({ family: 4, words: [w, 0, 0, 0] })),
  );
const ipv6Pair = fc
  .tuple(edge, fc.oneof(word, edge), fc.oneof(word, edge), word, fc.bigInt(0n, (1n << 100n) - 1n))
  .map(([w0, w1, w2, w3, size]) => {
    const from = [w0, w1, w2, w3].reduce((sum, w) => (sum << 32n) | BigInt(w), 0n);
    const end = from + size;
    const to = end >> 128n === 0n ? end : (1n << 128n) - 1n;
    return [from, to].map((value): Address => ({
      family: 6,
      words: [96n, 64n, 32n, 0n].map((shift) =>
        Number((value >> shift) & 0xffff_ffffn),
      ) as unknown as Address['words'],
    }));
  });

function integerOf({ family, words }: Address): bigint {
  return words.slice(0, family === 4 ? 1 : 4).reduce((sum, w) => (sum << 32n) | BigInt(w), 0n);
}

describe('a range of addresses', () => {
  it('is covered by its prefixes exactly, and no two of them could be one', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4Pair, ipv6Pair), ([from, to]) => {
        const prefixes = prefixesOfRange(from!, to!);
        // Only IPv6 can take more than are allowed.
        if (prefixes === null) return assert.equal(from!.family, 6);
        assert.ok(prefixes.length <= 64);
        let next = integerOf(from!);
        for (const [i, prefix] of prefixes.entries()) {
          const start = integerOf(prefix);
          const size = 1n << BigInt(widthOf(prefix.family) - prefix.bits);
          assert.equal(start, next);
          assert.equal(start % size, 0n);
          const before = prefixes[i - 1];
          // Equal neighbours are one prefix if the first begins where a prefix of twice the size could.
          if (before?.bits === prefix.bits) assert.notEqual(integerOf(before) % (size * 2n), 0n);
          next = start + size;
        }
        assert.equal(next, integerOf(to!) + 1n);
      }),
      { numRuns: 300 },
    );
  });

  for (const [from, to, expected] of [
    ['192.0.2.16', '192.0.2.31', ['192.0.2.16/28']],
    ['192.0.2.10', '192.0.2.12', ['192.0.2.10/31', '192.0.2.12/32']],
    ['192.0.2.1', '192.0.2.1', ['192.0.2.1/32']],
    ['0.0.0.0', '255.255.255.255', ['0.0.0.0/0']],
    ['::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['::/0']],
    ['2001:db8::1', '2001:db8::2', ['2001:db8::1/128', '2001:db8::2/128']],
  ] as const) {
    it(`${from} to ${to} is ${expected.join(' ')}`, () => {
      const prefixes = prefixesOfRange(parseAddress(from)!, parseAddress(to)!)!;
      assert.deepEqual(prefixes.map(formatPrefix), expected);
    });
  }

  it('takes 64 prefixes at most', () => {
    const [to33, to32] = ['2001:db8:0:0:0:0:1:fffe', '2001:db8:0:0:0:0:0:fffe'].map((text) =>
      parseAddress(text)!,
    );
    assert.equal(prefixesOfRange(parseAddress('2001:db8::1')!, to32!)?.length, 30);
    assert.equal(prefixesOfRange(parseAddress('2001:db8::1')!, to33!)?.length, 32);
    const last = parseAddress('2001:db8:0:0:ffff:ffff:ffff:fffe')!;
    assert.equal(prefixesOfRange(parseAddress('2001:db8::1')!, last), null);
  });

  it('does not run backwards or across families', () => {
    const [low, high] = [parseAddress('192.0.2.3')!, parseAddress('192.0.2.9')!];
    assert.equal(prefixesOfRange(high, low), null);
    assert.equal(prefixesOfRange(low, parseAddress('2001:db8::')!), null);
  });

  it('has its size as a power of two, rounded up', () => {
    const bits = (to: string) => hostBitsOfRange(parseAddress('10.0.0.0')!, parseAddress(to)!);
    assert.equal(bits('10.0.0.0'), 0);
    assert.equal(bits('10.0.0.1'), 1);
    assert.equal(bits('10.0.0.2'), 2);
    assert.equal(bits('10.0.0.255'), 8);
    assert.equal(bits('10.0.1.0'), 9);
    assert.equal(bits('10.255.255.255'), 24);
  });
});
