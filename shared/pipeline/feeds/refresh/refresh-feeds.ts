// What the timer does: every feed that is due, then one snapshot of all.
import { type FeedRecord, PARTIAL_FAILURES } from '../../../domain/indicator/feed.ts';
import type { AlertStore } from '../../../ports/alert-store.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { StoredFeed } from '../../../ports/feed-store.ts';
import type { SnapshotPointer } from '../../../ports/indicator-snapshots.ts';
import { atOnce } from '../../at-once.ts';
import { snapshotsInHunts } from '../../hunt/hunt-publications.ts';
import {
  type ConfiguredFeed,
  type FeedConfiguration,
  readFeedConfiguration,
} from '../configuration/feed-configuration.ts';
import { resolveHealth, settleHealth } from './feed-health.ts';
import { type PublishServices, type Published, publishFeeds } from './publish-feeds.ts';
import { type FeedServices, isDue, refreshFeed, withLostState } from './refresh-feed.ts';

export interface RefreshServices extends FeedServices, PublishServices {
  readonly alerts: AlertStore;
  readonly hub: string;
  /** The time by which the stores date their files; `clock` may be a virtual one. */
  readonly storeClock: Clock;
}

export interface RefreshSummary {
  readonly feeds: number;
  refreshed: number;
  unchanged: number;
  held: number;
  failed: number;
  snapshot: string | null;
  ordinal: number | null;
  changed: boolean;
}

/** Feeds are mostly waiting; two large ones at once are what memory should bear. */
const FEEDS_AT_ONCE = 2;
/**
 * No feed is begun after this. With the time that one may take, and that of a build, the snapshot is published before the
 * host ends the function at ten minutes.
 */
const BEGIN_WITHIN_MS = 3 * 60_000;
/** Snapshots that nothing names any more stay for readers that are just loading one. */
const SNAPSHOT_GRACE_MS = 24 * 60 * 60_000;

/**
 * Refreshes the feeds that are due and publishes. A feed that fails keeps its last good state and stops no other; an
 * error of our own stores is thrown when the others are done, and the next run goes on.
 */
