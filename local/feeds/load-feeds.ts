// The feeds of a folder, through the real refresh: configured on the platform, fetched from the local feed server.
import { BlobConfiguration } from '../../shared/adapters/blob/configuration.ts';
import { BlobCheckpoints } from '../../shared/adapters/blob/checkpoints.ts';
import { openBlobService } from '../../shared/adapters/blob/blob-service.ts';
import { BlobFeedFiles } from '../../shared/adapters/blob/feed-files.ts';
import { BlobIndicatorSnapshots } from '../../shared/adapters/blob/indicator-snapshots.ts';
import { CosmosAlertStore } from '../../shared/adapters/cosmos/alert-store.ts';
import { openCosmos } from '../../shared/adapters/cosmos/cosmos.ts';
import { CosmosFeedStore } from '../../shared/adapters/cosmos/feed-store.ts';
import { EnvironmentSecrets } from '../../shared/adapters/node/environment-secrets.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { NodeWeb } from '../../shared/adapters/web/node-web.ts';
import type { FeedRecord } from '../../shared/domain/indicator/feed.ts';
import { FEEDS_FILE } from '../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { withHeldAccepted } from '../../shared/domain/indicator/feed-change.ts';
import { requestRefresh } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { publishFeeds } from '../../shared/pipeline/feeds/refresh/publish-feeds.ts';
import { problemOf } from '../../shared/pipeline/feeds/refresh/feed-health.ts';
import {
  type RefreshServices,
  fetchDueFeeds,
  refreshFeeds,
  settleFeeds,
} from '../../shared/pipeline/feeds/refresh/refresh-feeds.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Platform } from '../platform.ts';
import { type FolderFeed, feedsOfFolder } from './folder-configuration.ts';

export interface LoadedFeeds {
  readonly feeds: number;
  readonly indicators: number;
  /** Feeds of which nothing is in use, and why. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

/** What refreshing needs, on a platform of this machine. */
export function refreshServicesOf(platform: Platform, clock: Clock): RefreshServices {
  const blobs = openBlobService({ connectionString: platform.blobs.connectionString });
  const documents = openCosmos({ connectionString: platform.cosmos.connectionString });
  return {
    configuration: new BlobConfiguration(blobs),
    files: new BlobFeedFiles(blobs),
    feeds: new CosmosFeedStore(documents),
    snapshots: new BlobIndicatorSnapshots(blobs),
    checkpoints: new BlobCheckpoints(blobs),
    alerts: new CosmosAlertStore(documents),
    secrets: new EnvironmentSecrets(process.env),
    web: new NodeWeb(),
    clock,
    storeClock: systemClock,
    hub: platform.settings['IotHubName']!,
  };
}

/** Configures the folder's feeds, beside those that somebody added, and refreshes all that are due. */
export async function loadFeeds(
  services: RefreshServices,
  folder: string,
  origin: string,
): Promise<LoadedFeeds> {
  await configure(services, await feedsOfFolder(folder, origin));
  await refreshFeeds(services);
  return loadedFeeds(services);
}

/**
 * The folder's feeds in the place of those before, in one publication, whatever changed: what a refresh holds back as doubtful is
 * accepted.
 */
export async function replaceFeeds(
  services: RefreshServices,
  folder: string,
  origin: string,
): Promise<LoadedFeeds> {
  await configure(services, await feedsOfFolder(folder, origin));
  await requestRefresh(services, null);
  const { errors } = await fetchDueFeeds(services);
  for (const { feed, version } of await services.feeds.list()) {
    const accepted = withHeldAccepted(feed, services.clock.now());
    if (accepted !== null) await services.feeds.write(accepted, version);
  }
  await settleFeeds(services, errors);
  await publishFeeds(services);
  if (errors.length > 0) throw errors[0];
  return loadedFeeds(services);
}

async function loadedFeeds(services: RefreshServices): Promise<LoadedFeeds> {
  const records = (await services.feeds.list()).map(({ feed }) => feed);
  const inUse = records.filter(({ current }) => current !== null);
  return {
    feeds: inUse.length,
    indicators: inUse.reduce((sum, { current }) => sum + current!.counts.indicators, 0),
    leftOut: records.filter(({ current }) => current === null).map(whyLeftOut),
  };
}

/** The folder's feeds of an earlier start had another port: they are the private ones, and are replaced. */
async function configure({ configuration }: RefreshServices, feeds: readonly FolderFeed[]) {
  const stored = await configuration.read(FEEDS_FILE);
  const value = (stored?.value ?? { version: 1, feeds: [] }) as { feeds: { address: string }[] };
  const others = value.feeds.filter(({ address }) => !address.startsWith('http://127.0.0.1:'));
  const changed = { ...value, feeds: [...feeds, ...others] };
  await configuration.write(FEEDS_FILE, changed, stored?.version ?? null);
}

function whyLeftOut(feed: FeedRecord): { name: string; reason: string } {
  const problem = problemOf(feed, false);
  const reason = feed.held?.explanation ?? feed.failure?.message ?? problem?.reason;
  return { name: feed.name, reason: reason ?? 'it was not fetched' };
}
