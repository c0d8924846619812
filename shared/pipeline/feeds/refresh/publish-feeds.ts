// The states of all feeds become one immutable snapshot, and the pointer moves to it.
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Constraint, normalConstraint } from '../../../domain/indicator/constraint.ts';
import type { FeedKind } from '../../../domain/indicator/feed-kind.ts';
import { type IndicatorDetail, NO_DETAIL } from '../../../domain/indicator/indicator.ts';
import { earlierThanNext } from '../../../domain/indicator/publication.ts';
import { boundsOf } from '../../../domain/indicator/validity.ts';
import { formatInstant } from '../../../domain/time/instant.ts';
import { writeAllowlist } from '../../../format/allowlist.ts';
import { buildSnapshot } from '../../../format/indicator-snapshot/build-snapshot.ts';
import type {
  SnapshotFeed,
  SnapshotIndicator,
} from '../../../format/indicator-snapshot/collect.ts';
import { FORMAT_VERSION } from '../../../format/indicator-snapshot/layout.ts';
import type { Checkpoints } from '../../../ports/checkpoints.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Configuration } from '../../../ports/configuration.ts';
import type { FeedFiles } from '../../../ports/feed-files.ts';
import type { FeedStore, StoredFeed } from '../../../ports/feed-store.ts';
import type { IndicatorSnapshots, SnapshotPointer } from '../../../ports/indicator-snapshots.ts';
import { readAllowlistFile } from '../configuration/allowlist.ts';
import {
  type ConfiguredFeed,
  type FeedConfiguration,
  kindOf,
  readFeedConfiguration,
} from '../configuration/feed-configuration.ts';
import { type FeedContent, withDetails } from './collected-feed.ts';
import { LATE_MESSAGES_MS, readState } from './feed-state.ts';
import { expiresAt } from './refresh-feed.ts';

export interface PublishServices {
  readonly configuration: Configuration;
  readonly snapshots: IndicatorSnapshots;
  readonly feeds: FeedStore;
  readonly files: FeedFiles;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
}

export interface Published {
  readonly pointer: SnapshotPointer | null;
  /** False where everything is as it was. */
  readonly changed: boolean;
  readonly bytes: number | null;
  /** Feeds that are left out because the file of their state is lost. */
  readonly lost: readonly string[];
}

/** Somebody else moved the pointer each time: two refreshers that both have news. */
export class PublishConflictError extends Error {
  readonly code = 'PUBLISH_CONFLICT';
}

const UNCHANGED: Published = {
  pointer: null,
  changed: false,
  bytes: null,
  lost: [],
};

const MAX_CONFLICTS = 10;
const BUILD = 'feeds/build';
/** Expiries alone are gathered for so long: validity is judged at each match anyway. */
const EXPIRY_ROUND_MS = 10 * 60_000;

/** What the last build was made of: the same again needs no building. */
interface BuildRecord {
  readonly inputs: string;
  readonly snapshotId: string;
  readonly nextExpiryAt: number;
}

interface PublishedFeed {
  readonly feed: ConfiguredFeed;
  readonly kind: FeedKind;
  readonly stateId: string;
  readonly expiresAt: number;
}

/**
 * Publishes what the configuration, the allowlist and the feeds' records say now. The pointer is read first and moved only
 * if it is still the same: so whoever read what was older cannot put it over what is newer, and begins again.
 */
export async function publishFeeds(services: PublishServices): Promise<Published> {
  const { configuration: files, snapshots, feeds, checkpoints, clock } = services;
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const stored = await snapshots.current();
    const now = clock.now();
    const configuration = await readFeedConfiguration(files);
    const { entries: allowlist } = await readAllowlistFile(files);
    const inUse = publishedFeeds(configuration, await feeds.list(), now);
    const allowlistId =
      allowlist.length === 0 ? null : await snapshots.storeAllowlist(writeAllowlist(allowlist));
    const inputs = inputsOf(inUse);
    const checkpoint = await checkpoints.read(BUILD);
    const last = (checkpoint?.value ?? null) as BuildRecord | null;
    const isCurrent =
      stored !== null &&
      last?.inputs === inputs &&
      last.snapshotId === stored.pointer.id &&
      now < last.nextExpiryAt;
    if (isCurrent && stored.pointer.allowlistId === allowlistId) {
      return { ...UNCHANGED, pointer: stored.pointer };
    }
    // A first snapshot without anything in it would say no more than none does.
    if (stored === null && inUse.length === 0 && allowlistId === null) {
      return UNCHANGED;
    }
    const built = isCurrent ? null : await build(services, inUse, now);
    const id = built === null ? stored!.pointer.id : await snapshots.store(built.bytes);
    const bytes = built?.bytes.length ?? null;
    const lost = built?.lost ?? [];
    // With one feed lost it is not what the inputs make: the next run builds again.
    if (built !== null && lost.length === 0) {
      const record: BuildRecord = { inputs, snapshotId: id, nextExpiryAt: built.nextExpiryAt };
      await checkpoints.write(BUILD, record, checkpoint?.version ?? null);
    }
    if (stored?.pointer.id === id && stored.pointer.allowlistId === allowlistId) {
      return { ...UNCHANGED, pointer: stored.pointer, bytes, lost };
    }
    const pointer: SnapshotPointer = {
      ordinal: (stored?.pointer.ordinal ?? 0) + 1,
      id,
      publishedAt: formatInstant(now),
      allowlistId,
      earlier: earlierThanNext(stored?.pointer ?? null),
    };
    if (await snapshots.point(pointer, stored?.version ?? null)) {
      return { pointer, changed: true, bytes, lost };
    }
  }
  throw new PublishConflictError(
    `the snapshot pointer moved ${MAX_CONFLICTS} times while a snapshot was being built`,
  );
}

