// Columns of small numbers, bit-packed: entry `i` is the `width` bits from bit `i * width` on, the lowest bit of the lowest
// word first. An entry is read from two words without a question; behind the last word of a column there is nothing, which
// reads as 0.

/** The bits from `at` on, 32 of them. */
export function bitsAt(words: Uint32Array, at: number): number {
  const word = at >>> 5;
  // A shift by 32 is a shift by 0, hence the two.
  return (words[word]! >>> at) | ((words[word + 1]! << 1) << ~at);
}

/** Writes `width` bits of `value` at bit `at`, where zeros stand. */
function putBits(words: Uint32Array, at: number, width: number, value: number): void {
  const word = Math.floor(at / 32);
  const offset = at % 32;
  words[word]! |= value << offset;
  if (offset + width > 32) words[word + 1]! |= value >>> (32 - offset);
}

/** Words of a packed column before its bits: what to add to every entry, and the width. */
const COLUMN_HEADER_WORDS = 2;

/** How many words a packed column takes. */
export function packedWords(count: number, width: number): number {
  return COLUMN_HEADER_WORDS + Math.floor((count * width) / 32) + 1;
}

/** As narrow as the entries allow: none at all where all are the same. */
export function packColumn(values: Uint32Array | number): Uint32Array {
  if (typeof values === 'number') return Uint32Array.of(values, 0, 0);
  let [least, largest] = [0xffff_ffff, 0];
  for (const value of values) {
    if (value < least) least = value;
    if (value > largest) largest = value;
  }
  if (values.length === 0) least = 0;
  const width = 32 - Math.clz32(largest - least);
  const words = new Uint32Array(packedWords(values.length, width));
  words.set([least, width]);
  if (width === 0) return words;
  const bits = words.subarray(COLUMN_HEADER_WORDS);
  for (let i = 0; i < values.length; i++) putBits(bits, i * width, width, values[i]! - least);
  return words;
}

/** A packed column that `openSnapshot` has checked: its length fits the width and the number of entries. */
export class PackedColumn {
  readonly length: number;
  readonly #base: number;
  readonly #width: number;
  readonly #mask: number;
  readonly #bits: Uint32Array;

  constructor(words: Uint32Array, length: number) {
    this.length = length;
    this.#base = words[0]!;
    this.#width = words[1]!;
    this.#mask = this.#width === 0 ? 0 : 0xffff_ffff >>> (32 - this.#width);
    this.#bits = words.subarray(COLUMN_HEADER_WORDS);
  }

  at(i: number): number {
    const bit = i * this.#width; // beyond 2^32 in the widest columns
    const word = Math.floor(bit / 32);
    const offset = bit % 32;
    const bits = (this.#bits[word]! >>> offset) | ((this.#bits[word + 1]! << 1) << (31 - offset));
    return this.#base + ((bits & this.#mask) >>> 0);
  }
}
