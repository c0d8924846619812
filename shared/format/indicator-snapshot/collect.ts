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

/** Single IPv4 addresses in bulk; one with two details stands twice. */
export interface Ipv4Indicators {
  readonly addresses: Uint32Array;
  readonly details: readonly (IndicatorDetail | null)[];
  /** For each address the place of its detail; null: all have the first one. */
  readonly detailOf: Uint8Array | Uint16Array | Uint32Array | null;
}

export interface SnapshotFeed {
  /** Unique among the feeds of a snapshot. */
  readonly name: string;
  readonly kind: FeedKind;
  readonly indicators: Iterable<SnapshotIndicator>;
  /** More of its indicators: nearly all there are, and without an object each. */
  readonly ipv4?: readonly Ipv4Indicators[];
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

export interface CollectedIpv4 {
  readonly addresses: Uint32Array;
  /** One number: all have this provenance. */
  readonly provenances: Uint32Array | number;
}

/** All feeds in columns: single addresses cost eight bytes (IPv4) or twenty (IPv6), no object each. */
export interface Collected {
  readonly feeds: readonly Pick<SnapshotFeed, 'name' | 'kind'>[];
  readonly provenances: readonly Provenance[];
  readonly ipv4: CollectedIpv4;
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
  const ipv4: CollectedIpv4[] = [];
  const ipv6 = { words: new U32List(), provenances: new U32List() };
  const prefixes: Record<4 | 6, ListedPrefix[]> = { 4: [], 6: [] };
  const provenances: Provenance[] = [];

  for (const [feed, { indicators, ipv4: bulk = [] }] of inOrder.entries()) {
    const number = provenanceNumbering(feed, provenances);
    const single = { addresses: new U32List(), provenances: new U32List() };
    for (const { prefix, detail } of indicators) {
      const provenance = number(detail);
      if (!isSingle(prefix)) {
        prefixes[prefix.family].push({ prefix, provenance });
      } else if (prefix.family === 4) {
        single.addresses.push(prefix.words[0]);
        single.provenances.push(provenance);
      } else {
        for (const word of prefix.words) ipv6.words.push(word);
        ipv6.provenances.push(provenance);
      }
    }
    const [addresses, of] = [single.addresses.view(), single.provenances.view()];
    if (addresses.length > 0) ipv4.push({ addresses, provenances: of });
    for (const part of bulk) ipv4.push(numbered(part, number));
  }
  const collected = {
    ipv4: joined(ipv4),
    ipv6: { words: ipv6.words.view(), provenances: ipv6.provenances.view() },
    prefixes,
  };
  return {
    feeds: inOrder.map(({ name, kind }) => ({ name, kind })),
    ...renumber(provenances, collected),
  };
}

function numbered(
  { addresses, details, detailOf }: Ipv4Indicators,
  number: (detail: IndicatorDetail | null) => number,
): CollectedIpv4 {
  if (addresses.length === 0) return { addresses, provenances: 0 };
  if (detailOf === null) return { addresses, provenances: number(details[0]!) };
  // Only details that are in use get a number: they come in no file without an address.
  const numbers = new Uint32Array(details.length);
  const isKnown = new Uint8Array(details.length);
  const provenances = new Uint32Array(addresses.length);
  for (let i = 0; i < provenances.length; i++) {
    const detail = detailOf[i]!;
    if (isKnown[detail] === 0) {
      isKnown[detail] = 1;
      numbers[detail] = number(details[detail]!);
    }
    provenances[i] = numbers[detail]!;
  }
  return { addresses, provenances };
}

/** One part stays where it is, and so does one provenance of them all: then addresses alone are sorted. */
function joined(parts: readonly CollectedIpv4[]): CollectedIpv4 {
  const listed = parts.filter(({ addresses }) => addresses.length > 0);
  const [first] = listed;
  if (first === undefined) return { addresses: new Uint32Array(0), provenances: 0 };
  if (listed.length === 1) return first;
  const length = listed.reduce((sum, { addresses }) => sum + addresses.length, 0);
  const addresses = new Uint32Array(length);
  const isOne =
    typeof first.provenances === 'number' &&
    listed.every(({ provenances }) => provenances === first.provenances);
  const provenances = isOne ? first.provenances : new Uint32Array(length);
  let at = 0;
  for (const part of listed) {
    const end = at + part.addresses.length;
    addresses.set(part.addresses, at);
    if (typeof provenances !== 'number') {
      if (typeof part.provenances === 'number') provenances.fill(part.provenances, at, end);
      else provenances.set(part.provenances, at);
    }
    at = end;
  }
  return { addresses, provenances };
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

type Columns = Pick<Collected, 'ipv4' | 'ipv6' | 'prefixes'>;

/** Sorts the provenances by feed and detail, and follows them in every column. */
function renumber(
  provenances: readonly Provenance[],
  { ipv4, ipv6, prefixes }: Columns,
): Columns & Pick<Collected, 'provenances'> {
  const order = [...provenances.keys()].sort((a, b) => {
    const [p, q] = [provenances[a]!, provenances[b]!];
    return p.feed - q.feed || compareText(p.detail, q.detail);
  });
  const renumbered = new Uint32Array(order.length);
  for (const [to, from] of order.entries()) renumbered[from] = to;
  const follow = (column: Uint32Array) => {
    for (let i = 0; i < column.length; i++) column[i] = renumbered[column[i]!]!;
  };
  follow(ipv6.provenances);
  if (typeof ipv4.provenances !== 'number') follow(ipv4.provenances);
  for (const listed of [...prefixes[4], ...prefixes[6]]) {
    listed.provenance = renumbered[listed.provenance]!;
  }
  const one = ipv4.provenances;
  return {
    ipv4: typeof one === 'number' ? { ...ipv4, provenances: renumbered[one] ?? 0 } : ipv4,
    ipv6,
    prefixes,
    provenances: order.map((from) => provenances[from]!),
  };
}

/** By UTF-16 code unit, whatever the locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
