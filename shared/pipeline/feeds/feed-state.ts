// From entries to the file of a feed's state: a snapshot of that feed alone, from which the published one is put together.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { FeedCounts } from '../../domain/indicator/feed.ts';
import type { FeedEntry } from '../../domain/indicator/feed-entry.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import { CollectedFeed, isPublishable, withListingTimes } from './collected-feed.ts';
import { type ConfiguredFeed, kindOf } from './feed-configuration.ts';
import type { FeedReport } from './read-json.ts';
import { Tally } from './tally.ts';

/**
 * An expired indicator stays in a state for so long after its end: messages of an outage are matched late, by the time at
 * which they were sent.
 */
export const LATE_MESSAGES_MS = 24 * 60 * 60_000;

export interface BuiltState {
  readonly bytes: Uint8Array;
  readonly counts: FeedCounts;
  /** Addresses and prefixes that the state before lists too. */
  readonly shared: number;
}

/** Reads all entries; throws what the reader throws. `before` is the state in use, for listing times and comparison. */
export async function buildState(
  feed: ConfiguredFeed,
  entries: AsyncIterable<readonly FeedEntry[]> | Iterable<readonly FeedEntry[]>,
  report: FeedReport,
  before: IndicatorSnapshot | null,
  now: number,
): Promise<BuiltState> {
  const collected = new CollectedFeed();
  const tally = new Tally(now, feed);
  for await (const some of entries) {
    // The reader knows its format from the first entry on.
    const kind = kindOf(feed, report.format ?? 'plain');
    for (const entry of some) {
      tally.add(entry);
      if (entry.kind !== 'indicator') continue;
      if (isPublishable(entry, kind, now - LATE_MESSAGES_MS, feed)) collected.add(entry);
    }
  }
  const dated = withListingTimes(collected, before, formatInstant(now));
  const bytes = buildSnapshot([{ name: feed.name, kind: 'threat', indicators: dated }], crc32);
  const state = openSnapshot(bytes, crc32);
  const { ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = state.stat;
  const { constrained: _, refusedParts: __, ...counts } = tally.summary(report.format);
  return {
    bytes,
    counts: {
      ...counts,
      listed: ipv4Addresses + ipv4Prefixes + ipv6Addresses + ipv6Prefixes,
      promised: report.promised,
    },
    shared: before === null ? 0 : sharedOf(state, before),
  };
}

/** How many addresses and prefixes both list. Prefixes with several details come several times: they count once. */
function sharedOf(state: IndicatorSnapshot, before: IndicatorSnapshot): number {
  let shared = 0;
  let last: unknown = null;
  for (const { prefix } of state.indicators()) {
    if (prefix !== last && before.lists(prefix)) shared++;
    last = prefix;
  }
  return shared;
}

/** Hashes what passes through. */
export class BodyHash {
  readonly #hash = createHash('sha256');
  bytes = 0;

  async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length;
      this.#hash.update(chunk);
      yield chunk;
    }
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}
