import { crc32 } from 'node:zlib';
import { openBlobService } from '../../shared/adapters/blob/blob-service.ts';
import { BlobIndicatorSnapshots } from '../../shared/adapters/blob/indicator-snapshots.ts';
import { buildSnapshot } from '../../shared/format/indicator-snapshot/build-snapshot.ts';
import { publishSnapshot } from '../../shared/pipeline/publish-snapshot.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { type SkippedFile, readFeedFolder } from '../feeds/feed-folder.ts';
import type { Platform } from '../platform.ts';

export interface PublishedFeeds {
  readonly feeds: number;
  readonly indicators: number;
}

/** Builds the snapshot of a folder of feed files and makes it the platform's current one. */
export async function publishFeedFolder(
  platform: Platform,
  folder: string,
  clock: Clock,
  onSkipped: (skipped: SkippedFile) => void,
): Promise<PublishedFeeds> {
  const { feeds } = await readFeedFolder(folder, { at: clock.now(), onSkipped });
  const blobs = openBlobService({ connectionString: platform.blobs.connectionString });
  await publishSnapshot(new BlobIndicatorSnapshots(blobs), clock, buildSnapshot(feeds, crc32));
  const indicators = feeds.reduce((sum, feed) => sum + feed.summary.indicators, 0);
  return { feeds: feeds.length, indicators };
}
