// The distinct connections of a device in a stretch of time: protocol, local address, local port, remote address, remote port, each
// with the number of records that named it. Sorted, so that two lists merge in one pass.

/**
 * Words of a tuple: family and protocol, 4 local, 4 remote (as in a connection table), both ports, and the number of records. All
 * but the last are the key, compared as unsigned numbers from the first on.
 */
export const TUPLE_WORDS = 11;
const KEY_WORDS = 10;
const RECORDS = 10;

/** Of one device: behind it only the first ones in order are kept, so that a device that floods costs no more than this (11 MB). */
export const MAX_TUPLES = 2 ** 18;

/** `TUPLE_WORDS` words each, ascending, none twice. Whoever gets one must not change it. */
export type FiveTuples = Uint32Array;

export const NO_TUPLES: FiveTuples = new Uint32Array(0);

export function countOf(tuples: FiveTuples): number {
  return tuples.length / TUPLE_WORDS;
}

/** Sets the key words of the tuple at `at`; its number of records becomes 1. */
export function setTuple(
  into: Uint32Array,
  at: number,
  family: number,
  protocol: number,
  local: Uint32Array,
  remote: Uint32Array,
  connection: number,
  ports: number,
): void {
  into[at] = (family << 8) | (protocol & 255);
  for (let word = 0; word < 4; word++) {
    into[at + 1 + word] = local[4 * connection + word]!;
    into[at + 5 + word] = remote[4 * connection + word]!;
  }
  into[at + 9] = ports;
  into[at + RECORDS] = 1;
}

/** Tuples in any order and any number of times as a sorted list. */
export function sortedTuples(words: Uint32Array): FiveTuples {
  const count = words.length / TUPLE_WORDS;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i * TUPLE_WORDS;
  order.sort((a, b) => compareKeys(words, a, words, b));
  const sorted = new Uint32Array(words.length);
  let used = 0;
  for (const at of order) {
    const before = used - TUPLE_WORDS;
    if (used > 0 && compareKeys(sorted, before, words, at) === 0) {
      sorted[before + RECORDS] = sorted[before + RECORDS]! + words[at + RECORDS]!;
      continue;
    }
    if (used === MAX_TUPLES * TUPLE_WORDS) break;
    copyTuple(words, at, sorted, used);
    used += TUPLE_WORDS;
  }
  return used === sorted.length ? sorted : sorted.slice(0, used);
}

/** The tuples of both, records added up. Merged in any order the result is the same, the bound included. */
export function mergedTuples(a: FiveTuples, b: FiveTuples): FiveTuples {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const merged = new Uint32Array(Math.min(a.length + b.length, MAX_TUPLES * TUPLE_WORDS));
  let used = 0;
  let i = 0;
  let j = 0;
  while ((i < a.length || j < b.length) && used < merged.length) {
    const order = i === a.length ? 1 : j === b.length ? -1 : compareKeys(a, i, b, j);
    copyTuple(order <= 0 ? a : b, order <= 0 ? i : j, merged, used);
    if (order === 0) merged[used + RECORDS] = merged[used + RECORDS]! + b[j + RECORDS]!;
    if (order <= 0) i += TUPLE_WORDS;
    if (order >= 0) j += TUPLE_WORDS;
    used += TUPLE_WORDS;
  }
  return used === merged.length ? merged : merged.slice(0, used);
}

export interface FiveTuple {
  readonly family: number;
  readonly protocol: number;
  readonly local: readonly [number, number, number, number];
  readonly remote: readonly [number, number, number, number];
  readonly localPort: number;
  readonly remotePort: number;
  readonly records: number;
}

/** The tuple of that number, from 0. */
export function tupleAt(tuples: FiveTuples, index: number): FiveTuple {
  const at = index * TUPLE_WORDS;
  const word = (i: number) => tuples[at + i]!;
  return {
    family: word(0) >>> 8,
    protocol: ((word(0) & 255) << 24) >> 24,
    local: [word(1), word(2), word(3), word(4)],
    remote: [word(5), word(6), word(7), word(8)],
    localPort: word(9) >>> 16,
    remotePort: word(9) & 0xffff,
    records: word(RECORDS),
  };
}

function compareKeys(a: Uint32Array, i: number, b: Uint32Array, j: number): number {
  for (let word = 0; word < KEY_WORDS; word++) {
    const difference = a[i + word]! - b[j + word]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function copyTuple(from: Uint32Array, at: number, into: Uint32Array, to: number): void {
  for (let word = 0; word < TUPLE_WORDS; word++) into[to + word] = from[at + word]!;
}
