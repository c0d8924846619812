import { HASH, QUOTE } from '../../../format/ascii.ts';
import type { FeedEntry } from '../../../domain/indicator/feed-entry.ts';
import { type Line, LineCutter } from '../../../format/feed-text/line-cutter.ts';
import { promisedBy } from '../../../format/feed-text/promise.ts';
import { TextFeedReader } from '../../../format/feed-text/text-feed-reader.ts';
import { type ReaderName, detectFormat, judged, readableContent } from './detect-format.ts';
import type { DocumentFormat } from './feed-format.ts';
import { MAX_RECORD_BYTES, readCsv } from './read-csv.ts';
import { type FeedReport, readJsonDocument, readJsonLines, readStix } from './read-json.ts';

/** So many bytes are read at once: what they give is held as objects until the consumer asks for more. */
const SLICE_BYTES = 65_536;

const READER_OF: Readonly<Record<DocumentFormat, ReaderName>> = {
  plain: 'text',
  netset: 'text',
  ranges: 'text',
  csv: 'csv',
  json: 'json',
  jsonl: 'jsonl',
  stix: 'stix',
  misp: 'json',
  warninglist: 'json',
};

/**
 * The entries of a feed document, in file order, some at a time. Without a format the content decides. What the reader
 * learns beside them stands in `report` when the last entry is out. Throws a `FeedFormatError` if nothing reads it, or if
 * it breaks off in a way that leaves its entries in doubt.
 */
export async function* readFeed(
  chunks: AsyncIterable<Uint8Array>,
  format: DocumentFormat | null,
  report: FeedReport,
): AsyncGenerator<FeedEntry[]> {
  let reader: ReaderName = 'text';
  let front: Uint8Array = new Uint8Array(0);
  const known = judged(chunks, (bytes) => {
    front = bytes;
    reader = format === null ? detectFormat(bytes) : readerFor(format, bytes);
  });
  const bytes = slices(known);
  const first = await bytes.next(); // judges
  const whole = first.done === true ? bytes : startingWith(first.value, bytes);
  switch (reader as ReaderName) {
    case 'text':
      yield* readText(whole, format, report);
      return;
    case 'csv':
      report.format = 'csv';
      yield* readCsv(watched(whole, report), front);
      return;
    case 'jsonl':
      yield* readJsonLines(whole, report);
      return;
    case 'stix':
      yield* readStix(whole, report, front);
      return;
    case 'json':
      yield* readJsonDocument(whole, report, format);
  }
}

/** A web page is none of the formats, whatever it was said to be. */
function readerFor(format: DocumentFormat, front: Uint8Array): ReaderName {
  readableContent(front);
  return READER_OF[format];
}

export function newReport(): FeedReport {
  return { format: null, promised: null };
}

/** The format of a list is told by what it holds, unless it was given: the tally sees that. */
async function* readText(
  chunks: AsyncIterable<Uint8Array>,
  format: DocumentFormat | null,
  report: FeedReport,
): AsyncGenerator<FeedEntry[]> {
  report.format = format;
  let entries: FeedEntry[] = [];
  const reader = new TextFeedReader((entry) => entries.push(entry));
  for await (const chunk of chunks) {
    reader.push(chunk);
    if (entries.length > 0) yield entries;
    entries = [];
  }
  reader.end();
  report.promised = reader.promised;
  if (entries.length > 0) yield entries;
}

/** The same bytes; a promise in a comment is noted on the way. */
async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  report: FeedReport,
): AsyncGenerator<Uint8Array> {
  // A quoted cell may hold what a stranger wrote, over lines: a promise in it is not the feed's.
  let isInCell = false;
  const lines = new LineCutter((line) => {
    if (!isInCell && line.bytes[line.start] === HASH) {
      report.promised = promisedBy(line) ?? report.promised;
    } else if (hasOddQuotes(line)) {
      isInCell = !isInCell;
    }
  }, MAX_RECORD_BYTES);
  for await (const chunk of chunks) {
    lines.push(chunk);
    yield chunk;
  }
  lines.end();
}

function hasOddQuotes({ bytes, start, end }: Line): boolean {
  let isOdd = false;
  for (let at = start; at < end; at++) if (bytes[at] === QUOTE) isOdd = !isOdd;
  return isOdd;
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined); // closes the source of a reader that stops at the first bytes
  }
}

async function* slices(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      yield chunk.subarray(from, from + SLICE_BYTES);
    }
  }
}
