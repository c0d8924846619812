import { type Address, formatAddress, ipv4 } from '../../domain/address/address.ts';
import {
  type Prefix,
  formatPrefix,
  isSingle,
  prefixOf,
  widthOf,
} from '../../domain/address/prefix.ts';
import type { FeedKind } from '../../domain/indicator/feed-kind.ts';
import {
  type IndicatorDetail,
  type MatchedIndicator,
  NO_DETAIL,
  type WarningMatch,
} from '../../domain/indicator/indicator.ts';
import type { SnapshotFeed, SnapshotIndicator } from './collect.ts';
import { Ipv4Gatherer, type Listing, ipv4Listings, otherListings, parentOf } from './contents.ts';
import { readDetail } from './detail.ts';
import type { FuseFilter } from './fuse-filter.ts';
import type { Ipv4Addresses } from './ipv4-addresses.ts';
import { Ipv6Map } from './ipv6-map.ts';
import { PROVENANCE_WORDS, SET_WORDS, type SnapshotColumns } from './layout.ts';
import { RangeMap } from './range-map.ts';
import type { Ipv4Ranges } from './ranges.ts';
import { inconsistent } from './snapshot-error.ts';

export interface SnapshotFeedStat {
  readonly name: string;
  readonly kind: FeedKind;
  /** Different addresses and prefixes, each with each different thing that the feed says of it. */
  readonly indicators: number;
}

export interface SnapshotStat {
  readonly bytes: number;
  readonly version: number;
  readonly ipv4Addresses: number;
  readonly ipv4Prefixes: number;
  readonly ipv6Addresses: number;
  readonly ipv6Prefixes: number;
  readonly feeds: readonly SnapshotFeedStat[];
  readonly warningLists: readonly SnapshotFeedStat[];
  /** Bytes of each section. */
  readonly sections: Readonly<Record<string, number>>;
}

/**
 * One published index of indicators. `has…` says that some indicator covers an address at some time; `matchesOf…` says
 * which, and the caller judges their validity. Words are unsigned; an IPv4-mapped address is asked for as IPv4.
 */
export class IndicatorSnapshot {
  readonly stat: SnapshotStat;
  /** For this folder. */
  readonly columns: SnapshotColumns;
  readonly #warningLists: IndicatorSnapshot | null;
  // What every IPv4 lookup reads, one step away.
  readonly #ipv4: Ipv4Addresses;
  readonly #hasSingleIpv4: boolean;
  #filterInUse: FuseFilter | null;
  readonly #ipv4Ranges: Ipv4Ranges;
  /** The map of the ranges; before the first question the whole is one cell that may be listed. */
  #cells: Uint32Array = Uint32Array.of(0xffff_ffff);
  #cellShift = 27;
  #isMapped = false;
  #ipv6Map: Ipv6Map | null = null;
  /** How many in a row of those that were looked up exactly were there. */
  #foundInARow = 0;
  readonly #listedSince = new Map<number, string | null>();

  /** For `openSnapshot`, which has checked the columns. */
  constructor(
    columns: SnapshotColumns,
    feeds: readonly SnapshotFeedStat[],
    warningLists: IndicatorSnapshot | null,
    stat: Omit<SnapshotStat, 'feeds' | 'warningLists'>,
  ) {
    this.stat = { ...stat, feeds, warningLists: warningLists?.stat.feeds ?? [] };
    this.columns = columns;
    this.#warningLists = warningLists;
    this.#ipv4 = columns.ipv4;
    this.#hasSingleIpv4 = columns.ipv4.count > 0;
    this.#filterInUse = columns.ipv4Filter;
    this.#ipv4Ranges = columns.ipv4Ranges;
  }

