import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { startFeedServer } from '../../local/feeds/feed-server.ts';
import { type LoadedFeeds, loadFeeds, refreshServicesOf } from '../../local/feeds/load-feeds.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Platform } from '../../local/platform.ts';

/** The feeds of a folder on a platform, as `start` loads them; the server that they came from is gone afterwards. */
export async function loadFeedFolder(
  platform: Platform,
  folder: string,
  clock: Clock = systemClock,
): Promise<LoadedFeeds> {
  const server = await startFeedServer(() => folder);
  try {
    return await loadFeeds(refreshServicesOf(platform, clock), folder, server.origin);
  } finally {
    await server.stop();
  }
}
