import type { FeedEntry } from '../../../domain/indicator/feed-entry.ts';
import { TableReader } from '../../../format/feed-record/table-reader.ts';
import { FeedFormatError } from './feed-format.ts';

/** A cell may hold a banner of a whole service: the largest record of the measured tables has 60 KB. */
export const MAX_RECORD_BYTES = 1024 * 1024;

/** The entries of a table; `front` are its first bytes, by which the delimiter and a header in a comment are found. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  front: Uint8Array,
): AsyncGenerator<FeedEntry[]> {
  let entries: FeedEntry[] = [];
  const reader = new TableReader((entry) => entries.push(entry), front, MAX_RECORD_BYTES);
  for await (const chunk of chunks) {
    reader.push(chunk);
    assertIntact(reader);
    if (entries.length > 0) yield entries;
    entries = [];
  }
  reader.end();
  assertIntact(reader);
  if (entries.length > 0) yield entries;
}

function assertIntact({ damage }: TableReader): void {
  if (damage !== null) throw new FeedFormatError('damaged', `the table breaks: ${damage}`);
}
