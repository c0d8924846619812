// The ranges of each family: the address space cut where the covering prefixes change. `openSnapshot` has checked that the
// first range begins at the first address and lies in the first bucket, so that every search ends at a range.
import { compareAt } from './ipv6-addresses.ts';

export interface RangeColumns {
  /** Entry `b` is the number of ranges that begin in buckets below `b`, by the top bits of the first word. */
  readonly index: Uint32Array;
  readonly starts: Uint32Array;
  /** 0: nothing is listed there. */
  readonly sets: Uint32Array;
}

export class Ipv4Ranges {
  readonly columns: RangeColumns;
  readonly #index: Uint32Array;
  readonly #starts: Uint32Array;
  readonly #sets: Uint32Array;
  readonly #shift: number;

  constructor(columns: RangeColumns) {
    this.columns = columns;
    this.#index = columns.index;
    this.#starts = columns.starts;
    this.#sets = columns.sets;
    this.#shift = shiftOf(columns.index);
  }

  /** Signed or unsigned. */
  setOf(signed: number): number {
    const address = signed >>> 0;
    const bucket = address >>> this.#shift;
    let low = this.#index[bucket]!;
    let high = this.#index[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return this.#sets[low - 1]!;
  }
}

export class Ipv6Ranges {
  readonly columns: RangeColumns;
  readonly #index: Uint32Array;
  readonly #starts: Uint32Array;
  readonly #sets: Uint32Array;
  readonly #shift: number;

  /** A start is four words. */
  constructor(columns: RangeColumns) {
    this.columns = columns;
    this.#index = columns.index;
    this.#starts = columns.starts;
    this.#sets = columns.sets;
    this.#shift = shiftOf(columns.index);
  }

  setOf(w0: number, w1: number, w2: number, w3: number): number {
    const bucket = w0 >>> this.#shift;
    let low = this.#index[bucket]!;
    let high = this.#index[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAt(this.#starts, middle, w0, w1, w2, w3) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#sets[low - 1]!;
  }
}

function shiftOf(index: Uint32Array): number {
  return Math.clz32(index.length - 1) + 1; // an index of 2^b + 1 entries is asked with the top b bits
}
