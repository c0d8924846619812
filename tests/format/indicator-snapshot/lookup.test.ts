import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type Address,
  formatAddress,
  parseAddress,
} from '../../../shared/domain/address/address.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { crc32 } from 'node:zlib';
import { type IndicatorDetail, NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';
import {
  type TestFeed,
  address,
  asText,
  feeds,
  listed,
  oracle,
  threats,
  warningList,
} from './feeds.ts';

function snapshotOf(...feeds: TestFeed[]): IndicatorSnapshot {
  return openSnapshot(buildSnapshot(feeds, { checksum: crc32 }), crc32);
}

function ask(snapshot: IndicatorSnapshot, { family, words }: Address) {
  return family === 4
    ? { has: snapshot.hasIpv4(words[0]), matches: snapshot.matchesOfIpv4(words[0]) }
    : { has: snapshot.hasIpv6(...words), matches: snapshot.matchesOfIpv6(...words) };
}

/** The addresses at both edges of every prefix, and those just outside. */
function edgesOf(feeds: readonly TestFeed[]): Address[] {
  return feeds.flatMap(({ indicators }) =>
    indicators.flatMap(({ prefix }) => {
      const width = prefix.family === 4 ? 32n : 128n;
      const first = prefix.words
        .slice(0, Number(width / 32n))
        .reduce((sum, w) => (sum << 32n) | BigInt(w), 0n);
      const last = first + (1n << (width - BigInt(prefix.bits))) - 1n;
      return [first - 1n, first, last, last + 1n]
        .filter((value) => value >= 0n && value >> width === 0n)
        .map((value): Address => {
          const words = [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffff_ffffn));
          return prefix.family === 4
            ? { family: 4, words: [words[3]!, 0, 0, 0] }
            : { family: 6, words: words as unknown as Address['words'] };
        });
    }),
  );
}

