/** Single IPv6 addresses in buckets by their hash, in a bucket by address: checked columns, so that a bucket is a slice. */
export class Ipv6Addresses {
  readonly count: number;
  /** Four words an address. */
  readonly words: Uint32Array;
  readonly #index: Uint32Array;
  readonly #shift: number;

  constructor(index: Uint32Array, words: Uint32Array) {
    this.count = words.length / 4;
    this.words = words;
    this.#index = index;
    this.#shift = Math.clz32(index.length - 1) + 1;
  }

  /** The place of the address among all, -1 if it is not there. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    const bucket = hashIpv6(w0, w1, w2, w3) >>> this.#shift;
    let low = this.#index[bucket]!;
    let high = this.#index[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareAt(this.words, middle, w0, w1, w2, w3);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

/** The bucket of an IPv6 address before its top bits are taken: a multiply-xorshift over the four words. */
export function hashIpv6(w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(w0 ^ 0x9e37_79b9, 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 15) ^ w1, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 13) ^ w2, 0x27d4_eb2f);
  h = Math.imul(h ^ (h >>> 16) ^ w3, 0x1656_67b1);
  return (h ^ (h >>> 15)) >>> 0;
}

/** Below 0 where address `i` of a column is smaller, above where it is larger. */
export function compareAt(
  words: Uint32Array,
  i: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  const at = i * 4;
  if (words[at] !== w0) return words[at]! - w0;
  if (words[at + 1] !== w1) return words[at + 1]! - w1;
  if (words[at + 2] !== w2) return words[at + 2]! - w2;
  return words[at + 3]! - w3;
}
