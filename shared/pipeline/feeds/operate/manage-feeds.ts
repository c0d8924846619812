// What operators do with feeds: look, ask for a refresh, accept what is held, go back.
import * as z from 'zod';
import { type FeedRecord, newFeedRecord } from '../../../domain/indicator/feed.ts';
import { withHeldAccepted, withRollback } from '../../../domain/indicator/feed-change.ts';
import { formatInstant } from '../../../domain/time/instant.ts';
import { RequestError } from '../../../format/http-problem.ts';
import type { FeedStore } from '../../../ports/feed-store.ts';
import {
  type ConfiguredFeed,
  type FeedConfiguration,
  readFeedConfiguration,
} from '../configuration/feed-configuration.ts';
import { settleHealth } from '../refresh/feed-health.ts';
import { type FeedStatus, type PastState, feedHistory, feedStatus } from './feed-status.ts';
import { publishFeeds } from '../refresh/publish-feeds.ts';
import type { RefreshServices } from '../refresh/refresh-feeds.ts';

export interface FeedStatusWithHistory extends FeedStatus {
  readonly history: readonly PastState[];
}

export interface RequestedRefresh {
  readonly requested: readonly string[];
  /** A feed whose last attempt is not before this has been tried since. */
  readonly requestedAt: string;
}

const MAX_CONFLICTS = 5;

export async function listFeeds(services: RefreshServices): Promise<readonly FeedStatus[]> {
  const { feeds: store, clock } = services;
  const configuration = await readFeedConfiguration(services.configuration);
  const records = new Map((await store.list()).map(({ feed }) => [feed.name, feed]));
  const now = clock.now();
  return configuration.feeds.map((feed) =>
    feedStatus(configuration, feed, records.get(feed.name) ?? null, now),
  );
}

export async function showFeed(
  services: RefreshServices,
  name: string,
): Promise<FeedStatusWithHistory> {
  const { configuration, feed } = await configured(services, name);
  const record = (await services.feeds.read(feed.name))?.feed ?? null;
  return withHistory(services, configuration, feed, record);
}

/** Asks for a refresh of one feed, or of all that are enabled; the timer, which comes every minute, does it. */
export async function requestRefresh(
  services: RefreshServices,
  name: string | null,
): Promise<RequestedRefresh> {
  const now = services.clock.now();
  const feeds = name === null ? await enabledFeeds(services) : [await enabledFeed(services, name)];
  for (const feed of feeds) {
    // Also where there is no record yet: a first fetch that is under way began before this was asked for, and must not
    // be taken for the answer. A source that is not the feed's makes it due.
    await changeFeed(services.feeds, feed.name, (record) => ({
      ...(record ?? newFeedRecord(feed.name, '')),
      requestedAt: now,
    }));
  }
  return { requested: feeds.map((feed) => feed.name), requestedAt: formatInstant(now) };
}

/** Names a state by its id or the beginning of it. */
const StateBody = z.strictObject({
  state: z
    .string()
    .regex(/^[0-9a-f]{4,64}$/i, { error: 'the id of a state, or at least four digits of it' })
    .optional(),
});

/** The id that `body` names, null where it names none. */
function stateIn(body: unknown): string | null {
  const parsed = StateBody.safeParse(body ?? {});
  if (parsed.success) return parsed.data.state?.toLowerCase() ?? null;
  const details = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new RequestError('InvalidRequest', 'the body is not what it must be', details);
}

/**
 * Puts the held state of a feed in use, at once. Where `body` names the state that was looked at, only that one: a refresh
 * may have brought another since.
 */
export async function acceptFeed(
  services: RefreshServices,
  name: string,
  body: unknown,
): Promise<FeedStatusWithHistory> {
  const id = stateIn(body);
  return changeAndPublish(services, name, (record) => {
    const held = record?.held?.state.id;
    if (held !== undefined && id !== null && !held.startsWith(id)) {
      throw new RequestError('Conflict', `another state is held by now: ${held.slice(0, 12)}`);
    }
    const accepted = record === null ? null : withHeldAccepted(record, services.clock.now());
    if (accepted !== null) return accepted;
    throw new RequestError('NothingHeld', 'nothing of this feed is held back');
  });
}

/** Goes back to an earlier state of a feed, at once: the latest one, or the one that `body` names. */
export async function rollbackFeed(
  services: RefreshServices,
  name: string,
  body: unknown,
): Promise<FeedStatusWithHistory> {
  const id = stateIn(body);
  return changeAndPublish(services, name, (record) => {
    const back = record === null ? null : withRollback(record, id, services.clock.now());
    if (back !== null) return back;
    const wanted = id === null ? 'no earlier state' : `no earlier state ${id}`;
    throw new RequestError('NoEarlierState', `there is ${wanted} of this feed`);
  });
}

async function changeAndPublish(
  services: RefreshServices,
  name: string,
  change: (record: FeedRecord | null) => FeedRecord,
): Promise<FeedStatusWithHistory> {
  const { configuration, feed } = await configured(services, name);
  const record = await changeFeed(services.feeds, feed.name, change);
  await publishFeeds(services);
  await settle(services, configuration, feed);
  return withHistory(services, configuration, feed, record);
}

async function settle(
  services: RefreshServices,
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
): Promise<void> {
  const stored = await services.feeds.read(feed.name);
  if (stored !== null) await settleHealth(services, configuration, feed, stored);
}

/** Changes a record under its version; `change` gives null for "as it is". */
async function changeFeed(
  store: FeedStore,
  name: string,
  change: (record: FeedRecord | null) => FeedRecord | null,
): Promise<FeedRecord | null> {
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const stored = await store.read(name);
    const changed = change(stored?.feed ?? null);
    if (changed === null) return stored?.feed ?? null;
    if (await store.write(changed, stored?.version ?? null)) return changed;
  }
  throw new RequestError('Conflict', 'the feed is being changed by somebody else; try again');
}

async function configured(
  services: RefreshServices,
  name: string,
): Promise<{ configuration: FeedConfiguration; feed: ConfiguredFeed }> {
  const configuration = await readFeedConfiguration(services.configuration);
  const folded = name.toLowerCase();
  const feed = configuration.feeds.find((feed) => feed.name.toLowerCase() === folded);
  if (feed !== undefined) return { configuration, feed };
  const shown = JSON.stringify(name.slice(0, 64));
  throw new RequestError('UnknownFeed', `no feed is called ${shown}`);
}

async function enabledFeed(services: RefreshServices, name: string): Promise<ConfiguredFeed> {
  const { feed } = await configured(services, name);
  if (feed.enabled) return feed;
  throw new RequestError('FeedDisabled', `the feed ${feed.name} is disabled`);
}

async function enabledFeeds(services: RefreshServices): Promise<readonly ConfiguredFeed[]> {
  const { feeds } = await readFeedConfiguration(services.configuration);
  return feeds.filter(({ enabled }) => enabled);
}

function withHistory(
  { clock }: RefreshServices,
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord | null,
): FeedStatusWithHistory {
  const status = feedStatus(configuration, feed, record, clock.now());
  return { ...status, history: feedHistory(record) };
}
