import type { Address } from '../../domain/address/address.ts';
import type { Prefix } from '../../domain/address/prefix.ts';
import type { ListedPrefix } from './collect.ts';
import { distinct } from './exact.ts';
import type { SetTable } from './set-table.ts';

type Words = Address['words'];

/** The whole address space cut where the covering prefixes change; each piece reaches to the start of the next. */
export interface Pieces {
  readonly starts: readonly Words[];
  /** 0: nothing covers this piece. */
  readonly sets: readonly number[];
  /** The set of each different prefix that was listed. */
  readonly setsOfPrefixes: readonly number[];
}

/** Prefixes nest or lie apart, never across each other: one sweep with a stack of the open ones cuts them all. */
export function flatten(listed: readonly ListedPrefix[], sets: SetTable): Pieces {
  const pieces: { starts: Words[]; sets: number[] } = { starts: [], sets: [] };
  const open: { after: Words | null; set: number }[] = [];
  const closeUpTo = (start: Words | null) => {
    for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
      const { after } = inner;
      if (start !== null && (after === null || compareWords(after, start) > 0)) return;
      open.pop();
      if (after !== null) cut(pieces, after, open.at(-1)?.set ?? 0);
    }
  };

  cut(pieces, [0, 0, 0, 0], 0);
  const setsOfPrefixes: number[] = [];
  for (const { prefix, provenances } of groupEqual(listed)) {
    closeUpTo(prefix.words);
    const set = sets.add(open.at(-1)?.set ?? 0, prefix.bits, provenances);
    cut(pieces, prefix.words, set);
    open.push({ after: addressAfter(prefix), set });
    setsOfPrefixes.push(set);
  }
  closeUpTo(null);
  return { ...pieces, setsOfPrefixes };
}

/** A later cut at the same address replaces the earlier; a cut that changes nothing is none. */
function cut(pieces: { starts: Words[]; sets: number[] }, start: Words, set: number): void {
  const last = pieces.starts.at(-1);
  if (last !== undefined && compareWords(last, start) === 0) {
    pieces.starts.pop();
    pieces.sets.pop();
  }
  if (pieces.sets.length > 0 && pieces.sets.at(-1) === set) return;
  pieces.starts.push(start);
  pieces.sets.push(set);
}

/** Each listed prefix once with all who list it; an outer prefix comes before those inside it. */
function groupEqual(listed: readonly ListedPrefix[]): { prefix: Prefix; provenances: number[] }[] {
  const compare = (a: Prefix, b: Prefix) => compareWords(a.words, b.words) || a.bits - b.bits;
  const sorted = listed.toSorted((a, b) => compare(a.prefix, b.prefix));
  const groups: { prefix: Prefix; provenances: number[] }[] = [];
  for (const { prefix, provenance } of sorted) {
    const last = groups.at(-1);
    if (last !== undefined && compare(last.prefix, prefix) === 0) last.provenances.push(provenance);
    else groups.push({ prefix, provenances: [provenance] });
  }
  for (const group of groups) group.provenances = distinct(Uint32Array.from(group.provenances));
  return groups;
}

/** The first address behind a prefix, null if the address space ends with it. */
function addressAfter({ words, bits }: Prefix): Words | null {
  const after: [number, number, number, number] = [...words];
  let step = 2 ** (31 - ((bits - 1) & 31)); // the last bit that the prefix fixes
  for (let i = (bits - 1) >> 5; i >= 0; i--) {
    const sum = after[i]! + step;
    after[i] = sum >>> 0;
    if (sum <= 0xffff_ffff) return after;
    step = 1;
  }
  return null;
}

function compareWords(a: Words, b: Words): number {
  for (let i = 0; i < 4; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return 0;
}
