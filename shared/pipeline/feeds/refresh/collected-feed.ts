import { ipv4 } from '../../../domain/address/address.ts';
import { type Prefix, isSingle } from '../../../domain/address/prefix.ts';
import type { AcceptedEntry } from '../../../domain/indicator/feed-entry.ts';
import type { FeedKind } from '../../../domain/indicator/feed-kind.ts';
import { type IndicatorDetail, NO_DETAIL } from '../../../domain/indicator/indicator.ts';
import type { ValidityPolicy } from '../../../domain/indicator/validity.ts';
import type {
  Ipv4Indicators,
  SnapshotFeed,
  SnapshotIndicator,
} from '../../../format/indicator-snapshot/collect.ts';
import type { IndicatorSnapshot } from '../../../format/indicator-snapshot/indicator-snapshot.ts';
import { U32List } from '../../../format/indicator-snapshot/u32-list.ts';
import { FeedFormatError } from '../read/feed-format.ts';
import { stateOf } from '../read/tally.ts';

/** Prefixes, IPv6 addresses and what has a detail: each is an object of about 200 bytes until the file is built. */
const MAX_OTHERS = 4_000_000;

/** What a feed lists, its single IPv4 addresses in bulk: a million bare lines are no million objects. */
export type FeedContent = Pick<SnapshotFeed, 'indicators' | 'ipv4'>;

/** The indicators of one feed in memory: bare IPv4 addresses, nearly all there is, as four bytes each. */
export class CollectedFeed implements Iterable<SnapshotIndicator> {
  readonly #maxOthers: number;
  readonly #ipv4 = new U32List();
  readonly #others: { prefix: Prefix; detail: IndicatorDetail | null }[] = [];

  constructor(maxOthers = MAX_OTHERS) {
    this.#maxOthers = maxOthers;
  }

  /** Throws a `FeedFormatError` when it would be more than memory should bear. */
  add({ nets, detail }: AcceptedEntry): void {
    for (const prefix of nets) {
      if (detail === null && prefix.family === 4 && isSingle(prefix)) {
        this.#ipv4.push(prefix.words[0]);
      } else {
        if (this.#others.push({ prefix, detail }) > this.#maxOthers)
          throw tooLarge(this.#maxOthers);
      }
    }
  }

  /** What was added up to now, for one reading. */
  content(): FeedContent {
    const ipv4 = { addresses: this.#ipv4.view(), details: [null], detailOf: null };
    return { indicators: this.#others, ipv4: [ipv4] };
  }

  /** The same one by one. */
  *[Symbol.iterator](): Iterator<SnapshotIndicator> {
    for (const word of this.#ipv4.view()) {
      yield { prefix: { ...ipv4(word), bits: 32 }, detail: null };
    }
    yield* this.#others;
  }
}

function tooLarge(most: number): FeedFormatError {
  return new FeedFormatError(
    'tooLarge',
    `more than ${most} of its networks, IPv6 addresses and indicators with details; split the feed`,
  );
}

/** Whether an entry belongs into a snapshot: a threat that holds now or later, or any address of a warning list. */
export function isPublishable(
  entry: AcceptedEntry,
  kind: FeedKind,
  at: number,
  policy: ValidityPolicy,
): boolean {
  if (kind === 'warningList') return entry.standing !== 'revoked';
  const state = stateOf(entry, at, policy);
  return state === 'active' || state === 'notYetValid';
}

/** The same indicators, each with the time since when the feed lists it: known from its state before, else `now`. */
export function withListingTimes(
  { indicators, ipv4 = [] }: FeedContent,
  before: IndicatorSnapshot | null,
  now: string,
): FeedContent {
  // One object for each detail and time, so that what is the same stays the same.
  const made = new Map<IndicatorDetail | null, Map<string, IndicatorDetail>>();
  const dated = (detail: IndicatorDetail | null, listedSince: string) => {
    let ofDetail = made.get(detail);
    if (ofDetail === undefined) made.set(detail, (ofDetail = new Map()));
    let one = ofDetail.get(listedSince);
    if (one === undefined) {
      one = { ...(detail ?? NO_DETAIL), listedSince };
      ofDetail.set(listedSince, one);
    }
    return one;
  };
  function* datedIndicators(): Generator<SnapshotIndicator> {
    for (const { prefix, detail } of indicators) {
      yield { prefix, detail: dated(detail, before?.listedSince(prefix) ?? now) };
    }
  }
  return {
    indicators: datedIndicators(),
    ipv4: ipv4.map((part) =>
      withDetails(part, (detail, address) =>
        dated(detail, before?.ipv4ListedSince(address) ?? now),
      ),
    ),
  };
}

/** The same addresses with other details; one for which there is none is left out. */
export function withDetails(
  { addresses, details, detailOf }: Ipv4Indicators,
  detailFor: (
    detail: IndicatorDetail | null,
    address: number,
  ) => IndicatorDetail | null | undefined,
): Ipv4Indicators {
  const numbers = new Map<IndicatorDetail | null, number>();
  const found: (IndicatorDetail | null)[] = [];
  const kept = new Uint32Array(addresses.length);
  const numberOf = new Uint32Array(addresses.length);
  let count = 0;
  for (let i = 0; i < addresses.length; i++) {
    const address = addresses[i]!;
    const detail = detailFor(details[detailOf === null ? 0 : detailOf[i]!]!, address);
    if (detail === undefined) continue;
    let number = numbers.get(detail);
    if (number === undefined) {
      number = found.push(detail) - 1;
      numbers.set(detail, number);
    }
    kept[count] = address;
    numberOf[count++] = number;
  }
  return {
    addresses: kept.subarray(0, count),
    details: found,
    detailOf: found.length === 1 ? null : numberOf.subarray(0, count),
  };
}
