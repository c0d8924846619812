import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeedKind } from '../../shared/domain/indicator/feed-kind.ts';
import { DEFAULT_POLICY } from '../../shared/domain/indicator/validity.ts';
import {
  CollectedFeed,
  isPublishable,
} from '../../shared/pipeline/feeds/refresh/collected-feed.ts';
import { newReport, readFeed } from '../../shared/pipeline/feeds/read/read-feed.ts';
import { type FeedSummary, Tally } from '../../shared/pipeline/feeds/read/tally.ts';
import { unpack } from '../../shared/pipeline/feeds/read/unpack.ts';

export interface FolderFeed {
  /** The file name: without its extension it need not be unique. */
  readonly name: string;
  readonly kind: FeedKind;
  readonly indicators: CollectedFeed;
  readonly summary: FeedSummary;
}

export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

export interface FeedFolder {
  readonly feeds: readonly FolderFeed[];
  readonly skipped: readonly SkippedFile[];
}

export interface FeedFolderOptions {
  /** Epoch milliseconds at which validity is judged, where a format has one. */
  readonly at: number;
  readonly onFile?: (file: string) => void;
  readonly onSkipped?: (skipped: SkippedFile) => void;
}

/**
 * Every feed file of a folder, in the order of names; folders in it and hidden files are not looked at. A file that no
 * reader takes, that is damaged, or of which every line was refused, is skipped whole: half a feed would look like one
 * that shrank.
 */
export async function readFeedFolder(dir: string, options: FeedFolderOptions): Promise<FeedFolder> {
  const feeds: FolderFeed[] = [];
  const skipped: SkippedFile[] = [];
  const files = (await readdir(dir, { withFileTypes: true }))
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => entry.name)
    .filter((file) => !file.startsWith('.'));
  for (const file of files.sort()) {
    options.onFile?.(file);
    const read = await readFeedFile(join(dir, file), file, options.at);
    if ('indicators' in read) {
      feeds.push(read);
    } else {
      skipped.push(read);
      options.onSkipped?.(read);
    }
  }
  return { feeds, skipped };
}

async function readFeedFile(
  path: string,
  file: string,
  at: number,
): Promise<FolderFeed | SkippedFile> {
  const indicators = new CollectedFeed();
  const tally = new Tally(at);
  const report = newReport();
  const kind = (): FeedKind => (report.format === 'warninglist' ? 'warningList' : 'threat');
  try {
    for await (const entries of readFeed(unpack(createReadStream(path)), null, report)) {
      for (const entry of entries) {
        tally.add(entry);
        if (entry.kind !== 'indicator') continue;
        if (isPublishable(entry, kind(), at, DEFAULT_POLICY)) indicators.add(entry);
      }
    }
  } catch (error) {
    // No reader, no permission, a packed file cut short: all carry a code. What does not is a bug.
    if (!(error instanceof Error && 'code' in error)) throw error;
    return { file, reason: error.message };
  }
  const summary = tally.summary(report.format);
  if (summary.entries > 0 && summary.indicators === 0) {
    return { file, reason: `none of its ${summary.entries} entries is an indicator` };
  }
  return { name: file, kind: kind(), indicators, summary };
}