export async function refreshFeeds(services: RefreshServices): Promise<RefreshSummary> {
  const { summary, errors } = await fetchDueFeeds(services);
  await settleFeeds(services, errors);
  const published = await publishFeeds(services);
  note(summary, published);
  await fetchLost(services, published.lost, errors);
  if (published.changed) await removeOldSnapshots(services, published.pointer!);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} feeds met errors`);
  return summary;
}

/** The first part of a refresh: every feed that is due is fetched, judged and recorded; nothing is told or published. */
export async function fetchDueFeeds(
  services: RefreshServices,
): Promise<{ readonly summary: RefreshSummary; readonly errors: unknown[] }> {
  const { clock, feeds: store, configuration: files } = services;
  const configuration = await readFeedConfiguration(files);
  const begun = clock.now();
  const known = new Map((await store.list()).map((one) => [one.feed.name, one]));
  const enabled = configuration.feeds.filter(({ enabled }) => enabled);
  const summary: RefreshSummary = {
    feeds: enabled.length,
    refreshed: 0,
    unchanged: 0,
    held: 0,
    failed: 0,
    snapshot: null,
    ordinal: null,
    changed: false,
  };
  const due = enabled
    .filter((feed) => isDue(feed, known.get(feed.name)?.feed ?? null, begun))
    // Whoever waits longest goes first: slow feeds cannot keep the same others waiting run after run.
    .sort((a, b) => waitsSince(known.get(a.name)) - waitsSince(known.get(b.name)));
  const errors: unknown[] = [];
  await removeOthers(services, configuration, known, begun).catch((error: unknown) => {
    errors.push(error);
  });
  await atOnce(due, FEEDS_AT_ONCE, async (feed) => {
    if (clock.now() - begun > BEGIN_WITHIN_MS) return;
    try {
      await refreshOne(services, configuration, feed, known.get(feed.name) ?? null, summary);
    } catch (error) {
      errors.push(error);
    }
  });
  return { summary, errors };
}

async function refreshOne(
  services: RefreshServices,
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  stored: StoredFeed | null,
  summary: RefreshSummary,
): Promise<void> {
  const { feeds: store, files, clock } = services;
  const before = stored?.feed ?? null;
  const { record: after, error } = await refreshFeed(
    services,
    configuration,
    feed,
    before,
    clock.now(),
  );
  // Somebody else refreshed it meanwhile, or an operator spoke: theirs counts, and the next run sees it.
  if (await store.write(after, stored?.version ?? null)) {
    count(summary, before, after);
    await files.keepOnly(feed.name, filesOf(after));
  }
  if (error !== null) throw error;
}

function waitsSince(stored: StoredFeed | undefined): number {
  return stored?.feed.nextAttemptAt ?? 0;
}

/** A state whose file is lost is fetched again by the next run; the others are published without it. */
async function fetchLost(
  { feeds: store, clock }: RefreshServices,
  lost: readonly string[],
  errors: unknown[],
): Promise<void> {
  for (const name of lost) {
    const stored = await store.read(name);
    if (stored !== null) await store.write(withLostState(stored.feed, clock.now()), stored.version);
    errors.push(new Error(`the file of the state of ${name} that is in use is lost`));
  }
}

/** The second part: alerts are brought in line with the records. What stops one of them is added to `errors`. */
export async function settleFeeds(services: RefreshServices, errors: unknown[]): Promise<void> {
  const configuration = await readFeedConfiguration(services.configuration);
  const configured = new Map(configuration.feeds.map((feed) => [feed.name, feed]));
  for (const stored of await services.feeds.list()) {
    const feed = configured.get(stored.feed.name);
    if (feed === undefined) continue;
    try {
      await settleHealth(services, configuration, feed, stored);
    } catch (error) {
      errors.push(error);
    }
  }
}

function count(summary: RefreshSummary, before: FeedRecord | null, after: FeedRecord): void {
  if (after.failure !== null && !PARTIAL_FAILURES.has(after.failure.code)) summary.failed++;
  else if (after.held !== null) summary.held++;
  else if (after.current?.id === before?.current?.id) summary.unchanged++;
  else summary.refreshed++;
}

function filesOf({ current, history, held }: FeedRecord): ReadonlySet<string> {
  const states = [
    ...(current === null ? [] : [current]),
    ...history,
    ...(held === null ? [] : [held.state]),
  ];
  return new Set(states.flatMap(({ id, piecesId }) => (piecesId === null ? [id] : [id, piecesId])));
}

/** A feed that left the configuration leaves the store, and its alert ends. */
async function removeOthers(
  { feeds: store, files, alerts, hub }: RefreshServices,
  configuration: FeedConfiguration,
  known: ReadonlyMap<string, StoredFeed>,
  now: number,
): Promise<void> {
  const configured = new Set(configuration.feeds.map(({ name }) => name));
  for (const name of known.keys()) {
    if (configured.has(name)) continue;
    await files.keepOnly(name, new Set());
    await resolveHealth(alerts, hub, name, now);
    await store.remove(name);
  }
}

function note(summary: RefreshSummary, { pointer, changed }: Published): void {
  summary.snapshot = pointer?.id ?? null;
  summary.ordinal = pointer?.ordinal ?? null;
  summary.changed = changed;
}

/**
 * Removes snapshots that were stored long ago, but not what hunts still need, nor the one that was just replaced: somebody may
 * have read the pointer before. An alert needs none, it carries its own copy of the evidence.
 */
async function removeOldSnapshots(
  { snapshots, checkpoints, storeClock }: RefreshServices,
  pointer: SnapshotPointer,
): Promise<void> {
  const kept = new Set(await snapshotsInHunts(pointer, checkpoints));
  const replaced = pointer.earlier.at(-1);
  if (replaced !== undefined) kept.add(replaced.id);
  await snapshots.remove(storeClock.now() - SNAPSHOT_GRACE_MS, kept);
}
