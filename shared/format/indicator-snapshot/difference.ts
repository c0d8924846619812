// What one snapshot lists and another does not: a walk along the sorted columns of both. Sets are compared by number, once
// it is known what each pair of them has in common, so that an address costs a few loads and no object; one with a detail of its
// own costs the reading of it in both.
import { NO_DETAIL } from '../../domain/indicator/indicator.ts';
import type { SnapshotFeed, SnapshotIndicator } from './collect.ts';
import { Ipv4Gatherer, otherListings } from './contents.ts';
import { writeDetail } from './detail.ts';
import type { IndicatorSnapshot } from './indicator-snapshot.ts';

/**
 * What `after` lists and `before` (null: nothing) does not, by feed, with the details that `after` has. An indicator is a
 * network, a feed (whatever its kind) and all that its detail says except `listedSince`. Warning lists of either are left out,
 * and so is a feed without anything new.
 */
export function newIndicators(
  after: IndicatorSnapshot,
  before: IndicatorSnapshot | null,
): SnapshotFeed[] {
  const news = new SetNews(after, before);
  const feeds = new Map<string, { ipv4: Ipv4Gatherer; indicators: SnapshotIndicator[] }>();
  const of = (provenance: number) => {
    const { feed } = after.provenance(provenance);
    let gathered = feeds.get(feed);
    if (gathered === undefined) {
      feeds.set(feed, (gathered = { ipv4: new Ipv4Gatherer(), indicators: [] }));
    }
    return gathered;
  };
  const gatherers: Ipv4Gatherer[] = []; // by provenance
  const detail = (provenance: number) => after.provenance(provenance).detail;
  forEachIpv4(after, before, (address, set, setBefore) => {
    for (const provenance of news.of(set, setBefore)) {
      (gatherers[provenance] ??= of(provenance).ipv4).add(address, provenance, detail);
    }
  });
  for (const { prefix, set } of otherListings(after)) {
    for (const provenance of news.of(set, before?.setOf(prefix) ?? 0)) {
      of(provenance).indicators.push({ prefix, detail: detail(provenance) });
    }
  }
  return after.stat.feeds.flatMap(({ name, kind }) => {
    const gathered = feeds.get(name);
    if (gathered === undefined) return [];
    return [{ name, kind, indicators: gathered.indicators, ipv4: gathered.ipv4.gathered() }];
  });
}

/** How many addresses and prefixes both list, whatever they say of them. */
export function networksInBoth(one: IndicatorSnapshot, other: IndicatorSnapshot): number {
  let both = 0;
  forEachIpv4(one, other, (_, __, set) => {
    if (set !== 0) both++;
  });
  for (const { prefix } of otherListings(one)) if (other.lists(prefix)) both++;
  return both;
}

/** Every single IPv4 address of `after` with its set there, and its set in `before` or 0. */
function forEachIpv4(
  after: IndicatorSnapshot,
  before: IndicatorSnapshot | null,
  visit: (address: number, set: number, setBefore: number) => void,
): void {
  const addresses = after.columns.ipv4.all();
  const sets = after.columns.ipv4Sets;
  const others = before?.columns.ipv4.all() ?? new Uint32Array(0);
  const otherSets = before?.columns.ipv4Sets ?? sets;
  let other = 0;
  for (let i = 0; i < addresses.length; i++) {
    const address = addresses[i]!;
    while (other < others.length && others[other]! < address) other++;
    const isThere = other < others.length && others[other] === address;
    visit(address, sets.at(i), isThere ? otherSets.at(other) : 0);
  }
}

/** What a set of `after` says that a set of `before` does not, worked out once for each pair that meets. */
class SetNews {
  readonly #after: IndicatorSnapshot;
  readonly #before: IndicatorSnapshot | null;
  readonly #saidBefore = new Map<number, ReadonlySet<string>>();
  readonly #known = new Map<number, Map<number, readonly number[]>>();
  #lastSet = -1;
  #lastSetBefore = -1;
  #lastNews: readonly number[] = [];

  constructor(after: IndicatorSnapshot, before: IndicatorSnapshot | null) {
    this.#after = after;
    this.#before = before;
  }

  /** Provenances of `after`. Sets of 0 say nothing. */
  of(set: number, setBefore: number): readonly number[] {
    if (this.#lastSet === set && this.#lastSetBefore === setBefore) return this.#lastNews;
    if (this.#known.size > MAX_KNOWN) this.#known.clear();
    let bySet = this.#known.get(set);
    if (bySet === undefined) this.#known.set(set, (bySet = new Map()));
    let news = bySet.get(setBefore);
    if (news === undefined) bySet.set(setBefore, (news = this.#compare(set, setBefore)));
    [this.#lastSet, this.#lastSetBefore, this.#lastNews] = [set, setBefore, news];
    return news;
  }

  #compare(set: number, setBefore: number): number[] {
    const said = new Set(this.#said(setBefore));
    const news: number[] = [];
    for (const provenance of this.#after.membersOf(set)) {
      const text = saidBy(this.#after, provenance);
      if (said.has(text)) continue;
      said.add(text); // listed twice, at different times: one indicator
      news.push(provenance);
    }
    return news;
  }

  #said(setBefore: number): ReadonlySet<string> {
    const before = this.#before;
    if (before === null || setBefore === 0) return NOTHING;
    if (this.#saidBefore.size > MAX_KNOWN) this.#saidBefore.clear();
    let said = this.#saidBefore.get(setBefore);
    if (said === undefined) {
      said = new Set([...before.membersOf(setBefore)].map((member) => saidBy(before, member)));
      this.#saidBefore.set(setBefore, said);
    }
    return said;
  }
}

const NOTHING: ReadonlySet<string> = new Set();
/** Sets that are remembered. Where every address has a detail of its own, each set is met once, and remembering is vain. */
const MAX_KNOWN = 4096;

/** All that makes two indicators of one network the same one. */
function saidBy(snapshot: IndicatorSnapshot, provenance: number): string {
  const { feed, detail } = snapshot.provenance(provenance);
  return `${JSON.stringify(feed)} ${writeDetail({ ...(detail ?? NO_DETAIL), listedSince: null })}`;
}
