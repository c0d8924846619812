// What the first lines of a table tell of how to read it.
import { CARRIAGE_RETURN, HASH, NEWLINE, isLineEnd } from '../ascii.ts';
import { decodeUtf8 } from '../device-message/utf8.ts';
import { parseValue } from '../feed-text/parse-value.ts';
import { type Columns, columnsOf } from './columns.ts';
import { trimBlanks } from './json-value.ts';
import { type Row, RowCutter } from './row-cutter.ts';

export const DELIMITERS = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

export interface TableHead {
  readonly delimiter: Delimiter;
  /** Of a header that is the last comment in front of the rows: `# "first_seen_utc","ioc_id",…` of abuse.ch. */
  readonly columns: Columns | null;
  /** A header of two names or more shows a table, whatever its rows look like. */
  readonly hasHeader: boolean;
}

/** So many rows of titles may stand above a header. */
export const MAX_TITLES = 4;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
/** Excel's way to say what parts the cells. */
const NAMED_DELIMITER = /^"?sep=([,;\t|])"?$/i;
/** An address within other text. Those of a URL are its own. */
const MENTION = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/;

/** The first lines that are neither empty nor comments, and the comment just above them. */
interface Opening {
  readonly rows: readonly Uint8Array[];
  readonly comment: Uint8Array | null;
  /** All from the first row on. */
  readonly data: Uint8Array;
}

/** `front` are the first bytes of the table. */
export function headOf(front: Uint8Array): TableHead {
  const { rows, comment, data } = openingOf(front.subarray(markBytes(front)));
  const named = NAMED_DELIMITER.exec(textOf(rows[0]))?.[1] as Delimiter | undefined;
  const header = named ?? delimiterOfHeader(rows);
  if (header !== null) {
    return { delimiter: header, columns: null, hasHeader: named === undefined || rows.length > 1 };
  }
  const delimiters = mostFirst(rows[0]);
  for (const delimiter of comment === null ? [] : delimiters) {
    const names = cellsOf(comment!, delimiter);
    const columns = names.length < 2 ? null : columnsOf(names);
    const cells = cellsOf(data, delimiter);
    if (columns === null || isHeader(cells)) continue;
    const hasHeader = saysMore(columns) && cells.length === names.length;
    return { delimiter, columns, hasHeader };
  }
  return { delimiter: delimiters[0]!, columns: null, hasHeader: false };
}

/** How many bytes of a byte order mark the table begins with. */
export function markBytes(front: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, i) => front[i] === byte) ? BYTE_ORDER_MARK.length : 0;
}

/** Names of columns: one that can hold an address, and no address or URL yet. */
export function isHeader(cells: readonly string[]): boolean {
  return columnsOf(cells) !== null && !cells.some((cell) => isAddress(cell) || isUrl(cell));
}

/** Under other rows it must say more: in `evil.example,url` the type of a row is a name of a column too. */
export function isHeaderBelow(cells: readonly string[]): boolean {
  return isHeader(cells) && saysMore(columnsOf(cells)!) && !cells.some(isName);
}

function isUrl(cell: string): boolean {
  return cell.includes('://');
}

/** A domain name or a URL, as lists that tell of more than addresses have them. */
export function isName(cell: string): boolean {
  if (cell.length > 2000 || !/[.:]/.test(cell)) return false;
  const read = parseValue(cell);
  return read === 'domain' || read === 'url';
}

/** Excel's `sep=;`, and comments in the style of other lists; of a row that is no header. A blank cell may begin a row with `;`. */
export function isComment(cells: readonly string[], delimiter: string): boolean {
  const first = cells[0]!;
  if (/^(?:;|\/\/|sep=[,;\t|]?$)/i.test(first)) return true;
  return delimiter === ';' && first === '' && !cells.some(isAddress);
}

export function isAddress(cell: string): boolean {
  return cell.length <= 100 && /[.:]/.test(cell) && typeof parseValue(cell) !== 'string';
}

/** How many of the cells tell of an address. */
export function mentionsOf(cells: readonly string[]): number {
  return cells.filter((cell) => isAddress(cell) || (!cell.includes('://') && MENTION.test(cell)))
    .length;
}

/** A comment that names the address alone tells nothing that a list does not. */
function saysMore(columns: Columns): boolean {
  return new Set(Object.values(columns).flat()).size > 1;
}

/** That of the first header among the first rows, unless an address comes before it. */
function delimiterOfHeader(rows: readonly Uint8Array[]): Delimiter | null {
  for (const [i, row] of rows.entries()) {
    const found = mostFirst(row).find((delimiter) => {
      const cells = cellsOf(row, delimiter);
      return cells.length > 1 && (i === 0 ? isHeader(cells) : isHeaderBelow(cells));
    });
    if (found !== undefined) return found;
    if (mentionsOf([textOf(row)]) > 0) return null;
  }
  return null;
}

/** The delimiters, that which the line has most of first. */
function mostFirst(line: Uint8Array | undefined): readonly Delimiter[] {
  const text = textOf(line);
  const counts = new Map(DELIMITERS.map((each) => [each, text.split(each).length]));
  return DELIMITERS.toSorted((a, b) => counts.get(b)! - counts.get(a)!);
}

function openingOf(front: Uint8Array): Opening {
  const opening = openingBelow(front, /^(?:#|;|\/\/)/);
  // A table whose first cells are all empty, parted by semicolons.
  return opening.rows.length > 0 ? opening : openingBelow(front, /^#/);
}

function openingBelow(front: Uint8Array, comments: RegExp): Opening {
  const rows: Uint8Array[] = [];
  let data = front.subarray(front.length);
  let above: Uint8Array | null = null;
  for (let start = 0; start < front.length && rows.length <= MAX_TITLES;) {
    const end = lineEnd(front, start);
    const line = front.subarray(start, end);
    const text = textOf(line);
    if (text !== '' && !comments.test(text)) {
      if (rows.length === 0) data = front.subarray(start);
      rows.push(line);
    } else if (rows.length === 0) {
      above = line;
    }
    start = end + (front[end] === CARRIAGE_RETURN && front[end + 1] === NEWLINE ? 2 : 1);
  }
  return { rows, comment: above === null ? null : commentOf(above), data };
}

/** What a comment says; null if the line is none. */
function commentOf(line: Uint8Array): Uint8Array | null {
  const text = textOf(line);
  if (!text.startsWith('#')) return null;
  const signs = /^#+/.exec(text)![0].length;
  return line.subarray(line.indexOf(HASH) + signs);
}

function lineEnd(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end < bytes.length && !isLineEnd(bytes[end]!)) end++;
  return end;
}

function textOf(line: Uint8Array | undefined): string {
  return line === undefined ? '' : trimBlanks(decodeUtf8(line, 0, line.length));
}

/** Of the first row. */
function cellsOf(bytes: Uint8Array, delimiter: string): readonly string[] {
  let cells: readonly string[] | null = null;
  const first = (row: Row) => {
    cells ??= row.isBroken ? [] : row.cells;
  };
  const cutter = new RowCutter(first, delimiter, bytes.length + 1);
  cutter.push(bytes);
  cutter.end();
  return cells ?? [];
}
