// From entries to the file of a feed's state: a snapshot of that feed alone, from which the published one is put together.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { FeedCounts } from '../../../domain/indicator/feed.ts';
import type { FeedEntry } from '../../../domain/indicator/feed-entry.ts';
import { formatInstant } from '../../../domain/time/instant.ts';
import { buildSnapshot } from '../../../format/indicator-snapshot/build-snapshot.ts';
import type { SnapshotIndicator } from '../../../format/indicator-snapshot/collect.ts';
import { networksInBoth } from '../../../format/indicator-snapshot/difference.ts';
import type { IndicatorSnapshot } from '../../../format/indicator-snapshot/indicator-snapshot.ts';
import { SnapshotError } from '../../../format/indicator-snapshot/snapshot-error.ts';
import { openSnapshot } from '../../../format/indicator-snapshot/open-snapshot.ts';
import type { FeedFiles } from '../../../ports/feed-files.ts';
import {
  CollectedFeed,
  type FeedContent,
  isPublishable,
  withListingTimes,
} from './collected-feed.ts';
import { type ConfiguredFeed, kindOf } from '../configuration/feed-configuration.ts';
import type { FeedReport } from '../read/read-json.ts';
import { Tally } from '../read/tally.ts';

/**
 * An expired indicator stays in a state for so long after its end: messages of an outage are matched late, by the time at
 * which they were sent.
 */
export const LATE_MESSAGES_MS = 24 * 60 * 60_000;

/** Null when the file is lost, torn, or of a format that this version does not read. */
export async function readState(
  files: FeedFiles,
  feed: string,
  id: string,
): Promise<IndicatorSnapshot | null> {
  const bytes = await files.read(feed, id);
  if (bytes === null) return null;
  try {
    return openSnapshot(bytes, crc32);
  } catch (error) {
    if (error instanceof SnapshotError) return null;
    throw error;
  }
}

export interface BuiltState {
  readonly bytes: Uint8Array;
  readonly isWarningList: boolean;
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
  const dated = withListingTimes(collected.content(), before, formatInstant(now));
  const { bytes, state, crowded } = stateFile(feed.name, dated);
  const { ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = state.stat;
  const { constrained: _, refusedParts: __, ...counts } = tally.summary(report.format);
  return {
    bytes,
    isWarningList: kindOf(feed, report.format ?? 'plain') === 'warningList',
    counts: {
      ...counts,
      refused: crowded === 0 ? counts.refused : { ...counts.refused, crowded },
      listed: ipv4Addresses + ipv4Prefixes + ipv6Addresses + ipv6Prefixes,
      promised: report.promised,
    },
    shared: before === null ? 0 : networksInBoth(state, before),
  };
}

/** Every contact with an address weighs all that a feed says of it: the first ones, in order of what they say, are enough. */
const MAX_OF_ONE_NETWORK = 256;

function stateFile(name: string, content: FeedContent) {
  const [bytes, state] = builtAndOpened(name, content);
  if (state.mostOfOneNetwork <= MAX_OF_ONE_NETWORK) return { bytes, state, crowded: 0 };
  let crowded = 0;
  function* few(): Generator<SnapshotIndicator> {
    let [last, count]: [unknown, number] = [null, 0];
    // Those of one network come one after the other, with one object for it.
    for (const indicator of state.indicators()) {
      count = indicator.prefix === last ? count + 1 : 1;
      last = indicator.prefix;
      if (count <= MAX_OF_ONE_NETWORK) yield indicator;
      else crowded++;
    }
  }
  const [fewer, opened] = builtAndOpened(name, { indicators: few() });
  return { bytes: fewer, state: opened, crowded };
}

function builtAndOpened(name: string, content: FeedContent) {
  const bytes = buildSnapshot([{ name, kind: 'threat', ...content }], { checksum: crc32 });
  return [bytes, openSnapshot(bytes, crc32)] as const;
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
