import type { CollectedIpv4 } from './collect.ts';
import type { SetTable } from './set-table.ts';
import { sortedByKey, sortedKeys } from './sort.ts';

/** Distinct single addresses in order, and for each the set of those who list it. */
export interface ExactAddresses {
  /** One word an address (IPv4) or four (IPv6). */
  readonly words: Uint32Array;
  /** One number: all have this set. */
  readonly sets: Uint32Array | number;
}

export function exactIpv4(
  { addresses, provenances }: CollectedIpv4,
  sets: SetTable,
): ExactAddresses {
  if (typeof provenances === 'number') {
    const words = distinctSorted(sortedKeys(addresses));
    return { words, sets: words.length === 0 ? 0 : sets.add(0, 32, [provenances]) };
  }
  const { keys, values } = sortedByKey(addresses, provenances);
  return mergeRuns(keys, 1, values, 32, sets);
}

export function exactIpv6(
  { words, provenances }: { words: Uint32Array; provenances: Uint32Array },
  sets: SetTable,
): ExactAddresses {
  // The sort is stable: by the last word first, by the first word last.
  let order: Uint32Array = Uint32Array.from(provenances.keys());
  for (let word = 3; word >= 0; word--) {
    order = sortedByKey(
      order.map((i) => words[4 * i + word]!),
      order,
    ).values;
  }
  const sorted = new Uint32Array(words.length);
  for (const [to, from] of order.entries()) {
    sorted.set(words.subarray(4 * from, 4 * from + 4), 4 * to);
  }
  return mergeRuns(
    sorted,
    4,
    order.map((i) => provenances[i]!),
    128,
    sets,
  );
}

/** Equal addresses stand together: each run becomes one address with one set. Works in place, from the front. */
function mergeRuns(
  words: Uint32Array,
  wordsEach: 1 | 4,
  provenances: Uint32Array,
  bits: number,
  sets: SetTable,
): ExactAddresses {
  const ofSingle = new Map<number, number>(); // most addresses stand once: no key text for them
  const count = provenances.length;
  let merged = 0;
  for (let start = 0; start < count;) {
    let end = start + 1;
    while (end < count && sameAddress(words, wordsEach, start, end)) end++;
    const first = provenances[start]!;
    let set = end - start === 1 ? ofSingle.get(first) : undefined;
    if (set === undefined) {
      const members = distinct(provenances.subarray(start, end));
      set = sets.add(0, bits, members);
      if (members.length === 1) ofSingle.set(first, set);
    }
    words.copyWithin(merged * wordsEach, start * wordsEach, (start + 1) * wordsEach);
    provenances[merged++] = set;
    start = end;
  }
  return { words: words.subarray(0, merged * wordsEach), sets: provenances.subarray(0, merged) };
}

function distinctSorted(keys: Uint32Array): Uint32Array {
  let kept = 0;
  for (let i = 0; i < keys.length; i++) {
    if (i === 0 || keys[i] !== keys[i - 1]) keys[kept++] = keys[i]!;
  }
  return keys.subarray(0, kept);
}

function sameAddress(words: Uint32Array, wordsEach: number, a: number, b: number): boolean {
  for (let word = 0; word < wordsEach; word++) {
    if (words[a * wordsEach + word] !== words[b * wordsEach + word]) return false;
  }
  return true;
}

export function distinct(members: Uint32Array): number[] {
  return [...new Set(members.toSorted())];
}