function publishedFeeds(
  configuration: FeedConfiguration,
  stored: readonly StoredFeed[],
  now: number,
): PublishedFeed[] {
  const records = new Map(stored.map(({ feed }) => [feed.name, feed]));
  return configuration.feeds.flatMap((feed) => {
    const record = records.get(feed.name);
    if (!feed.enabled || record === undefined || record.current === null) return [];
    const until = expiresAt(configuration, feed, record);
    if (until <= now) return [];
    const kind = kindOf(feed, record.current.counts.format);
    // Read as the other of the two: it comes when it has been fetched as what it is now.
    if (record.current.isWarningList !== (kind === 'warningList')) return [];
    return [{ feed, kind, stateId: record.current.id, expiresAt: until }];
  });
}

function inputsOf(feeds: readonly PublishedFeed[]): string {
  const parts = feeds.map(({ feed, kind, stateId }) => {
    const { name, confidence, direction, tlp, minimumConfidence, acceptTlpRed } = feed;
    return [name, kind, stateId, confidence, direction, tlp, minimumConfidence, acceptTlpRed];
  });
  return hash('sha256', JSON.stringify([FORMAT_VERSION, parts]), 'hex');
}

async function build(
  { files }: PublishServices,
  feeds: readonly PublishedFeed[],
  now: number,
): Promise<{ bytes: Uint8Array; nextExpiryAt: number; lost: readonly string[] }> {
  let next = Infinity;
  const note = (at: number) => {
    if (at < next) next = at;
  };
  const parts: SnapshotFeed[] = [];
  const lost: string[] = [];
  for (const { feed, kind, stateId, expiresAt } of feeds) {
    const state = await readState(files, feed.name, stateId);
    if (state === null) {
      lost.push(feed.name);
      continue;
    }
    note(expiresAt);
    // A state is a snapshot of that feed alone.
    for (const content of state.feeds()) {
      parts.push({ name: feed.name, kind, ...kept(content, feed, kind, now, note) });
    }
  }
  const bytes = buildSnapshot(parts, { checksum: crc32, filter: true });
  // Rounded up: expiries that lie close together are one build.
  return { bytes, nextExpiryAt: Math.max(next, now + EXPIRY_ROUND_MS), lost };
}

/** What of a state is still to be matched, with the feed's defaults where the feed itself says nothing. */
function kept(
  { indicators, ipv4 = [] }: FeedContent,
  feed: ConfiguredFeed,
  kind: FeedKind,
  now: number,
  onExpiry: (at: number) => void,
): FeedContent {
  // `undefined`: left out. Details are shared objects, so each is judged once.
  const known = new Map<IndicatorDetail | null, IndicatorDetail | null | undefined>();
  const judged = (detail: IndicatorDetail | null) => {
    if (kind === 'warningList') return null;
    if (!known.has(detail)) known.set(detail, completed(detail, feed, now, onExpiry));
    return known.get(detail);
  };
  function* keptIndicators(): Generator<SnapshotIndicator> {
    for (const { prefix, detail } of indicators) {
      const complete = judged(detail);
      if (complete !== undefined) yield { prefix, detail: complete };
    }
  }
  return {
    indicators: keptIndicators(),
    ipv4: ipv4.map((part) => withDetails(part, judged)),
  };
}

function completed(
  detail: IndicatorDetail | null,
  feed: ConfiguredFeed,
  now: number,
  onExpiry: (at: number) => void,
): IndicatorDetail | undefined {
  const said = detail ?? NO_DETAIL;
  const confidence = said.confidence ?? feed.confidence;
  if (confidence !== null && confidence < feed.minimumConfidence) return undefined;
  const tlp = said.tlp ?? feed.tlp;
  // Also what was read while it was still accepted.
  if (tlp === 'red' && !feed.acceptTlpRed) return undefined;
  const gone = boundsOf(said).until + LATE_MESSAGES_MS;
  if (gone <= now) return undefined;
  onExpiry(gone);
  return { ...said, confidence, tlp, constraint: constraintOf(said, feed) };
}

/** The feed's own direction wins, unless the operator wants contact of either direction. */
function constraintOf({ constraint }: IndicatorDetail, feed: ConfiguredFeed): Constraint | null {
  const { ports = null, protocol = null, direction: own = null } = constraint ?? {};
  const direction = feed.direction === 'both' ? null : (own ?? feed.direction ?? null);
  return normalConstraint({ ports, direction, protocol });
}
