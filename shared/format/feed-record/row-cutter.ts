import { BLANK, CARRIAGE_RETURN, HASH, NEWLINE, QUOTE, TAB, isLineEnd } from '../ascii.ts';
import { decodeUtf8 } from '../device-message/utf8.ts';
import { trimBlanks } from './json-value.ts';

export interface Row {
  readonly cells: readonly string[];
  /** On which it ends, from 1. */
  readonly line: number;
  /** Text stands behind a closing quote, so where its cells end is in doubt: `cells` are those up to there. */
  readonly isBroken: boolean;
}

/**
 * Where the next byte stands: in front of a cell, in a comment, in a bare or a quoted cell, behind a quote in a quoted
 * cell, behind the quote that closed it, behind text that must not be there.
 */
type Place = 'start' | 'comment' | 'bare' | 'quoted' | 'quote' | 'closed' | 'broken';

/**
 * Cuts chunks of a table into rows (RFC 4180). Beyond it: blanks around cells and quotes are not theirs (ThreatFox writes
 * `"a", "b"`), CR, LF and CR LF end a line each, empty lines and those that begin with `#` are none, and a quote within a
 * bare cell is text. Keeps one row at most, and no larger one than the cap. Our own, as csv-parse 7.0.3 cannot go on
 * behind a bad quote (`skip_records_with_error` drops the rest of the chunk) and counts CR LF within quotes twice.
 */
export class RowCutter {
  readonly #onRow: (row: Row) => void;
  readonly #delimiter: number;
  readonly #kept: Uint8Array;
  #place: Place = 'start';
  #cells: string[] = [];
  /** Of the cell that is being read; they are in `#kept`. */
  #cellBytes = 0;
  #rowBytes = 0;
  #line = 1;
  #firstLine = 1;
  #isAfterReturn = false;
  #isAfterBroken = false;
  #damage: string | null = null;

  constructor(onRow: (row: Row) => void, delimiter: string, maxBytes: number) {
    this.#onRow = onRow;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#kept = new Uint8Array(maxBytes);
  }

  /** Why nothing that follows can be trusted; null if all is well so far. Nothing is read any more then. */
  get damage(): string | null {
    return this.#damage;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#damage === null) at = this.#step(chunk, at);
  }

  /** Must follow the last chunk: the last row may lack its line end. */
  end(): void {
    if (this.#damage !== null) return;
    if (this.#place === 'quoted') {
      this.#damage = `a quote in the row of line ${this.#firstLine} never closes`;
    } else {
      this.#endRow();
    }
  }

  /** Reads from `at` on, at least one byte or into another place; returns where to go on. */
  #step(chunk: Uint8Array, at: number): number {
    switch (this.#place) {
      case 'start':
        return this.#startCell(chunk[at]!, at);
      case 'bare':
        return this.#readBare(chunk, at);
      case 'quoted':
        return this.#readQuoted(chunk, at);
      case 'quote':
        return this.#readQuote(chunk[at]!, at);
      case 'closed':
        return this.#readClosed(chunk[at]!, at);
      case 'comment':
      case 'broken':
        return this.#skipLine(chunk, at);
    }
  }

  #startCell(byte: number, at: number): number {
    if (isLineEnd(byte)) return this.#endLine(byte, at);
    this.#isAfterReturn = false;
    if (this.#isBlank(byte)) return at + 1;
    const isFirst = this.#cells.length === 0;
    if (isFirst) this.#firstLine = this.#line;
    if (byte === QUOTE) this.#place = 'quoted';
    else if (isFirst && byte === HASH) this.#place = 'comment';
    else this.#place = 'bare';
    return this.#place === 'bare' ? at : at + 1;
  }

  #readBare(chunk: Uint8Array, at: number): number {
    let end = at;
    while (end < chunk.length && chunk[end] !== this.#delimiter && !isLineEnd(chunk[end]!)) end++;
    this.#keep(chunk, at, end);
    return end < chunk.length ? this.#endCell(chunk[end]!, end) : end;
  }