  hasIpv4(unsigned: number): boolean {
    // Signed it is a small integer, which a call passes on without making an object.
    const address = unsigned | 0;
    const cell = address >>> this.#cellShift;
    if (((this.#cells[cell >>> 5]! >>> cell) & 1) === 1 && this.#isInRange(address)) return true;
    const filter = this.#filterInUse;
    if (filter !== null && !filter.has(address)) return false;
    return this.#hasSingleIpv4 && this.#isSingle(address);
  }

  hasIpv6(w0: number, w1: number, w2: number, w3: number): boolean {
    if (!(this.#ipv6Map ?? this.#mapIpv6()).mayHold(w0, w1)) return false;
    const { ipv6, ipv6Ranges } = this.columns;
    return ipv6.find(w0, w1, w2, w3) >= 0 || ipv6Ranges.setOf(w0, w1, w2, w3) !== 0;
  }

  /** Everyone who lists the address, the longest prefix first. */
  matchesOfIpv4(address: number): MatchedIndicator[] {
    const { ipv4Ranges } = this.columns;
    const exact = this.#exactSetOf(ipv4(address));
    return this.#matches(ipv4(address), exact, ipv4Ranges.setOf(address));
  }

  matchesOfIpv6(w0: number, w1: number, w2: number, w3: number): MatchedIndicator[] {
    const address: Address = { family: 6, words: [w0, w1, w2, w3] };
    const range = this.columns.ipv6Ranges.setOf(w0, w1, w2, w3);
    return this.#matches(address, this.#exactSetOf(address), range);
  }

  /** Everyone who lists the address; of either family. */
  matchesOf({ family, words }: Address): MatchedIndicator[] {
    return family === 4 ? this.matchesOfIpv4(words[0]) : this.matchesOfIpv6(...words);
  }

  /** The warning lists that cover the address. */
  warningsOf(address: Address): WarningMatch[] {
    const matches = this.#warningLists?.matchesOf(address) ?? [];
    return matches.map(({ feed, matchedPrefix }) => ({ list: feed, matchedPrefix }));
  }

  /** The first listing time that the snapshot has for exactly this address or prefix; null if it does not list it. */
  listedSince(prefix: Prefix): string | null {
    return this.#listedSinceOf(this.setOf(prefix));
  }

  /** The same of a single IPv4 address. */
  ipv4ListedSince(address: number): string | null {
    const found = this.#ipv4.find(address);
    return found < 0 ? null : this.#listedSinceOf(this.columns.ipv4Sets.at(found));
  }

  /** The most indicators that one address or prefix has of its own. */
  get mostOfOneNetwork(): number {
    const { sets } = this.columns;
    let most = 0;
    for (let at = 3; at < sets.length; at += SET_WORDS) most = Math.max(most, sets[at]!);
    return most;
  }

  /** Whether exactly this address or prefix is listed. */
  lists(prefix: Prefix): boolean {
    return this.setOf(prefix) !== 0;
  }

  /** Everything that was put in, each once; equal details are one object. In no particular order. */
  *indicators(): Generator<SnapshotIndicator & { feed: string }> {
    yield* this.#indicatorsOf(ipv4Listings(this.columns));
    yield* this.#indicatorsOf(otherListings(this));
  }

  /** The same by feed, its single IPv4 addresses in bulk: no object an address. */
  feeds(): SnapshotFeed[] {
    const { ipv4, ipv4Sets } = this.columns;
    const gatherers = this.stat.feeds.map(() => new Ipv4Gatherer());
    const detail = (provenance: number) => this.provenance(provenance).detail;
    const addresses = ipv4.all();
    let [last, members]: [number, Uint32Array] = [0, NONE];
    for (let i = 0; i < addresses.length; i++) {
      const set = ipv4Sets.at(i);
      if (set !== last) [last, members] = [set, this.membersOf(set)];
      for (const provenance of members) {
        gatherers[this.#feedOf(provenance)]!.add(addresses[i]!, provenance, detail);
      }
    }
    return this.stat.feeds.map(({ name, kind }, feed) => {
      return { name, kind, indicators: this.#othersOf(name), ipv4: gatherers[feed]!.gathered() };
    });
  }

  *#othersOf(name: string): Generator<SnapshotIndicator> {
    for (const { feed, prefix, detail } of this.#indicatorsOf(otherListings(this))) {
      if (feed === name) yield { prefix, detail };
    }
  }

  *#indicatorsOf(listings: Iterable<Listing>): Generator<SnapshotIndicator & { feed: string }> {
    const read: { feed: string; detail: IndicatorDetail | null }[] = [];
    for (const { prefix, set } of listings) {
      for (const provenance of this.membersOf(set)) {
        const { feed, detail } = (read[provenance] ??= this.provenance(provenance));
        yield { prefix, feed, detail };
      }
    }
  }

  #isInRange(address: number): boolean {
    if (!this.#isMapped) {
      // Only now: the states of feeds are never asked.
      const { starts, sets } = this.#ipv4Ranges.columns;
      ({ cells: this.#cells, shift: this.#cellShift } = new RangeMap(starts, sets));
      this.#isMapped = true;
    }
    return this.#ipv4Ranges.setOf(address) !== 0;
  }

  #mapIpv6(): Ipv6Map {
    const { ipv6, ipv6Ranges } = this.columns;
    this.#ipv6Map = new Ipv6Map(ipv6.words, ipv6Ranges.columns);
    return this.#ipv6Map;
  }

  #isSingle(address: number): boolean {
    if (this.#ipv4.find(address) < 0) {
      this.#foundInARow = 0;
      this.#filterInUse = this.columns.ipv4Filter;
      return false;
    }
    // Where all that is asked for is listed, the filter tells nothing and pushes the index out of the cache.
    if (++this.#foundInARow === TRUSTED) this.#filterInUse = null;
    return true;
  }

  #matches(address: Address, exact: number, range: number): MatchedIndicator[] {
    const matches: MatchedIndicator[] = [];
    for (let set = exact; set !== 0; set = this.#addMembers(address, set, matches));
    for (let set = range; set !== 0; set = this.#addMembers(address, set, matches));
    return matches;
  }

  /** Adds the own members of a set and returns its parent. Checked here, on a hit, and not for every set on opening. */
  #addMembers(address: Address, set: number, matches: MatchedIndicator[]): number {
    const { sets, members } = this.columns;
    const at = set * SET_WORDS;
    if (at >= sets.length) throw inconsistent(`set ${set}`);
    const [parent, bits, first, count] = [sets[at]!, sets[at + 1]!, sets[at + 2]!, sets[at + 3]!];
    // A parent stands before its children, so this ends.
    if (parent >= set || bits > widthOf(address.family) || first + count > members.length) {
      throw inconsistent(`set ${set}`);
    }
    const prefix = prefixOf(address, bits);
    const matchedPrefix = formatPrefix(prefix);
    const text = isSingle(prefix) ? formatAddress(address) : matchedPrefix;
    for (const provenance of members.subarray(first, first + count)) {
      const { feed, detail } = this.#provenanceOf(provenance);
      matches.push(matchOf(feed, detail ?? NO_DETAIL, text, matchedPrefix));
    }
    return parent;
  }

  /** For this folder: who says what under that number. */
  provenance(provenance: number): { feed: string; detail: IndicatorDetail | null } {
    const { feed, detail } = this.#provenanceOf(provenance);
    return { feed: feed.name, detail };
  }

  /** For this folder: the set of exactly this address or prefix; 0 if it is not listed. */
  setOf(prefix: Prefix): number {
    if (isSingle(prefix)) return this.#exactSetOf(prefix);
    const { sets, ipv4Ranges, ipv6Ranges } = this.columns;
    const { family, words, bits } = prefix;
    let set = family === 4 ? ipv4Ranges.setOf(words[0]) : ipv6Ranges.setOf(...words);
    while (set !== 0 && sets[set * SET_WORDS + 1] !== bits) set = parentOf(sets, set);
    return set;
  }

  /** For this folder: the provenances that a set has of its own. */
  membersOf(set: number): Uint32Array {
    const { sets, members } = this.columns;
    const [first, count] = [sets[set * SET_WORDS + 2], sets[set * SET_WORDS + 3]];
    if (first === undefined || count === undefined || first + count > members.length) {
      throw inconsistent(`set ${set}`);
    }
    return members.subarray(first, first + count);
  }

  #exactSetOf({ family, words }: Address): number {
    const { ipv4, ipv4Sets, ipv6, ipv6Sets } = this.columns;
    if (family === 4) {
      const found = ipv4.find(words[0]);
      return found < 0 ? 0 : ipv4Sets.at(found);
    }
    const found = ipv6.find(...words);
    return found < 0 ? 0 : ipv6Sets.at(found);
  }

  #listedSinceOf(set: number): string | null {
    if (set === 0) return null;
    const known = this.#listedSince.get(set);
    if (known !== undefined) return known;
    let first: string | null = null;
    for (const provenance of this.membersOf(set)) {
      const since = this.provenance(provenance).detail?.listedSince ?? null;
      if (since !== null && (first === null || since < first)) first = since;
    }
    this.#listedSince.set(set, first);
    return first;
  }

  #provenanceOf(provenance: number): { feed: SnapshotFeedStat; detail: IndicatorDetail | null } {
    const { provenances, details } = this.columns;
    const at = provenance * PROVENANCE_WORDS;
    const feed = this.stat.feeds[this.#feedOf(provenance)]!;
    const [offset, length] = [provenances[at + 1]!, provenances[at + 2]!];
    if (offset + length > details.length) throw inconsistent(`detail of provenance ${provenance}`);
    const bytes = details.subarray(offset, offset + length);
    return { feed, detail: length === 0 ? null : readDetail(bytes) };
  }

  #feedOf(provenance: number): number {
    const feed = this.columns.provenances[provenance * PROVENANCE_WORDS] ?? Infinity;
    if (feed >= this.stat.feeds.length) throw inconsistent(`provenance ${provenance}`);
    return feed;
  }
}

const NONE = new Uint32Array(0);
/** After so many in a row the next one is likely listed too; where it is not, that costs one exact lookup. */
const TRUSTED = 64;

function matchOf(
  { name, kind }: SnapshotFeedStat,
  detail: IndicatorDetail,
  value: string,
  matchedPrefix: string,
): MatchedIndicator {
  const sources = detail.sources.length === 0 ? [name] : detail.sources;
  return { feed: name, kind, value, ...detail, sources, matchedPrefix };
}
