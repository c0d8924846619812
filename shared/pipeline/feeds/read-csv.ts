import { CsvError, type Info, parse } from 'csv-parse';
import { parse as parseRow } from 'csv-parse/sync';
import type { FeedEntry } from '../../domain/indicator/feed-entry.ts';
import { type Columns, columnsOf } from '../../format/feed-record/columns.ts';
import { readRecord } from '../../format/feed-record/read-record.ts';
import { parseValue } from '../../format/feed-text/parse-value.ts';
import { FeedFormatError } from './feed-format.ts';

/** A cell may hold a banner of a whole service: the largest record of the measured tables has 60 KB. */
export const MAX_RECORD_BYTES = 1024 * 1024;
/** So many records are looked at to find the addresses of a table without a header. */
const LOOKED_AT = 20;
const ENTRIES_AT_ONCE = 1000;
const DELIMITERS = [',', ';', '\t', '|'] as const;

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/** The entries of a table; `front` are its first bytes, by which the delimiter and a header in a comment are found. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  front: Uint8Array,
): AsyncGenerator<FeedEntry[]> {
  const lines = Buffer.from(front)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/);
  const delimiter = delimiterOf(lines);
  let header = commentHeader(lines, delimiter);
  let waiting: Row[] = [];
  let entries: FeedEntry[] = [];
  const take = (rows: readonly Row[]) => {
    for (const row of rows) entries.push(entryOf(row, header!));
  };
  for await (const row of rowsOf(chunks, delimiter)) {
    if (header !== null) {
      take([row]);
    } else if (waiting.length === 0 && isHeader(row.cells)) {
      header = columnsOf(row.cells);
    } else if (waiting.push(row) === LOOKED_AT) {
      header = columnsByContent(waiting);
      take(waiting);
      waiting = [];
    }
    if (entries.length >= ENTRIES_AT_ONCE) {
      yield entries;
      entries = [];
    }
  }
  header ??= columnsByContent(waiting);
  take(waiting);
  if (entries.length > 0) yield entries;
}

function entryOf({ cells, line }: Row, columns: Columns): FeedEntry {
  return readRecord((column) => cells[column], columns, line);
}

async function* rowsOf(chunks: AsyncIterable<Uint8Array>, delimiter: string): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    delimiter,
    comment: '#',
    comment_no_infix: true,
    info: true,
    // `"a", "b"` of ThreatFox: a blank in front of the quote.
    trim: true,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  const feeding = feed(parser, chunks);
  try {
    for await (const parsed of parser) {
      const { record, info } = parsed as { record: string[]; info: Info };
      yield { cells: record, line: info.lines };
    }
    await feeding;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new FeedFormatError('damaged', `the table breaks: ${error.message}`, { cause: error });
  }
}

/** An error of the source ends the parser with it. */
async function feed(
  parser: ReturnType<typeof parse>,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (parser.destroyed) return;
      if (!parser.write(chunk)) await drained(parser);
    }
    parser.end();
  } catch (error) {
    parser.destroy(error as Error);
  }
}

async function drained(parser: ReturnType<typeof parse>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      parser.off('drain', done).off('close', done);
      resolve();
    };
    parser.on('drain', done).on('close', done);
  });
}

/** That which the first line beside comments has most of. */
function delimiterOf(lines: readonly string[]): string {
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length - 1);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

/** abuse.ch writes its header as the last comment before the data: `# "first_seen_utc","ioc_id",…`. */
function commentHeader(lines: readonly string[], delimiter: string): Columns | null {
  const data = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const comment = lines[data - 1];
  if (comment === undefined || !comment.startsWith('#')) return null;
  const names = cellsOf(comment.replace(/^#+/, ''), delimiter);
  const cells = cellsOf(lines[data]!, delimiter);
  if (names === null || cells === null || names.length < 2 || isHeader(cells)) return null;
  return columnsOf(names);
}

function cellsOf(line: string, delimiter: string): readonly string[] | null {
  try {
    const options = {
      delimiter,
      trim: true,
      relax_quotes: true,
      relax_column_count: true,
    } as const;
    const [cells] = parseRow(line, options);
    return cells ?? null;
  } catch {
    return null; // A quote that closes on a later line, say.
  }
}

/** Names of columns: one that can hold an address, and no address yet. */
function isHeader(cells: readonly string[]): boolean {
  return columnsOf(cells) !== null && !cells.some(isAddress);
}

/** The column that holds addresses most often in these rows; the first one if none does. */
function columnsByContent(rows: readonly Row[]): Columns {
  const counts: number[] = [];
  for (const { cells } of rows) {
    for (const [column, cell] of cells.entries()) {
      counts[column] = (counts[column] ?? 0) + (isAddress(cell) ? 1 : 0);
    }
  }
  const best = counts.indexOf(Math.max(0, ...counts));
  const header = Array.from({ length: Math.max(best, 0) + 1 }, () => '');
  header[Math.max(best, 0)] = 'value';
  return columnsOf(header)!;
}

function isAddress(cell: string): boolean {
  return cell.length <= 100 && /[.:]/.test(cell) && typeof parseValue(cell) !== 'string';
}
