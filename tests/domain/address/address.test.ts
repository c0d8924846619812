import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type Address,
  foldMapped,
  formatAddress,
  formatIpv4,
  formatIpv6,
  isMappedIpv4,
  parseAddress,
} from '../../../shared/domain/address/address.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
/** Words with many zero groups, where `::` has something to choose. */
const sparseWord = fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffff_0000, 0x2001_0db8, 0xffff_ffff);
const words = fc.oneof(
  fc.tuple(word, word, word, word),
  fc.tuple(sparseWord, sparseWord, sparseWord, sparseWord),
);

/** What a browser makes of it: the URL standard writes RFC 5952 text, without the mixed form. */
function canonicalByUrl(text: string): string {
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

describe('an IPv4 address', () => {
  it('comes back from its text', () => {
    fc.assert(
      fc.property(word, (address) => {
        const parsed = parseAddress(formatIpv4(address));
        assert.deepEqual(parsed, { family: 4, words: [address, 0, 0, 0] });
      }),
    );
  });

  it('is written in four decimal parts', () => {
    assert.equal(formatIpv4(0), '0.0.0.0');
    assert.equal(formatIpv4(0xc000_0201), '192.0.2.1');
    assert.equal(formatIpv4(0xffff_ffff), '255.255.255.255');
  });

  for (const text of [
    '192.0.2',
    '192.0.2.',
    '192.0.2.1.',
    '.192.0.2.1',
    '192.0.2.256',
    '192.0.2.01',
    '192.0.2.00',
    '192..2.1',
    '0x2d.66.64.1',
    '759316481',
    '192.0.2.1 ',
    ' 192.0.2.1',
    '192.0.2.1/32',
    '192.0.2.-1',
    '192.0.2.+1',
    '192.0.2.1e0',
    '\uff11.2.3.4',
    '192.0.2.1.1',
    '',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), null));
  }
});

describe('an IPv6 address', () => {
  it('comes back from its text, which is what the URL standard writes', () => {
    fc.assert(
      fc.property(words, ([w0, w1, w2, w3]) => {
        const text = formatIpv6(w0, w1, w2, w3);
        assert.deepEqual(parseAddress(text), { family: 6, words: [w0, w1, w2, w3] });
        if (!isMappedIpv4(w0, w1, w2)) assert.equal(text, canonicalByUrl(text));
      }),
      { numRuns: 1000 },
    );
  });

  const written: readonly [Address['words'], string][] = [
    [[0, 0, 0, 0], '::'],
    [[0, 0, 0, 1], '::1'],
    [[0x2001_0db8, 0, 0, 0], '2001:db8::'],
    // RFC 5952 4.2.2 and 4.2.3: never one group alone; the longest run, and of equal ones the first.
    [[0x2001_0db8, 0x0000_0001, 0x0001_0001, 0x0001_0001], '2001:db8:0:1:1:1:1:1'],
    [[0x2001_0db8, 0, 0x0001_0000, 0x0000_0001], '2001:db8::1:0:0:1'],
    [[0x2001_0000, 0x0000_0001, 0, 0x0000_0001], '2001:0:0:1::1'],
    [[0, 0, 0xffff, 0xc000_0201], '::ffff:192.0.2.1'],
    [[0, 0, 0, 0xc000_0201], '::c000:201'],
    [[0x0064_ff9b, 0, 0, 0xc000_0201], '64:ff9b::c000:201'],
    [
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff],
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    ],
  ];
  for (const [words, text] of written) {
    it(`is written ${text}`, () => assert.equal(formatIpv6(...words), text));
  }

  for (const [text, canonical] of [
    ['2001:DB8:0003:0012:0000:0000:0000:0000', '2001:db8:3:12::'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['2001:db8::192.0.2.1', '2001:db8::c000:201'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4:5:6:c000:201'],
    ['::FFFF:C000:201', '::ffff:192.0.2.1'],
  ] as const) {
    it(`reads ${text} as ${canonical}`, () => {
      assert.equal(formatAddress(parseAddress(text)!), canonical);
    });
  }

  for (const text of [
    ':',
    ':::',
    '1::2::3',
    ':1',
    '1:',
    '::1:',
    ':1::2',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '[2001:db8::1]',
    '2001:db8::1/64',
    '2001:db8::1 ',
    '::192.0.2.01',
    '::192.0.2',
    '192.0.2.1::',
    '1:2:3:4:5:6:7:192.0.2.1',
    '::192.0.2.1:1',
    '::192.0.2.1.1',
    '0000:0000:0000:0000:0000:ffff:255.255.255.2555',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), null));
  }
});

describe('parsing any text', () => {
  it('accepts what node:net does, save zones', () => {
    const near = fc
      .array(fc.constantFrom('0', '1', '25', 'f', 'ffff', ':', '::', '.', '192.0.2.1', '%', '/'), {
        maxLength: 17,
      })
      .map((parts) => parts.join(''));
    const mutated = fc
      .tuple(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.nat(40),
        fc.constantFrom('', ':', '.', '0', 'g', ' '),
      )
      .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at));
    fc.assert(
      fc.property(fc.oneof(near, mutated, fc.string()), (text) => {
        const family = text.includes('%') ? 0 : isIP(text);
        assert.equal(parseAddress(text)?.family ?? 0, family, text);
      }),
      { numRuns: 3000 },
    );
  });

  it('reads IPv6 text as the URL standard does', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const { words } = parseAddress(text)!;
        assert.equal(canonicalByUrl(formatIpv6(...words)), canonicalByUrl(text));
      }),
      { numRuns: 500 },
    );
  });
});

describe('an IPv4-mapped address', () => {
  it('folds to its IPv4 address', () => {
    const mapped = parseAddress('::ffff:192.0.2.1')!;
    assert.equal(mapped.family, 6);
    assert.equal(isMappedIpv4(mapped.words[0], mapped.words[1], mapped.words[2]), true);
    assert.deepEqual(foldMapped(mapped), parseAddress('192.0.2.1'));
  });

  it('is no other embedded form', () => {
    for (const text of [
      '::192.0.2.1',
      '64:ff9b::192.0.2.1',
      '::fffe:192.0.2.1',
      '1::ffff:192.0.2.1',
      '0:0:1:0:0:ffff:c000:201',
      '192.0.2.1',
    ]) {
      const address = parseAddress(text)!;
      assert.deepEqual(foldMapped(address), address);
    }
  });
});
