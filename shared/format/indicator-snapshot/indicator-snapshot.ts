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
import type { SnapshotIndicator } from './collect.ts';
import { readDetail } from './detail.ts';
import { PROVENANCE_WORDS, SET_WORDS, type SnapshotColumns, hashIpv6 } from './layout.ts';
import { inconsistent, listings, parentOf } from './listings.ts';

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
  readonly #columns: SnapshotColumns;
  readonly #warningLists: IndicatorSnapshot | null;
  // What every lookup reads, one step away.
  readonly #ipv4Index: Uint32Array;
  readonly #ipv4Suffixes: Uint16Array;
  readonly #ipv4RangeIndex: Uint32Array;
  readonly #ipv4RangeStarts: Uint32Array;
  readonly #ipv4RangeSets: Uint32Array;
  readonly #ipv4RangeShift: number;
  readonly #ipv6Index: Uint32Array;
  readonly #ipv6Addresses: Uint32Array;
  readonly #ipv6Shift: number;
  readonly #ipv6RangeIndex: Uint32Array;
  readonly #ipv6RangeStarts: Uint32Array;
  readonly #ipv6RangeSets: Uint32Array;
  readonly #ipv6RangeShift: number;
  readonly #listedSince = new Map<number, string | null>();

  /** For `openSnapshot`, which has checked the columns. */
  constructor(
    columns: SnapshotColumns,
    feeds: readonly SnapshotFeedStat[],
    warningLists: IndicatorSnapshot | null,
    stat: Omit<SnapshotStat, 'feeds' | 'warningLists'>,
  ) {
    this.stat = { ...stat, feeds, warningLists: warningLists?.stat.feeds ?? [] };
    this.#columns = columns;
    this.#warningLists = warningLists;
    this.#ipv4Index = columns.ipv4Index;
    this.#ipv4Suffixes = columns.ipv4Suffixes;
    this.#ipv4RangeIndex = columns.ipv4RangeIndex;
    this.#ipv4RangeStarts = columns.ipv4RangeStarts;
    this.#ipv4RangeSets = columns.ipv4RangeSets;
    this.#ipv4RangeShift = shiftOf(columns.ipv4RangeIndex);
    this.#ipv6Index = columns.ipv6Index;
    this.#ipv6Addresses = columns.ipv6Addresses;
    this.#ipv6Shift = shiftOf(columns.ipv6Index);
    this.#ipv6RangeIndex = columns.ipv6RangeIndex;
    this.#ipv6RangeStarts = columns.ipv6RangeStarts;
    this.#ipv6RangeSets = columns.ipv6RangeSets;
    this.#ipv6RangeShift = shiftOf(columns.ipv6RangeIndex);
  }

  hasIpv4(address: number): boolean {
    return this.#findIpv4(address) >= 0 || this.#rangeSetOfIpv4(address) !== 0;
  }

  hasIpv6(w0: number, w1: number, w2: number, w3: number): boolean {
    return this.#findIpv6(w0, w1, w2, w3) >= 0 || this.#rangeSetOfIpv6(w0, w1, w2, w3) !== 0;
  }

  /** Everyone who lists the address, the longest prefix first. */
  matchesOfIpv4(address: number): MatchedIndicator[] {
    const found = this.#findIpv4(address);
    const exact = found < 0 ? 0 : this.#columns.ipv4Sets[found]!;
    return this.#matches(ipv4(address), exact, this.#rangeSetOfIpv4(address));
  }

  matchesOfIpv6(w0: number, w1: number, w2: number, w3: number): MatchedIndicator[] {
    const found = this.#findIpv6(w0, w1, w2, w3);
    const exact = found < 0 ? 0 : this.#columns.ipv6Sets[found]!;
    const address: Address = { family: 6, words: [w0, w1, w2, w3] };
    return this.#matches(address, exact, this.#rangeSetOfIpv6(w0, w1, w2, w3));
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
    const set = this.#setOf(prefix);
    if (set === 0) return null;
    const known = this.#listedSince.get(set);
    if (known !== undefined) return known;
    let first: string | null = null;
    for (const provenance of this.#membersOf(set)) {
      const since = this.#provenance(provenance).detail?.listedSince ?? null;
      if (since !== null && (first === null || since < first)) first = since;
    }
    this.#listedSince.set(set, first);
    return first;
  }

  /** The most indicators that one address or prefix has of its own. */
  get mostOfOneNetwork(): number {
    const { sets } = this.#columns;
    let most = 0;
    for (let at = 3; at < sets.length; at += SET_WORDS) most = Math.max(most, sets[at]!);
    return most;
  }

  /** Whether exactly this address or prefix is listed. */
  lists(prefix: Prefix): boolean {
    return this.#setOf(prefix) !== 0;
  }

  /** Everything that was put in, each once; equal details are one object. In no particular order. */
  *indicators(): Generator<SnapshotIndicator & { feed: string }> {
    const read: { feed: string; detail: IndicatorDetail | null }[] = [];
    for (const { prefix, set } of listings(this.#columns)) {
      for (const provenance of this.#membersOf(set)) {
        const { feed, detail } = (read[provenance] ??= this.#provenance(provenance));
        yield { prefix, feed, detail };
      }
    }
  }

  // The `!` below hold because `openSnapshot` checked every index: a bucket is a slice of its column, and the first
  // range begins at the first address. All loops are binary searches in one bucket.

  #findIpv4(address: number): number {
    const bucket = address >>> 16;
    const suffix = address & 0xffff;
    let low = this.#ipv4Index[bucket]!;
    const end = this.#ipv4Index[bucket + 1]!;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ipv4Suffixes[middle]! < suffix) low = middle + 1;
      else high = middle;
    }
    return low < end && this.#ipv4Suffixes[low] === suffix ? low : -1;
  }

  #rangeSetOfIpv4(address: number): number {
    const bucket = address >>> this.#ipv4RangeShift;
    let low = this.#ipv4RangeIndex[bucket]!;
    let high = this.#ipv4RangeIndex[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ipv4RangeStarts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return this.#ipv4RangeSets[low - 1]!;
  }

  #findIpv6(w0: number, w1: number, w2: number, w3: number): number {
    const bucket = hashIpv6(w0, w1, w2, w3) >>> this.#ipv6Shift;
    let low = this.#ipv6Index[bucket]!;
    let high = this.#ipv6Index[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareAt(this.#ipv6Addresses, middle, w0, w1, w2, w3);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  #rangeSetOfIpv6(w0: number, w1: number, w2: number, w3: number): number {
    const bucket = w0 >>> this.#ipv6RangeShift;
    let low = this.#ipv6RangeIndex[bucket]!;
    let high = this.#ipv6RangeIndex[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAt(this.#ipv6RangeStarts, middle, w0, w1, w2, w3) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#ipv6RangeSets[low - 1]!;
  }

  #matches(address: Address, exact: number, range: number): MatchedIndicator[] {
    const matches: MatchedIndicator[] = [];
    for (let set = exact; set !== 0; set = this.#addMembers(address, set, matches));
    for (let set = range; set !== 0; set = this.#addMembers(address, set, matches));
    return matches;
  }

  /** Adds the own members of a set and returns its parent. Checked here, on a hit, and not for every set on opening. */
  #addMembers(address: Address, set: number, matches: MatchedIndicator[]): number {
    const { sets, members } = this.#columns;
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

  #provenance(provenance: number): { feed: string; detail: IndicatorDetail | null } {
    const { feed, detail } = this.#provenanceOf(provenance);
    return { feed: feed.name, detail };
  }

  #provenanceOf(provenance: number): { feed: SnapshotFeedStat; detail: IndicatorDetail | null } {
    const { provenances, details } = this.#columns;
    const at = provenance * PROVENANCE_WORDS;
    const feed = this.stat.feeds[provenances[at] ?? Infinity];
    if (feed === undefined) throw inconsistent(`provenance ${provenance}`);
    const [offset, length] = [provenances[at + 1]!, provenances[at + 2]!];
    if (offset + length > details.length) throw inconsistent(`detail of provenance ${provenance}`);
    const bytes = details.subarray(offset, offset + length);
    return { feed, detail: length === 0 ? null : readDetail(bytes, this.stat.version) };
  }

  #setOf(prefix: Prefix): number {
    const { family, words, bits } = prefix;
    if (isSingle(prefix)) {
      const found = family === 4 ? this.#findIpv4(words[0]) : this.#findIpv6(...words);
      if (found < 0) return 0;
      return (family === 4 ? this.#columns.ipv4Sets : this.#columns.ipv6Sets)[found]!;
    }
    const { sets } = this.#columns;
    let set = family === 4 ? this.#rangeSetOfIpv4(words[0]) : this.#rangeSetOfIpv6(...words);
    while (set !== 0 && sets[set * SET_WORDS + 1] !== bits) set = parentOf(sets, set);
    return set;
  }

  #membersOf(set: number): Uint32Array {
    const { sets, members } = this.#columns;
    const [first, count] = [sets[set * SET_WORDS + 2], sets[set * SET_WORDS + 3]];
    if (first === undefined || count === undefined || first + count > members.length) {
      throw inconsistent(`set ${set}`);
    }
    return members.subarray(first, first + count);
  }
}

function matchOf(
  { name, kind }: SnapshotFeedStat,
  detail: IndicatorDetail,
  value: string,
  matchedPrefix: string,
): MatchedIndicator {
  const sources = detail.sources.length === 0 ? [name] : detail.sources;
  return { feed: name, kind, value, ...detail, sources, matchedPrefix };
}

function shiftOf(index: Uint32Array): number {
  return Math.clz32(index.length - 1) + 1; // an index of 2^b + 1 entries is asked with the top b bits
}

function compareAt(
  words: Uint32Array,
  i: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  const at = i * 4;
  if (words[at] !== w0) return words[at]! - w0;
  if (words[at + 1] !== w1) return words[at + 1]! - w1;
  if (words[at + 2] !== w2) return words[at + 2]! - w2;
  return words[at + 3]! - w3;
}
