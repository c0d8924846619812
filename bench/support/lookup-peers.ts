// What the index is held against: the sets of the language and a bitmap library.
import type { Prefix } from '../../shared/domain/address/prefix.ts';

/** One set of int32 for each prefix length, asked from the longest on. */
export class SetsByLength {
  readonly #lengths: { mask: number; set: Set<number> }[] = [];

  constructor(prefixes: readonly Prefix[]) {
    for (let bits = 32; bits > 0; bits--) {
      const mask = -1 << (32 - bits);
      const set = new Set(
        prefixes.filter((one) => one.bits === bits).map(({ words }) => words[0] & mask),
      );
      if (set.size > 0) this.#lengths.push({ mask, set });
    }
  }

  has(address: number): boolean {
    for (const { mask, set } of this.#lengths) if (set.has(address & mask)) return true;
    return false;
  }
}

/** The same for IPv6, with a text as the key: there is no number as wide. */
export class TextSetsByLength {
  readonly #lengths: { bits: number; set: Set<string> }[] = [];

  constructor(prefixes: readonly Prefix[]) {
    for (let bits = 128; bits > 0; bits--) {
      const listed = prefixes.filter((one) => one.bits === bits);
      const set = new Set(listed.map(({ words }) => keyOf(...words, bits)));
      if (set.size > 0) this.#lengths.push({ bits, set });
    }
  }

  has(w0: number, w1: number, w2: number, w3: number): boolean {
    for (const { bits, set } of this.#lengths)
      if (set.has(keyOf(w0, w1, w2, w3, bits))) return true;
    return false;
  }
}

function keyOf(w0: number, w1: number, w2: number, w3: number, bits: number): string {
  const cut = (word: number, i: number) => {
    const fixed = bits - 32 * i;
    if (fixed <= 0) return 0;
    return fixed >= 32 ? word : (word & (-1 << (32 - fixed))) >>> 0;
  };
  const hex = (word: number) => word.toString(16);
  return `${hex(cut(w0, 0))}:${hex(cut(w1, 1))}:${hex(cut(w2, 2))}:${hex(cut(w3, 3))}`;
}
