import type { Address } from './address.ts';
import { type Prefix, widthOf } from './prefix.ts';

/** The least set of prefixes that covers `from` to `to`, both included, in order; null if it runs backwards or mixes families. */
export function prefixesOfRange(from: Address, to: Address): Prefix[] | null {
  if (from.family !== to.family) return null;
  const width = widthOf(from.family);
  const last = toInteger(to);
  const prefixes: Prefix[] = [];
  let first = toInteger(from);
  if (first > last) return null;
  while (first <= last) {
    let hostBits = 0;
    // As large as the start is aligned to and the end allows; never more than 2 x width steps in all.
    while (hostBits < width) {
      const size = 1n << BigInt(hostBits + 1);
      if (first % size !== 0n || first + size - 1n > last) break;
      hostBits++;
    }
    prefixes.push({ ...fromInteger(from.family, first), bits: width - hostBits });
    first += 1n << BigInt(hostBits);
  }
  return prefixes;
}

/** log2 of the number of addresses from `from` to `to`, rounded up: 8 for 256 of them, 9 for 257. */
export function hostBitsOfRange(from: Address, to: Address): number {
  return (toInteger(to) - toInteger(from)).toString(2).replace(/^0$/, '').length;
}

function toInteger({ family, words }: Address): bigint {
  if (family === 4) return BigInt(words[0]);
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

function fromInteger(family: 4 | 6, value: bigint): Address {
  if (family === 4) return { family, words: [Number(value), 0, 0, 0] };
  const word = (shift: bigint) => Number((value >> shift) & 0xffff_ffffn);
  return { family, words: [word(96n), word(64n), word(32n), word(0n)] };
}
