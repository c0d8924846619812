// Everything that a snapshot lists, read back out of its columns: how a feed's kept state becomes part of the next snapshot.
import { type Prefix, widthOf } from '../../domain/address/prefix.ts';
import { SET_WORDS, type SnapshotColumns, SnapshotError } from './layout.ts';

export interface Listing {
  readonly prefix: Prefix;
  readonly set: number;
}

type RangeColumns = Pick<SnapshotColumns, 'sets'> & {
  readonly starts: Uint32Array;
  readonly rangeSets: Uint32Array;
  readonly family: 4 | 6;
};

/** Every listed address and prefix once, with its own set. */
export function* listings(columns: SnapshotColumns): Generator<Listing> {
  const { sets, ipv4RangeStarts, ipv4RangeSets, ipv6RangeStarts, ipv6RangeSets } = columns;
  yield* ipv4Addresses(columns);
  yield* ipv6Addresses(columns);
  yield* prefixes({ sets, starts: ipv4RangeStarts, rangeSets: ipv4RangeSets, family: 4 });
  yield* prefixes({ sets, starts: ipv6RangeStarts, rangeSets: ipv6RangeSets, family: 6 });
}

/** The set around a set; 0 is none. Checked, so that a walk outwards ends. */
export function parentOf(sets: Uint32Array, set: number): number {
  const parent = sets[set * SET_WORDS];
  if (parent === undefined || parent >= set) throw inconsistent(`set ${set}`);
  return parent;
}

export function inconsistent(what: string): SnapshotError {
  return new SnapshotError('inconsistent', `${what} of the snapshot points outside`);
}

function* ipv4Addresses({ ipv4Index, ipv4Suffixes, ipv4Sets }: SnapshotColumns) {
  for (let bucket = 0; bucket < ipv4Index.length - 1; bucket++) {
    const end = ipv4Index[bucket + 1]!;
    for (let i = ipv4Index[bucket]!; i < end; i++) {
      const word = bucket * 65_536 + ipv4Suffixes[i]!;
      const prefix: Prefix = { family: 4, words: [word, 0, 0, 0], bits: 32 };
      yield { prefix, set: ipv4Sets[i]! };
    }
  }
}

function* ipv6Addresses({ ipv6Addresses: words, ipv6Sets }: SnapshotColumns) {
  for (let i = 0; i < ipv6Sets.length; i++) {
    const at = 4 * i;
    const address = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!] as const;
    const prefix: Prefix = { family: 6, words: address, bits: 128 };
    yield { prefix, set: ipv6Sets[i]! };
  }
}

/**
 * A range lies in one prefix of each length in its chain of sets, or in several side by side that the same feeds list:
 * wherever such a prefix begins inside the range, it is listed, and it begins in one range only.
 */
function* prefixes({ sets, starts, rangeSets, family }: RangeColumns): Generator<Listing> {
  const width = widthOf(family);
  const startOf = (i: number) =>
    i === rangeSets.length ? 1n << BigInt(width) : integerAt(starts, i, family);
  for (let i = 0; i < rangeSets.length; i++) {
    let set = rangeSets[i]!;
    if (set === 0) continue;
    const [start, end] = [startOf(i), startOf(i + 1)];
    for (; set !== 0; set = parentOf(sets, set)) {
      const bits = sets[set * SET_WORDS + 1]!;
      if (bits > width) throw inconsistent(`set ${set}`);
      const step = 1n << BigInt(width - bits);
      const first = ((start + step - 1n) / step) * step;
      for (let at = first; at < end; at += step) {
        yield { prefix: { family, words: wordsOf(at, family), bits }, set };
      }
    }
  }
}

function integerAt(words: Uint32Array, i: number, family: 4 | 6): bigint {
  if (family === 4) return BigInt(words[i]!);
  let value = 0n;
  for (let word = 4 * i; word < 4 * i + 4; word++) value = (value << 32n) | BigInt(words[word]!);
  return value;
}

function wordsOf(value: bigint, family: 4 | 6): Prefix['words'] {
  if (family === 4) return [Number(value), 0, 0, 0];
  const word = (shift: bigint) => Number((value >> shift) & 0xffff_ffffn);
  return [word(96n), word(64n), word(32n), word(0n)];
}
