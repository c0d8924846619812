// Feeds for the tests: few addresses and many prefixes around them, so that they meet, nest and repeat.
import * as fc from 'fast-check';
import {
  type Address,
  foldMapped,
  formatAddress,
  parseAddress,
} from '../../../shared/domain/address/address.ts';
import {
  formatPrefix,
  isSingle,
  parsePrefix,
  prefixCovers,
  prefixOf,
  widthOf,
} from '../../../shared/domain/address/prefix.ts';
import type { FeedKind } from '../../../shared/domain/indicator/feed-kind.ts';
import {
  type IndicatorDetail,
  type MatchedIndicator,
  NO_DETAIL,
} from '../../../shared/domain/indicator/indicator.ts';
import type { SnapshotIndicator } from '../../../shared/format/indicator-snapshot/collect.ts';

export interface TestFeed {
  readonly name: string;
  readonly kind: FeedKind;
  readonly indicators: readonly SnapshotIndicator[];
}

export function listed(
  text: string,
  detail: Partial<IndicatorDetail> | null = null,
): SnapshotIndicator {
  const said = detail === null ? null : { ...NO_DETAIL, ...detail };
  return { prefix: parsePrefix(text)!, detail: said };
}

/** A feed of threats. */
export function threats(name: string, ...indicators: readonly SnapshotIndicator[]): TestFeed {
  return { name, kind: 'threat', indicators };
}

export function warningList(name: string, ...texts: readonly string[]): TestFeed {
  return { name, kind: 'warningList', indicators: texts.map((text) => listed(text)) };
}

const BASES = [
  '0.0.0.0',
  '0.0.0.1',
  '127.255.255.255',
  '128.0.0.0',
  '192.0.2.0',
  '192.0.2.1',
  '192.0.2.128',
  '192.0.3.0',
  '198.51.100.255',
  '255.255.255.254',
  '255.255.255.255',
  '::',
  '::1',
  '7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '8000::',
  '2001:db8::',
  '2001:db8::1',
  '2001:db8:0:1::',
  '2001:db8:ffff::1',
  '2001:db8::ffff:ffff',
  '2001:db8::1:0:0',
  '2001:db9::',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
].map((text) => parseAddress(text)!);

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  word.map((w) => ({ family: 4 as const, words: [w, 0, 0, 0] as const })),
  fc.tuple(word, word, word, word).map((words) => ({ family: 6 as const, words })),
);

export const address = fc
  .oneof({ weight: 9, arbitrary: fc.constantFrom(...BASES) }, { weight: 1, arbitrary: anyAddress })
  .map(foldMapped);

const prefix = address.chain((base) => {
  const width = widthOf(base.family);
  const lengths = [0, 1, 8, 15, 16, 17, 24, 30, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128];
  const bits = fc.oneof(fc.constant(width), fc.constantFrom(...lengths.filter((b) => b <= width)));
  return bits.map((b) => prefixOf(base, b));
});

const instant = fc.option(fc.constantFrom('2026-08-01T00:00:00.000Z', '2026-09-01T00:00:00.000Z'));
const detail: fc.Arbitrary<IndicatorDetail> = fc.record({
  id: fc.option(fc.constantFrom('indicator--1', 'indicator--2')),
  sources: fc.array(fc.oneof(fc.constant('Übung'), fc.string({ unit: 'binary', maxLength: 3 })), {
    maxLength: 2,
  }),
  validFrom: instant,
  validUntil: instant,
  confidence: fc.option(fc.constantFrom(0, 50, 100)),
  labels: fc.array(fc.constantFrom('c2', '\u{1f47e}'), { maxLength: 2 }),
  constraint: fc.option(
    fc.record({
      ports: fc.option(fc.uniqueArray(fc.constantFrom(22, 443), { minLength: 1 })),
      direction: fc.option(fc.constantFrom('source' as const, 'destination' as const)),
      protocol: fc.option(fc.constantFrom('tcp' as const, 'udp' as const)),
    }),
  ),
  tlp: fc.option(fc.constantFrom('clear' as const, 'amber+strict' as const)),
  listedSince: instant,
});

const indicator = fc.record({ prefix, detail: fc.option(detail, { freq: 2 }) });

export const feeds: fc.Arbitrary<TestFeed[]> = fc
  .uniqueArray(fc.constantFrom('a.txt', 'b.txt', 'c.json', 'Ärger'), { maxLength: 4 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(
            fc.constantFrom<FeedKind>('threat', 'scanner'),
            fc.array(indicator, { maxLength: 25 }),
          )
          .map(([kind, indicators]) => ({ name, kind, indicators })),
      ),
    ),
  );

/** The answer by looking at every indicator of every feed, as sorted text. */
export function oracle(feeds: readonly TestFeed[], asked: Address): string[] {
  const found = new Set<string>();
  for (const { name, kind, indicators } of feeds) {
    for (const { prefix, detail } of indicators) {
      if (!prefixCovers(prefix, asked)) continue;
      const matchedPrefix = formatPrefix(prefix);
      const value = isSingle(prefix) ? formatAddress(prefix) : matchedPrefix;
      const said = detail ?? NO_DETAIL;
      const sources = said.sources.length === 0 ? [name] : said.sources;
      found.add(asText({ ...said, sources, feed: name, kind, value, matchedPrefix }));
    }
  }
  return [...found].sort();
}

export function asText(match: MatchedIndicator): string {
  return JSON.stringify(Object.entries(match).sort(([a], [b]) => (a < b ? -1 : 1)));
}
