import {
  type FeedEntry,
  type RefusalReason,
  shownText,
} from '../../domain/indicator/feed-entry.ts';
import { type Columns, columnsOf } from './columns.ts';
import { readRecord } from './read-record.ts';
import { type Row, RowCutter } from './row-cutter.ts';
import {
  MAX_TITLES,
  headOf,
  isAddress,
  isComment,
  isHeader,
  isHeaderBelow,
  isName,
  markBytes,
  mentionsOf,
} from './table-head.ts';

/** So many rows are looked at to find the addresses of a table without a header. */
const LOOKED_AT = 20;
/** So many of them must hold one where the others do: an error page names one address. */
const MIN_BELIEVED = 2;

type RowReader = (row: Row) => FeedEntry;

/** Reads a table from its bytes, chunk by chunk. Its columns are told by a header, a comment, or where addresses are. */
export class TableReader {
  readonly #rows: RowCutter;
  readonly #delimiter: string;
  readonly #onEntry: (entry: FeedEntry) => void;
  /** Null until the columns are known. */
  #read: RowReader | null;
  #waiting: Row[] = [];
  #mayHaveHeader = true;
  /** Bytes to be passed over. */
  #mark: number;

  /** `front` are the first bytes of those to be pushed: they tell the delimiter. */
  constructor(onEntry: (entry: FeedEntry) => void, front: Uint8Array, maxRowBytes: number) {
    const { delimiter, columns } = headOf(front);
    this.#onEntry = onEntry;
    this.#delimiter = delimiter;
    this.#mark = markBytes(front);
    this.#read = columns === null ? null : readerOf(columns);
    this.#rows = new RowCutter((row) => this.#take(row), delimiter, maxRowBytes);
  }

  /** Why the table cannot be trusted; null if all is well so far. */
  get damage(): string | null {
    return this.#rows.damage;
  }

  push(chunk: Uint8Array): void {
    this.#rows.push(chunk.subarray(this.#mark));
    this.#mark = Math.max(0, this.#mark - chunk.length);
  }

  /** Must follow the last chunk. */
  end(): void {
    this.#rows.end();
    if (this.#read === null) this.#readAs(readerByContent(this.#waiting));
  }

  #take(row: Row): void {
    if (this.#read !== null) this.#onEntry(this.#read(row));
    else if (this.#mayHaveHeader && this.#isHeader(row)) this.#startBelow(row);
    else if (!this.#mayHaveHeader || !isComment(row.cells, this.#delimiter)) this.#wait(row);
  }

  #isHeader({ cells, isBroken }: Row): boolean {
    return !isBroken && (this.#waiting.length === 0 ? isHeader(cells) : isHeaderBelow(cells));
  }

  /** What waits above a header are titles. */
  #startBelow(header: Row): void {
    this.#readAs((row) => refused(row, 'malformed'));
    this.#read = readerOf(columnsOf(header.cells)!);
  }

  #wait(row: Row): void {
    const waiting = this.#waiting.push(row);
    if (waiting > MAX_TITLES || mentionsOf(row.cells) > 0) this.#mayHaveHeader = false;
    if (waiting === LOOKED_AT) this.#readAs(readerByContent(this.#waiting));
  }

  /** All that waits, and what follows. */
  #readAs(read: RowReader): void {
    this.#read = read;
    for (const row of this.#waiting) this.#onEntry(read(row));
    this.#waiting = [];
  }
}

function readerOf(columns: Columns): RowReader {
  return (row) => {
    if (row.isBroken) return refused(row, 'malformed');
    return readRecord((column) => row.cells[column], columns, row.line);
  };
}

/** Without a header every row must show by itself which cell is meant. */
function readerByContent(rows: readonly Row[]): RowReader {
  const column = columnByContent(rows);
  const header = Array.from({ length: column + 1 }, (_, i) => (i === column ? 'value' : ''));
  const read = column < 0 ? null : readerOf(columnsOf(header)!);
  return (row) => {
    if (row.isBroken) return refused(row, 'malformed');
    if (mentionsOf(row.cells) > 1) return refused(row, 'ambiguous');
    return read === null ? refused(row, 'notAnAddress') : read(row);
  };
}

/**
 * That which holds the one address of most rows; -1 if that are too few to be believed. Rows with a domain name or a URL
 * there speak for the column too, even if all of them have one: addresses may follow.
 */
function columnByContent(rows: readonly Row[]): number {
  const addresses: number[] = [];
  const names: number[] = [];
  for (const { cells, isBroken } of rows) {
    const mentions = isBroken ? -1 : mentionsOf(cells);
    if (mentions === 1) count(addresses, cells.findIndex(isAddress));
    else if (mentions === 0) count(names, cells.findIndex(isName));
  }
  const column = mostOf(addresses) >= MIN_BELIEVED ? addresses.indexOf(mostOf(addresses)) : -1;
  const found = column >= 0 || mostOf(names) < MIN_BELIEVED ? column : names.indexOf(mostOf(names));
  const believed = (addresses[found] ?? 0) + (names[found] ?? 0);
  return found >= 0 && believed >= rows.length / 2 ? found : -1;
}

function count(counts: number[], column: number): void {
  if (column >= 0) counts[column] = (counts[column] ?? 0) + 1;
}

function mostOf(counts: readonly number[]): number {
  return counts.reduce((a, b) => Math.max(a, b), 0);
}

function refused({ cells, line }: Row, reason: RefusalReason): FeedEntry {
  return { kind: 'refused', line, id: null, reason, text: shownText(cells.join(', ')) };
}
