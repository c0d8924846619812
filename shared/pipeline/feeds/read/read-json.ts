import { JSONParser } from '@streamparser/json';
import { type FeedEntry, shownText } from '../../../domain/indicator/feed-entry.ts';
import { jsonRecordReader } from '../../../format/feed-record/json-record.ts';
import { metadataOf, recordsOf } from '../../../format/feed-record/json-shape.ts';
import { LineCutter } from '../../../format/feed-text/line-cutter.ts';
import { mispEventsOf, readMispEvent } from '../../../format/misp/event.ts';
import { readMispManifest } from '../../../format/misp/manifest.ts';
import { readWarningList } from '../../../format/misp/warning-list.ts';
import { isStixObject, StixFeed } from '../../../format/stix/stix-feed.ts';
import { isStixDocument } from './detect-format.ts';
import { type DocumentFormat, FeedFormatError } from './feed-format.ts';

/** Documents that are parsed whole, at twenty times their size: MISP events, warning lists, exports of records. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;
const MAX_JSON_LINE_BYTES = 256 * 1024;
const ENTRIES_AT_ONCE = 1000;

/** What a reader learns beside the entries. */
export interface FeedReport {
  format: DocumentFormat | 'misp-manifest' | null;
  /** How many entries the feed says that it has. */
  promised: number | null;
}

/**
 * The newest version of every indicator of a bundle or envelope, in order of arrival, when all of it has been read. `front`
 * are its first bytes.
 */
export async function* readStix(
  chunks: AsyncIterable<Uint8Array>,
  report: FeedReport,
  front: Uint8Array,
): AsyncGenerator<FeedEntry[]> {
  report.format = 'stix';
  const feed = new StixFeed();
  let objects: unknown[] = [];
  let seen = 0;
  const parser = new JSONParser({ paths: ['$.objects.*'], keepStack: false });
  parser.onValue = ({ value }) => void objects.push(value);
  const take = () => {
    for (const object of objects) feed.add(object);
    seen += objects.length;
    objects = [];
  };
  // A byte that is not UTF-8 spoils its own text only; the parser would refuse all of the document for it.
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parsing(() => parser.write(decoder.decode(chunk, { stream: true })));
    take();
  }
  // Not `parser.end()`: it takes an empty document for a whole one.
  if (!parser.isEnded) throw new FeedFormatError('damaged', 'the JSON breaks off before its end');
  if (seen === 0 && !isStixDocument(front)) {
    throw new FeedFormatError('noReader', 'it is JSON without a list of "objects"');
  }
  yield* inParts(feed.entries());
}

/** One record a line. A line that does not read is refused; the others count. STIX objects come last, the newest of each. */
export async function* readJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  report: FeedReport,
): AsyncGenerator<FeedEntry[]> {
  report.format = 'jsonl';
  let entries: FeedEntry[] = [];
  const readRecord = jsonRecordReader();
  const stix = new StixFeed();
  const lines = new LineCutter(({ bytes, start, end, number, tooLong }) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trim();
    if (text === '') return;
    if (tooLong) {
      entries.push(refusedLine(number, 'tooLong', text));
      return;
    }
    const record = parsedOrNull(text);
    if (record === null) {
      entries.push(refusedLine(number, 'malformed', text));
      return;
    }
    const metadata = metadataOf(record);
    if (metadata !== null) report.promised = metadata.records;
    else if (!addStix(record, stix)) entries.push(readRecord(record, number));
  }, MAX_JSON_LINE_BYTES);
  for await (const chunk of chunks) {
    lines.push(chunk);
    if (entries.length > 0) yield entries;
    entries = [];
  }
  lines.end();
  yield* inParts([...entries, ...stix.entries()]);
}

/** Adds what is a STIX object, or a bundle of them. */
function addStix(record: unknown, stix: StixFeed): boolean {
  const objects = bundledIn(record);
  if (objects === null && !isStixObject(record)) return false;
  for (const object of objects ?? [record]) stix.add(object);
  return true;
}

function bundledIn(record: unknown): readonly unknown[] | null {
  if (typeof record !== 'object' || record === null) return null;
  if (!('type' in record) || record.type !== 'bundle') return null;
  return 'objects' in record && Array.isArray(record.objects) ? record.objects : [];
}

