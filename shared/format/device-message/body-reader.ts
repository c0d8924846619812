import type { TableLayout, VectorLayout } from './layout.ts';
import { REFUSED } from './refusal.ts';

const { empty, legacyJson, tooLong, truncated, badVtable, badString, missingField, overBudget } =
  REFUSED;

/** IoT Hub takes no longer message from a device. */
export const MAX_BODY_BYTES = 262_144;

// Offsets may be shared, so a few kilobytes can describe millions of rows. Rows are charged by the bytes they would take
// at least if each stood for itself, text by its length, both before any work is spent on them. A real row takes twice
// its least, so an honest encoder has room to share rows now and then, and strings freely: checking one costs nothing.
const SPARE_ROW_BYTES = 512;
const TEXT_BYTES_PER_BYTE = 8;
const SPARE_TEXT_BYTES = 4096;

/** `{`. An honest body begins with an offset that is a multiple of four. */
const LEGACY_JSON_START = 0x7b;

/** The slots of a vtable may be read before its size is looked at: up to ten bytes past the end of the body. */
const OVERRUN_BYTES = 64;

/**
 * Reads one hostile body at a time. Offsets and lengths are checked before they are used, in 32-bit integers; a method
 * that returns a position or 0 returns a negative `REFUSED` instead when the body is not to be read any further.
 */
export class BodyReader {
  // Copying each body into one lasting view costs less than a DataView per message, and allocates nothing.
  readonly #bytes = new Uint8Array(MAX_BODY_BYTES + OVERRUN_BYTES);
  readonly view = new DataView(this.#bytes.buffer);
  end = 0;
  #rowBytesLeft = 0;
  #textBytesLeft = 0;

  open(body: Uint8Array): number {
    const bytes = body.length;
    if (bytes === 0) return empty;
    if (body[0] === LEGACY_JSON_START) return legacyJson;
    if (bytes > MAX_BODY_BYTES) return tooLong;
    if (bytes < 4) return truncated;
    this.#bytes.set(body);
    this.end = bytes;
    this.#rowBytesLeft = bytes + SPARE_ROW_BYTES;
    this.#textBytesLeft = bytes * TEXT_BYTES_PER_BYTE + SPARE_TEXT_BYTES;
    return 0;
  }

  /** Where the offset at `at` leads; at least four bytes stand there. */
  follow(at: number): number {
    // An offset of 2^31 or more, or a sum beyond it, comes out at or below `at`.
    const target = (at + this.view.getInt32(at, true)) | 0;
    return target > at && target <= this.end - 4 ? target : truncated;
  }

  /** Follows an offset to a table that, like its vtable, lies inside the body. */
  table(at: number): number {
    const { view, end } = this;
    const table = this.follow(at);
    if (table < 0) return table;
    const vtable = (table - view.getInt32(table, true)) | 0;
    if (vtable < 0) return badVtable;
    if (vtable > end - 4) return truncated;
    const vtableBytes = view.getUint16(vtable, true);
    const tableBytes = view.getUint16(vtable + 2, true);
    if (vtableBytes < 4 || tableBytes < 4) return badVtable;
    return vtableBytes > end - vtable || tableBytes > end - table ? truncated : table;
  }

  /** Follows an offset to a vector whose elements lie inside the body and the budget; its count stands there. */
  vector(at: number, elementBytes: number, leastBytes: number): number {
    const vector = this.follow(at);
    if (vector < 0) return vector;
    const count = this.view.getInt32(vector, true);
    const room = this.end - vector - 4;
    if (count < 0 || count > room || count * elementBytes > room) return truncated;
    this.#rowBytesLeft -= count * leastBytes;
    return this.#rowBytesLeft < 0 ? overBudget : vector;
  }

  /** Checks the string that the offset at `at` leads to. */
  text(at: number): number {
    const text = this.follow(at);
    if (text < 0) return text;
    const start = text + 4;
    const bytes = this.view.getInt32(text, true);
    if (bytes < 0 || bytes >= this.end - start) return truncated;
    if (this.view.getUint8(start + bytes) !== 0) return badString;
    this.#textBytesLeft -= bytes;
    return this.#textBytesLeft < 0 ? overBudget : 0;
  }

  /** Checks every field of a table that `table` has returned, and what lies below it. */
  fields(table: number, layout: TableLayout): number {
    const { view } = this;
    const vtable = table - view.getInt32(table, true);
    const vtableBytes = view.getUint16(vtable, true);
    const tableBytes = view.getUint16(vtable + 2, true);
    for (const field of layout.fields) {
      const { slot } = field;
      const offset = slot + 2 <= vtableBytes ? view.getUint16(vtable + slot, true) : 0;
      if (offset === 0) {
        if (field.isRequired) return missingField;
        continue;
      }
      if (offset + field.bytes > tableBytes) return badVtable;
      let checked = 0;
      if (field.isText) checked = this.text(table + offset);
      else if (field.vector !== null) checked = this.#elements(table + offset, field.vector);
      if (checked < 0) return checked;
    }
    return 0;
  }

  #elements(at: number, layout: VectorLayout): number {
    const vector = this.vector(at, layout.elementBytes, layout.leastBytes);
    if (vector < 0 || layout.row === null) return vector;
    const first = vector + 4;
    const end = first + this.view.getInt32(vector, true) * 4;
    for (let element = first; element < end; element += 4) {
      const row = this.table(element);
      const checked = row < 0 ? row : this.fields(row, layout.row);
      if (checked < 0) return checked;
    }
    return 0;
  }
}
