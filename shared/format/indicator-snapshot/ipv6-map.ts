// Where in the IPv6 address space a snapshot lists anything, roughly: made on the first question, never stored. Three loads
// that do not wait for each other answer for most addresses; with 200,000 indicators a question takes half as long as without.
import type { RangeColumns } from './ranges.ts';

/** Cells for each /48 or /32 that is marked, as a power of two: one in 16 is marked. */
const SPARE_BITS = 4;
const MAX_CELL_BITS = 24;
/** A range over more /48s than this marks its /32s instead, and over more /32s its /16s: the map is made while a message waits. */
const MAX_MARKS = 8;

export class Ipv6Map {
  /** One bit a cell, by a hash of the first 32 bits or of the first 48. */
  readonly #cells: Uint32Array;
  readonly #shift: number;
  /** One bit for each /16. */
  readonly #wide = new Uint32Array(2 ** 11);

  /** `addresses` and the starts of ranges are four words each. */
  constructor(addresses: Uint32Array, { starts, sets }: RangeColumns) {
    const marks = addresses.length / 4 + sets.length;
    const bits = Math.min(32 - Math.clz32(marks) + SPARE_BITS, MAX_CELL_BITS);
    this.#shift = 32 - bits;
    this.#cells = new Uint32Array(2 ** (bits - 5));
    for (let at = 0; at < addresses.length; at += 4) {
      this.#mark(cellOf48(addresses[at]!, addresses[at + 1]! >>> 16));
    }
    for (let i = 0; i < sets.length; i++) {
      if (sets[i] !== 0) this.#markRange(starts, i, i + 1 < sets.length);
    }
  }

  mayHold(w0: number, w1: number): boolean {
    const cell32 = cellOf32(w0) >>> this.#shift;
    const cell48 = cellOf48(w0, w1 >>> 16) >>> this.#shift;
    const wide = w0 >>> 16;
    const found =
      (this.#cells[cell48 >>> 5]! >>> cell48) |
      (this.#cells[cell32 >>> 5]! >>> cell32) |
      (this.#wide[wide >>> 5]! >>> wide);
    return (found & 1) === 1;
  }

  /** From its start up to the /48 in which the next range starts: one too many at most. */
  #markRange(starts: Uint32Array, i: number, hasNext: boolean): void {
    const [first32, last32] = [starts[4 * i]!, hasNext ? starts[4 * i + 4]! : 0xffff_ffff];
    const first48 = first32 * 2 ** 16 + (starts[4 * i + 1]! >>> 16);
    const last48 = last32 * 2 ** 16 + (hasNext ? starts[4 * i + 5]! >>> 16 : 0xffff);
    if (last48 - first48 < MAX_MARKS) {
      for (let at = first48; at <= last48; at++) {
        this.#mark(cellOf48(Math.floor(at / 2 ** 16), at % 2 ** 16));
      }
    } else if (last32 - first32 < MAX_MARKS) {
      for (let at = first32; at <= last32; at++) this.#mark(cellOf32(at));
    } else {
      for (let at = first32 >>> 16; at <= last32 >>> 16; at++) this.#wide[at >>> 5]! |= 1 << at;
    }
  }

  #mark(hash: number): void {
    const cell = hash >>> this.#shift;
    this.#cells[cell >>> 5]! |= 1 << cell;
  }
}

function cellOf32(w0: number): number {
  return Math.imul(w0 ^ (w0 >>> 15), 0x85eb_ca6b);
}

function cellOf48(w0: number, next16: number): number {
  const hash = Math.imul(w0 ^ (next16 << 16) ^ next16, 0x9e37_79b1);
  return Math.imul(hash ^ (hash >>> 15) ^ next16, 0xc2b2_ae35);
}
