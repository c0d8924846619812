// Everything that a snapshot lists, read back out of its columns: how a feed's kept state becomes part of the next snapshot.
import { type Prefix, widthOf } from '../../domain/address/prefix.ts';
import type { IndicatorDetail } from '../../domain/indicator/indicator.ts';
import type { Ipv4Indicators } from './collect.ts';
import { SET_WORDS, type SnapshotColumns } from './layout.ts';
import type { RangeColumns } from './ranges.ts';
import { SnapshotError, inconsistent } from './snapshot-error.ts';
import { U32List } from './u32-list.ts';

export interface Listing {
  readonly prefix: Prefix;
  readonly set: number;
}

/** Every listed address and prefix once, with its own set; all but the single IPv4 addresses. */
export function* otherListings({
  columns: { ipv6, ipv6Sets, ipv4Ranges, ipv6Ranges, sets },
  stat,
}: {
  readonly columns: SnapshotColumns;
  readonly stat: { readonly ipv4Prefixes: number; readonly ipv6Prefixes: number };
}): Generator<Listing> {
  const { words, count } = ipv6;
  for (let i = 0; i < count; i++) {
    const at = 4 * i;
    const address = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!] as const;
    yield { prefix: { family: 6, words: address, bits: 128 }, set: ipv6Sets.at(i) };
  }
  yield* prefixes(ipv4Ranges.columns, sets, 4, stat.ipv4Prefixes);
  yield* prefixes(ipv6Ranges.columns, sets, 6, stat.ipv6Prefixes);
}

export function* ipv4Listings({ ipv4, ipv4Sets }: SnapshotColumns): Generator<Listing> {
  for (const [i, word] of ipv4.all().entries()) {
    yield { prefix: { family: 4, words: [word, 0, 0, 0], bits: 32 }, set: ipv4Sets.at(i) };
  }
}

/** Gathers single IPv4 addresses by what is said of them: eight bytes an address. */
export class Ipv4Gatherer {
  readonly #addresses = new U32List();
  readonly #detailOf = new U32List();
  readonly #details: (IndicatorDetail | null)[] = [];
  readonly #numbers = new Map<number, number>();

  /** `provenance` tells details apart; `detail` is asked for once for each. */
  add(address: number, provenance: number, detail: (provenance: number) => IndicatorDetail | null) {
    let number = this.#numbers.get(provenance);
    if (number === undefined) {
      number = this.#details.push(detail(provenance)) - 1;
      this.#numbers.set(provenance, number);
    }
    this.#addresses.push(address);
    this.#detailOf.push(number);
  }

  /** Of no addresses nothing. */
  gathered(): Ipv4Indicators[] {
    if (this.#addresses.length === 0) return [];
    const detailOf = this.#details.length === 1 ? null : this.#detailOf.view();
    return [{ addresses: this.#addresses.view(), details: this.#details, detailOf }];
  }
}

/** The set around a set; 0 is none. Checked, so that a walk outwards ends. */
export function parentOf(sets: Uint32Array, set: number): number {
  const parent = sets[set * SET_WORDS];
  if (parent === undefined || parent >= set) throw inconsistent(`set ${set}`);
  return parent;
}

/**
 * A range lies in one prefix of each length in its chain of sets, or in several side by side that the same feeds list:
 * wherever such a prefix begins inside the range, it is listed, and it begins in one range only. There are as many as the header
 * says: a range that claimed to be of single addresses would have no end.
 */
function* prefixes(
  { starts, sets: rangeSets }: RangeColumns,
  sets: Uint32Array,
  family: 4 | 6,
  count: number,
): Generator<Listing> {
  let left = count;
  const width = widthOf(family);
  const startOf = (i: number) =>
    i === rangeSets.length ? 1n << BigInt(width) : integerAt(starts, i, family);
  for (let i = 0; i < rangeSets.length; i++) {
    let set = rangeSets[i]!;
    if (set === 0) continue;
    const [start, end] = [startOf(i), startOf(i + 1)];
    for (; set !== 0; set = parentOf(sets, set)) {
      const bits = sets[set * SET_WORDS + 1];
      if (bits === undefined || bits > width) throw inconsistent(`set ${set}`);
      const step = 1n << BigInt(width - bits);
      const first = ((start + step - 1n) / step) * step;
      for (let at = first; at < end; at += step) {
        if (left-- === 0) throw new SnapshotError('inconsistent', `more than ${count} prefixes`);
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