/** A document of a known shape: MISP event or export, warning list, STIX objects, or records. */
export async function* readJsonDocument(
  chunks: AsyncIterable<Uint8Array>,
  report: FeedReport,
  format: DocumentFormat | null,
): AsyncGenerator<FeedEntry[]> {
  const document = await parseDocument(chunks);
  if (format === 'json') {
    yield* readRecords(document, report);
    return;
  }
  const events = format === 'warninglist' ? null : mispEventsOf(document);
  if (events !== null) {
    report.format = 'misp';
    yield* inParts(events.flatMap((event) => readMispEvent(event)?.entries ?? [NO_EVENT]));
    return;
  }
  const warningList = format === 'misp' ? null : readWarningList(document);
  if (warningList !== null) {
    report.format = 'warninglist';
    yield* inParts(warningList.entries);
    return;
  }
  const manifest = readMispManifest(document);
  if (manifest !== null && manifest.events.length > 0) {
    report.format = 'misp-manifest';
    yield* inParts(manifest.events.map(({ uuid }) => eventElsewhere(uuid)));
    return;
  }
  if (format !== null) throw new FeedFormatError('noReader', `it is no ${NAME_OF[format]}`);
  yield* readRecords(document, report);
}

const NAME_OF: Readonly<Partial<Record<DocumentFormat, string>>> = {
  misp: 'MISP event or export',
  warninglist: 'MISP warning list',
};

function* readRecords(document: unknown, report: FeedReport): Generator<FeedEntry[]> {
  const stix = new StixFeed();
  if (addStix(document, stix)) {
    report.format = 'stix';
    yield* inParts(stix.entries());
    return;
  }
  const records = recordsOf(document);
  if (records === null) throw new FeedFormatError('noReader', unknownShape(document));
  report.format = 'json';
  const readRecord = jsonRecordReader();
  const entries: FeedEntry[] = [];
  for (const record of records) {
    if (!addStix(record, stix)) entries.push(readRecord(record, null));
  }
  yield* inParts([...entries, ...stix.entries()]);
}

async function parseDocument(chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) {
      throw new FeedFormatError(
        'tooLarge',
        `a JSON document of more than ${MAX_DOCUMENT_BYTES} bytes that is not a STIX bundle`,
      );
    }
    parts.push(chunk);
  }
  try {
    return JSON.parse(
      Buffer.concat(parts)
        .toString('utf8')
        .replace(/^\ufeff/, ''),
    ) as unknown;
  } catch (error) {
    throw new FeedFormatError('damaged', `the JSON breaks: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const NO_EVENT: FeedEntry = {
  kind: 'refused',
  line: null,
  id: null,
  reason: 'malformed',
  text: 'no MISP event',
};

/** A manifest names events; their addresses stand in documents of their own. */
function eventElsewhere(uuid: string): FeedEntry {
  return { kind: 'refused', line: null, id: uuid, reason: 'noAddress', text: `event ${uuid}` };
}

function unknownShape(document: unknown): string {
  if (typeof document !== 'object' || document === null) return 'it is JSON without records';
  if ('stix_header' in document) return 'it is STIX 1; only STIX 2.0 and 2.1 are read';
  if (Array.isArray(document)) return 'it is a JSON list of neither objects nor texts';
  const members = Object.keys(document).slice(0, 5).join(', ');
  return shownText(`it is JSON of an unknown shape, with the members ${members}`);
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function refusedLine(line: number, reason: 'malformed' | 'tooLong', text: string): FeedEntry {
  return { kind: 'refused', line, id: null, reason, text: shownText(text) };
}

/** Whatever the parser throws, the document is to blame. */
function parsing(step: () => void): void {
  try {
    step();
  } catch (error) {
    throw new FeedFormatError('damaged', `the JSON breaks: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function* inParts(entries: Iterable<FeedEntry>): Generator<FeedEntry[]> {
  let part: FeedEntry[] = [];
  for (const entry of entries) {
    if (part.push(entry) < ENTRIES_AT_ONCE) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
