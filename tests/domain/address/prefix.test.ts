import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type Address,
  formatAddress,
  parseAddress,
} from '../../../shared/domain/address/address.ts';
import {
  formatPrefix,
  isSingle,
  parsePrefix,
  prefixCovers,
  prefixOf,
} from '../../../shared/domain/address/prefix.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const address: fc.Arbitrary<Address> = fc.oneof(
  word.map((w) => ({ family: 4 as const, words: [w, 0, 0, 0] as const })),
  fc.tuple(word, word, word, word).map((words) => ({ family: 6 as const, words })),
);
const addressAndBits = address.chain((a) =>
  fc.tuple(fc.constant(a), fc.integer({ min: 0, max: a.family === 4 ? 32 : 128 })),
);

describe('a prefix', () => {
  it('comes back from its text', () => {
    fc.assert(
      fc.property(addressAndBits, ([base, bits]) => {
        const prefix = prefixOf(base, bits);
        assert.deepEqual(parsePrefix(formatPrefix(prefix)), prefix);
      }),
    );
  });

  it('covers what node:net says it covers', () => {
    fc.assert(
      fc.property(addressAndBits, fc.nat(127), word, ([base, bits], flipped, random) => {
        const list = new BlockList();
        const type = base.family === 4 ? 'ipv4' : 'ipv6';
        const prefix = prefixOf(base, bits);
        list.addSubnet(formatAddress(prefix), bits, type);
        // An address that differs in one bit, or in all behind it.
        const at = base.family === 4 ? flipped % 32 : flipped;
        const words = base.words.map((w, i) =>
          i === at >> 5 ? (w ^ ((2 ** (31 - (at & 31))) | (random % 2))) >>> 0 : w,
        ) as unknown as Address['words'];
        const near = { family: base.family, words };
        assert.equal(prefixCovers(prefix, near), list.check(formatAddress(near), type));
        assert.equal(prefixCovers(prefix, base), true);
      }),
      { numRuns: 500 },
    );
  });

  it('never covers an address of the other family', () => {
    assert.equal(prefixCovers(parsePrefix('0.0.0.0/0')!, parseAddress('::')!), false);
    assert.equal(prefixCovers(parsePrefix('::/0')!, parseAddress('0.0.0.0')!), false);
  });

  for (const [text, canonical] of [
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['255.255.255.255/0', '0.0.0.0/0'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['2001:db8:beef::1/32', '2001:db8::/32'],
    ['2001:db8::ff/127', '2001:db8::fe/127'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['::ffff:192.0.2.77/120', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.77/32'],
    ['::ffff:192.0.2.77/96', '0.0.0.0/0'],
    // Wider than the mapped block, so no IPv4 prefix.
    ['::ffff:192.0.2.77/95', '::fffe:0:0/95'],
  ] as const) {
    it(`reads ${text} as ${canonical}`, () => {
      assert.equal(formatPrefix(parsePrefix(text)!), canonical);
    });
  }

  for (const text of [
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/+8',
    '192.0.2.0/08',
    '192.0.2.0/8/8',
    '192.0.2.0/-1',
    '2001:db8::/129',
    '2001:db8::/1e1',
    '/8',
    '',
    '192.0.2/24',
    '192.0.2.0/255.255.255.0',
    '192.0.2.0 /24',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parsePrefix(text), null));
  }

  it('is single only with all its bits', () => {
    assert.equal(isSingle(parsePrefix('192.0.2.1')!), true);
    assert.equal(isSingle(parsePrefix('192.0.2.0/31')!), false);
    assert.equal(isSingle(parsePrefix('2001:db8::/32')!), false);
    assert.equal(isSingle(parsePrefix('2001:db8::1')!), true);
  });
});