describe('looking an address up', () => {
  it('finds what a look at every indicator finds', () => {
    fc.assert(
      fc.property(feeds, fc.array(address, { maxLength: 10 }), (feeds, asked) => {
        const snapshot = snapshotOf(...feeds);
        for (const address of [...asked, ...edgesOf(feeds)]) {
          const expected = oracle(feeds, address);
          const { has, matches } = ask(snapshot, address);
          assert.deepEqual(matches.map(asText).sort(), expected, formatAddress(address));
          assert.equal(has, expected.length > 0);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('finds every one of many addresses, and none beside them', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const words = Array.from({ length: 3000 }, (_, i) => Math.imul(i + 1, seed | 1) >>> 0);
        const known = new Set(words);
        const snapshot = snapshotOf(
          {
            name: 'ipv4',
            kind: 'threat',
            indicators: words.map((w) => ({
              prefix: { family: 4, words: [w, 0, 0, 0], bits: 32 },
              detail: null,
            })),
          },
          {
            name: 'ipv6',
            kind: 'threat',
            indicators: words.map((w) => ({
              prefix: { family: 6, words: [0x2001_0db8, w & 7, w, (w ^ 5) >>> 0], bits: 128 },
              detail: null,
            })),
          },
        );
        for (const w of words) {
          assert.equal(snapshot.hasIpv4(w), true);
          assert.equal(snapshot.hasIpv6(0x2001_0db8, w & 7, w, (w ^ 5) >>> 0), true);
          assert.equal(snapshot.hasIpv4((w ^ 1) >>> 0), known.has((w ^ 1) >>> 0));
          assert.equal(snapshot.hasIpv6(0x2001_0db8, w & 7, w, (w ^ 4) >>> 0), false);
          assert.equal(snapshot.hasIpv6(0x2001_0db8, (w & 7) ^ 8, w, (w ^ 5) >>> 0), false);
        }
      }),
      { numRuns: 5 },
    );
  });
});

describe('an address that several feeds list', () => {
  const snapshot = snapshotOf(
    threats('b.txt', listed('192.0.2.7'), listed('192.0.2.0/24'), listed('192.0.2.7')),
    threats('a.txt', listed('192.0.2.7'), listed('192.0.0.0/16')),
    threats('c.json', listed('192.0.2.0/24', { id: 'indicator--1', confidence: 80 })),
  );

  it('reports them all, the longest prefix first and feeds by name', () => {
    const matches = snapshot.matchesOfIpv4(0xc000_0207);
    assert.deepEqual(
      matches.map((m) => [m.matchedPrefix, m.feed, m.id]),
      [
        ['192.0.2.7/32', 'a.txt', null],
        ['192.0.2.7/32', 'b.txt', null],
        ['192.0.2.0/24', 'b.txt', null],
        ['192.0.2.0/24', 'c.json', 'indicator--1'],
        ['192.0.0.0/16', 'a.txt', null],
      ],
    );
  });

  it('says of a bare list its address, and its name as the source', () => {
    assert.deepEqual(snapshot.matchesOfIpv4(0xc000_0207)[0], {
      feed: 'a.txt',
      kind: 'threat',
      value: '192.0.2.7',
      matchedPrefix: '192.0.2.7/32',
      ...NO_DETAIL,
      sources: ['a.txt'],
    });
  });

  it('counts each feed once for each different thing it lists', () => {
    const { feeds, ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = snapshot.stat;
    assert.deepEqual(feeds, [
      { name: 'a.txt', kind: 'threat', indicators: 2 },
      { name: 'b.txt', kind: 'threat', indicators: 2 },
      { name: 'c.json', kind: 'threat', indicators: 1 },
    ]);
    assert.deepEqual([ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes], [1, 2, 0, 0]);
  });
});

describe('the details of an indicator', () => {
  it('come back as they were, also outside ASCII', () => {
    const detail: IndicatorDetail = {
      id: 'indicator--8f1a',
      sources: ['CERT Übung', '\u{1f47e}'],
      validFrom: '2026-08-01T00:00:00.000Z',
      validUntil: '2026-09-01T00:00:00.000Z',
      confidence: 0,
      labels: ['c2', '\u0000"\\'],
      constraint: { ports: [443, 8443], direction: 'destination', protocol: 'tcp' },
      tlp: 'amber+strict',
      listedSince: '2026-08-02T00:00:00.000Z',
    };
    const snapshot = snapshotOf(threats('Köln.json', listed('192.0.2.1', detail)));
    assert.deepEqual(snapshot.matchesOfIpv4(0xc000_0201), [
      {
        ...detail,
        feed: 'Köln.json',
        kind: 'threat',
        value: '192.0.2.1',
        matchedPrefix: '192.0.2.1/32',
      },
    ]);
  });

  it('stay apart where one address has hundreds of them', () => {
    const indicators = Array.from({ length: 700 }, (_, i) =>
      listed('2001:db8::1', { id: `indicator--${i}` }),
    );
    const { words } = parseAddress('2001:db8::1')!;
    const matches = snapshotOf(threats('feed', ...indicators)).matchesOfIpv6(...words);
    assert.equal(new Set(matches.map((match) => match.id)).size, 700);
  });

  for (const [count, width] of [
    [1, 0],
    [200, 8],
    [300, 9],
    [70_000, 17],
  ] as const) {
    it(`are found by sets of ${width} bits where ${count} addresses differ in what is said of them`, () => {
      const indicators = Array.from({ length: count }, (_, i) => ({
        ...listed('0.0.0.0', { id: `indicator--${i}` }),
        prefix: { family: 4 as const, words: [i * 3, 0, 0, 0] as const, bits: 32 },
      }));
      const snapshot = snapshotOf({ name: 'feed', kind: 'threat', indicators });
      const words = 2 + Math.floor((count * width) / 32) + 1;
      assert.equal(snapshot.stat.sections['ipv4Sets'], 4 * words);
      for (const i of [0, 1, 199, count - 1].filter((i) => i < count)) {
        assert.deepEqual(
          snapshot.matchesOfIpv4(i * 3).map((match) => match.id),
          [`indicator--${i}`],
        );
      }
    });
  }
});

describe('prefixes inside each other', () => {
  it('cost what was listed, not depth times members', () => {
    const outer = Array.from({ length: 500 }, (_, i) =>
      listed('10.0.0.0/8', { id: `outer--${i}` }),
    );
    const inner = Array.from({ length: 5000 }, (_, i) => listed(`10.${i >> 8}.${i & 255}.0/24`));
    const bytes = buildSnapshot([threats('feed', ...outer, ...inner)], { checksum: crc32 });
    assert.ok(bytes.length < 600_000, `${bytes.length} bytes`);
    assert.equal(openSnapshot(bytes, crc32).matchesOfIpv4(0x0a00_0001).length, 501);
  });
});

describe('an empty snapshot', () => {
  it('lists nothing', () => {
    const snapshot = snapshotOf();
    for (const word of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      assert.equal(snapshot.hasIpv4(word), false);
      assert.equal(snapshot.hasIpv6(word, word, word, word), false);
      assert.deepEqual(snapshot.matchesOfIpv4(word), []);
    }
  });
});

describe('prefixes of everything', () => {
  it('cover every address of their family only', () => {
    const ipv4 = snapshotOf(threats('feed', listed('0.0.0.0/0')));
    const ipv6 = snapshotOf(threats('feed', listed('::/0')));
    for (const word of [0, 0x8000_0000, 0xffff_ffff]) {
      assert.deepEqual([ipv4.hasIpv4(word), ipv4.hasIpv6(word, word, word, word)], [true, false]);
      assert.deepEqual([ipv6.hasIpv4(word), ipv6.hasIpv6(word, word, word, word)], [false, true]);
    }
  });
});

describe('warning lists', () => {
  const snapshot = snapshotOf(
    threats('list.txt', listed('192.0.2.1'), listed('192.0.2.9')),
    warningList('Public resolvers', '192.0.2.1', '192.0.2.2', '2001:db8::53'),
    warningList('A cloud', '192.0.2.0/24'),
  );
  const warnings = (text: string) =>
    snapshot
      .warningsOf(parseAddress(text)!)
      .map(({ list, matchedPrefix }) => [list, matchedPrefix]);

  it('say who warns of an address, and by which prefix', () => {
    assert.deepEqual(warnings('192.0.2.1'), [
      ['Public resolvers', '192.0.2.1/32'],
      ['A cloud', '192.0.2.0/24'],
    ]);
    assert.deepEqual(warnings('192.0.2.9'), [['A cloud', '192.0.2.0/24']]);
    assert.deepEqual(warnings('2001:db8::53'), [['Public resolvers', '2001:db8::53/128']]);
    assert.deepEqual(warnings('198.51.100.1'), []);
  });

  it('make nothing listed: they are asked on a hit only', () => {
    assert.equal(snapshot.hasIpv4(0xc000_0202), false);
    assert.deepEqual(
      snapshot.matchesOfIpv4(0xc000_0201).map(({ feed }) => feed),
      ['list.txt'],
    );
  });

  it('are counted beside the feeds', () => {
    assert.deepEqual(snapshot.stat.feeds, [{ name: 'list.txt', kind: 'threat', indicators: 2 }]);
    assert.deepEqual(snapshot.stat.warningLists, [
      { name: 'A cloud', kind: 'warningList', indicators: 1 },
      { name: 'Public resolvers', kind: 'warningList', indicators: 3 },
    ]);
    assert.deepEqual(snapshotOf(threats('list.txt')).warningsOf(parseAddress('192.0.2.1')!), []);
  });
});
