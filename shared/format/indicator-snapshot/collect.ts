import { type Prefix, isSingle } from '../../domain/address/prefix.ts';
import type { FeedKind } from '../../domain/indicator/feed-kind.ts';
import type { IndicatorDetail } from '../../domain/indicator/indicator.ts';
import { writeDetail } from './detail.ts';
import { U32List } from './u32-list.ts';

export interface SnapshotIndicator {
  /** Host bits cleared, an IPv4-mapped one folded to IPv4: what `parsePrefix` gives. */
  readonly prefix: Prefix;
  /** null: the feed says nothing beside the address, as plain lists do. */
  readonly detail: IndicatorDetail | null;
}

export interface SnapshotFeed {
  /** Unique among the feeds of a snapshot. */
  readonly name: string;
  readonly kind: FeedKind;
  readonly indicators: Iterable<SnapshotIndicator>;
}

/** Who says so, and what they say: a feed and one detail of it (ASCII JSON, empty for none). */
export interface Provenance {
  readonly feed: number;
  readonly detail: string;
}

export interface ListedPrefix {
  readonly prefix: Prefix;
  provenance: number;
}

/** All feeds in columns: single addresses cost eight bytes (IPv4) or twenty (IPv6), no object each. */
export interface Collected {
  readonly feeds: readonly Pick<SnapshotFeed, 'name' | 'kind'>[];
  readonly provenances: readonly Provenance[];
  readonly ipv4: { addresses: Uint32Array; provenances: Uint32Array };
  /** Four words an address. */
  readonly ipv6: { words: Uint32Array; provenances: Uint32Array };
  readonly prefixes: Readonly<Record<4 | 6, readonly ListedPrefix[]>>;
}

/** Reads every feed once. Feeds and provenances come out in an order that does not depend on that of the input. */
export function collect(feeds: readonly SnapshotFeed[]): Collected {
  const inOrder = feeds.toSorted((a, b) => compareText(a.name, b.name));
  for (const [i, feed] of inOrder.entries()) {
    if (feed.name === inOrder[i - 1]?.name)
      throw new RangeError(`two feeds are called ${feed.name}`);
  }
  const ipv4 = { addresses: new U32List(), provenances: new U32List() };
  const ipv6 = { words: new U32List(), provenances: new U32List() };
  const prefixes: Record<4 | 6, ListedPrefix[]> = { 4: [], 6: [] };
  const provenances: Provenance[] = [];

  for (const [feed, { indicators }] of inOrder.entries()) {
    const number = provenanceNumbering(feed, provenances);
    for (const { prefix, detail } of indicators) {
      const provenance = number(detail);
      if (!isSingle(prefix)) {
        prefixes[prefix.family].push({ prefix, provenance });
      } else if (prefix.family === 4) {
        ipv4.addresses.push(prefix.words[0]);
        ipv4.provenances.push(provenance);
      } else {
        for (const word of prefix.words) ipv6.words.push(word);
        ipv6.provenances.push(provenance);
      }
    }
  }

  const collected = {
    feeds: inOrder.map(({ name, kind }) => ({ name, kind })),
    ipv4: { addresses: ipv4.addresses.view(), provenances: ipv4.provenances.view() },
    ipv6: { words: ipv6.words.view(), provenances: ipv6.provenances.view() },
    prefixes,
  };
  return { ...collected, provenances: renumber(provenances, collected) };
}

/** Numbers the details of a feed as they come; equal ones share a number. */
function provenanceNumbering(feed: number, provenances: Provenance[]) {
  const known = new Map<string, number>();
  // Most indicators share the object of their detail with others: no text for those.
  const ofObject = new Map<IndicatorDetail | null, number>();
  return (detail: IndicatorDetail | null): number => {
    const seen = ofObject.get(detail);
    if (seen !== undefined) return seen;
    const text = detail === null ? '' : writeDetail(detail);
    let provenance = known.get(text);
    if (provenance === undefined) {
      provenance = provenances.push({ feed, detail: text }) - 1;
      known.set(text, provenance);
    }
    ofObject.set(detail, provenance);
    return provenance;
  };
}

/** Sorts the provenances by feed and detail, and follows them in every column. */
function renumber(
  provenances: readonly Provenance[],
  { ipv4, ipv6, prefixes }: Pick<Collected, 'ipv4' | 'ipv6' | 'prefixes'>,
): Provenance[] {
  const order = [...provenances.keys()].sort((a, b) => {
    const [p, q] = [provenances[a]!, provenances[b]!];
    return p.feed - q.feed || compareText(p.detail, q.detail);
  });
  const renumbered = new Uint32Array(order.length);
  for (const [to, from] of order.entries()) renumbered[from] = to;
  for (const column of [ipv4.provenances, ipv6.provenances]) {
    for (let i = 0; i < column.length; i++) column[i] = renumbered[column[i]!]!;
  }
  for (const listed of [...prefixes[4], ...prefixes[6]]) {
    listed.provenance = renumbered[listed.provenance]!;
  }
  return order.map((from) => provenances[from]!);
}

/** By UTF-16 code unit, whatever the locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