  #readQuoted(chunk: Uint8Array, at: number): number {
    let end = at;
    for (; end < chunk.length && chunk[end] !== QUOTE; end++) {
      if (isLineEnd(chunk[end]!)) this.#countLine(chunk[end]!);
      else this.#isAfterReturn = false;
    }
    this.#keep(chunk, at, end);
    if (end === chunk.length) return end;
    this.#isAfterReturn = false;
    this.#place = 'quote';
    return end + 1;
  }

  #readQuote(byte: number, at: number): number {
    if (byte !== QUOTE) {
      this.#place = 'closed';
      return at;
    }
    this.#keep(DOUBLED, 0, 1);
    this.#place = 'quoted';
    return at + 1;
  }

  #readClosed(byte: number, at: number): number {
    if (byte === this.#delimiter || isLineEnd(byte)) return this.#endCell(byte, at);
    if (this.#isBlank(byte)) return at + 1;
    // Over lines, what looks like rows may be a stranger's text.
    if (this.#line === this.#firstLine) this.#place = 'broken';
    else {
      this.#damage = `text stands behind a quote at line ${this.#line}, in the row that begins at line ${this.#firstLine}`;
    }
    return at;
  }

  #skipLine(chunk: Uint8Array, at: number): number {
    let end = at;
    while (end < chunk.length && !isLineEnd(chunk[end]!)) end++;
    return end < chunk.length ? this.#endLine(chunk[end]!, end) : end;
  }

  /** Behind a bare or a closed cell, at the delimiter or the line end. */
  #endCell(byte: number, at: number): number {
    if (isLineEnd(byte)) return this.#endLine(byte, at);
    this.#takeCell();
    this.#place = 'start';
    return at + 1;
  }

  #endLine(byte: number, at: number): number {
    this.#endRow();
    this.#countLine(byte);
    return at + 1;
  }

  #endRow(): void {
    const isRow = this.#place !== 'comment' && (this.#place !== 'start' || this.#cells.length > 0);
    const isBroken = this.#place === 'broken';
    if (isRow) {
      this.#takeCell();
      if (this.#damage !== null) return;
      if (isBroken) this.#isAfterBroken = true;
      this.#onRow({ cells: this.#cells, line: this.#line, isBroken });
      this.#cells = [];
      this.#rowBytes = 0;
    }
    this.#place = 'start';
  }

  #takeCell(): void {
    const text = decodeUtf8(this.#kept, 0, this.#cellBytes);
    // Where a quote was misplaced before, this one may close a stranger's text over lines, read as rows.
    if (this.#isAfterBroken && this.#place === 'bare' && text.split('"').length % 2 === 0) {
      this.#damage = `a quote at line ${this.#line} closes none, behind a row with a misplaced one`;
      return;
    }
    this.#cells.push(this.#place === 'bare' ? trimBlanks(text) : text);
    this.#cellBytes = 0;
    this.#charge(1);
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    if (!this.#charge(end - start)) return;
    this.#kept.set(chunk.subarray(start, end), this.#cellBytes);
    this.#cellBytes += end - start;
  }

  #charge(bytes: number): boolean {
    this.#rowBytes += bytes;
    if (this.#rowBytes <= this.#kept.length) return true;
    this.#damage ??= `the row of line ${this.#firstLine} has over ${this.#kept.length} bytes`;
    return false;
  }

  /** CR LF is one end, also where a chunk ends between the two. */
  #countLine(byte: number): void {
    if (byte !== NEWLINE || !this.#isAfterReturn) this.#line++;
    this.#isAfterReturn = byte === CARRIAGE_RETURN;
  }

  #isBlank(byte: number): boolean {
    return (byte === BLANK || byte === TAB) && byte !== this.#delimiter;
  }
}

const DOUBLED = Uint8Array.of(QUOTE);
