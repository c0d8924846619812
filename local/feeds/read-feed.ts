import type { FeedEntry } from '../../shared/domain/indicator/feed-entry.ts';
import {
  DETECT_BYTES,
  type FeedContent,
  detectContent,
} from '../../shared/format/feed-text/detect.ts';
import { TextFeedReader } from '../../shared/format/feed-text/text-feed-reader.ts';
import { FeedFileError } from './feed-file-error.ts';

/** Readers by the name that `--format` takes; these lists differ in what they hold, not in how they are read. */
export const FEED_FORMATS = ['plain', 'netset', 'ranges'] as const;
export type FeedFormat = (typeof FEED_FORMATS)[number];

const NO_READER: Readonly<Record<Exclude<FeedContent, 'text'>, string>> = {
  json: 'it is JSON, for which there is no reader yet',
  csv: 'it is a table (CSV), for which there is no reader yet',
  markup: 'it is HTML or XML, not a feed',
  archive: 'it is a ZIP archive; unpack it first',
  utf16: 'it is UTF-16 text; lists are ASCII',
};

/** So many bytes are read at once: what they give is held as objects until the consumer asks for more. */
const SLICE_BYTES = 65_536;

/**
 * The entries of a feed, in file order, some at a time. Without a format the content decides; throws a
 * `FeedFileError` before the first entry if nothing reads it.
 */
export async function* readFeed(
  chunks: AsyncIterable<Uint8Array>,
  format: FeedFormat | null,
): AsyncGenerator<FeedEntry[]> {
  let entries: FeedEntry[] = [];
  const reader = new TextFeedReader((entry) => entries.push(entry));
  for await (const slice of slices(format === null ? detected(chunks) : chunks)) {
    reader.push(slice);
    if (entries.length > 0) yield entries;
    entries = [];
  }
  reader.end();
  if (entries.length > 0) yield entries;
}

/** The same bytes, once their front has been found to be a text list. */
async function* detected(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const front: Uint8Array[] = [];
  let frontBytes = 0;
  let judged = false;
  const judge = (): Uint8Array => {
    const bytes = Buffer.concat(front);
    const content = detectContent(bytes);
    if (content !== 'text') throw new FeedFileError('noReader', NO_READER[content]);
    judged = true;
    return bytes;
  };
  for await (const chunk of chunks) {
    if (judged) {
      yield chunk;
      continue;
    }
    front.push(chunk);
    frontBytes += chunk.length;
    if (frontBytes >= DETECT_BYTES) yield judge();
  }
  if (!judged) yield judge();
}

async function* slices(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      yield chunk.subarray(from, from + SLICE_BYTES);
    }
  }
}
