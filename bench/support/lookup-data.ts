// What the lookup benchmark asks and what it is asked about: the same on every run.
import type { Prefix } from '../../shared/domain/address/prefix.ts';

export const QUERIES = 1 << 20;

/** Numbers below 2^32, the same for the same seed: a counter through the last steps of MurmurHash3. */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }

  word(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 16), 0x85eb_ca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
    return (word ^ (word >>> 16)) >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  /** Nowhere near a list, mostly: public addresses lie close to uniformly. */
  publicAddress(): number {
    for (;;) {
      const word = this.word();
      const first = word >>> 24;
      if (first > 0 && first < 224 && first !== 10 && first !== 127) return word;
    }
  }
}

/** Distinct public addresses in no order. */
export function addressesOf(count: number, dice: Dice): Uint32Array {
  const seen = new Uint32Array(2 ** 27);
  const addresses = new Uint32Array(count);
  for (let i = 0; i < count;) {
    const word = dice.publicAddress();
    if (((seen[word >>> 5]! >>> word) & 1) === 1) continue;
    seen[word >>> 5]! |= 1 << word;
    addresses[i++] = word;
  }
  return addresses;
}

/** /20 to /30, as lists of networks have them. */
export function prefixesOf(count: number, dice: Dice): Prefix[] {
  return Array.from({ length: count }, () => {
    const bits = 20 + dice.below(11);
    const word = (dice.publicAddress() & (-1 << (32 - bits))) >>> 0;
    return { family: 4, words: [word, 0, 0, 0], bits };
  });
}

/** 1 % are from `listed`, the others anywhere. */
export function mixedQueries(listed: (dice: Dice) => number, dice: Dice): Uint32Array {
  return Uint32Array.from({ length: QUERIES }, () =>
    dice.below(100) === 0 ? listed(dice) : dice.publicAddress(),
  );
}

export interface Ipv6Data {
  readonly addresses: readonly Prefix[];
  readonly prefixes: readonly Prefix[];
  /** Four words a query: 1 % listed addresses, half the others inside the /32s that hold indicators. */
  readonly queries: Uint32Array;
}

/** Three quarters addresses, a quarter /32s to /64s, in a /32 for every ten of them. */
export function ipv6Data(count: number, dice: Dice): Ipv6Data {
  const net = () => (0x2000_0000 | (dice.word() & 0x1fff_ffff)) >>> 0;
  const nets = Uint32Array.from({ length: count / 10 }, net);
  const anyNet = () => nets[dice.below(nets.length)]!;
  const addresses = Array.from({ length: (count * 3) / 4 }, (): Prefix => {
    return { family: 6, words: [anyNet(), dice.word(), dice.word(), dice.word()], bits: 128 };
  });
  const prefixes = Array.from({ length: count / 4 }, (): Prefix => {
    const bits = 32 + 4 * dice.below(9);
    // A shift by 32 would be none.
    const second = bits === 32 ? 0 : (dice.word() & (-1 << (64 - bits))) >>> 0;
    return { family: 6, words: [anyNet(), second, 0, 0], bits };
  });
  const queries = new Uint32Array(4 * QUERIES);
  for (let i = 0; i < QUERIES; i++) {
    const listed = dice.below(100) === 0 ? addresses[dice.below(addresses.length)] : undefined;
    const first = dice.below(2) === 0 ? anyNet() : net();
    queries.set(listed?.words ?? [first, dice.word(), dice.word(), dice.word()], 4 * i);
  }
  return { addresses, prefixes, queries };
}
