// What one connection must be, in the alternatives of a pattern: ORs are lists of clauses, an AND meets each with each.
import { type Prefix, prefixCovers } from '../../domain/address/prefix.ts';
import type { Protocol } from '../../domain/indicator/constraint.ts';
import type { RefusalReason } from '../../domain/indicator/feed-entry.ts';

/** Limits on one object of an observation that must all hold. */
export interface Clause {
  /** Object type; all tests of one AND are on one object. */
  readonly object: string;
  /** `either` is the address of an address object, which does not say at which end it stands. */
  readonly ends: Readonly<Record<End, EndLimits>>;
  readonly family: 4 | 6 | null;
  readonly protocol: Protocol | null;
  /** Where its tests stand in the pattern. */
  readonly start: number;
  readonly end: number;
}

export type End = 'either' | 'source' | 'destination';

/** Null is no limit; a list is never empty. */
export interface EndLimits {
  readonly nets: readonly WrittenNet[] | null;
  readonly ports: readonly number[] | null;
}

export interface WrittenNet {
  readonly prefix: Prefix;
  /** The family of the text: an IPv4-mapped address is written as IPv6. */
  readonly written: 4 | 6;
}

export interface Refusal {
  readonly reason: RefusalReason;
  readonly text: string;
  readonly start: number;
}

/**
 * The meaning of a part of a pattern: any clause is enough, and what was refused is no part of it. Never both empty.
 * Whoever holds it may change it, and must not use it after it was given to `eitherOf` or `bothOf`.
 */
export interface Meaning {
  clauses: Clause[];
  refused: Refusal[];
}

/** Steps that the ANDs of a pattern may still take, so that alternatives times alternatives stay few. */
export interface Work {
  left: number;
}

const NO_LIMITS: EndLimits = { nets: null, ports: null };

/** A clause that asks for nothing. */
export function openClause(object: string, start: number, end: number): Clause {
  const ends = { either: NO_LIMITS, source: NO_LIMITS, destination: NO_LIMITS };
  return { object, ends, family: null, protocol: null, start, end };
}

export function refusedMeaning(refusal: Refusal): Meaning {
  return { clauses: [], refused: [refusal] };
}

export function eitherOf(a: Meaning, b: Meaning): Meaning {
  return { clauses: joined(a.clauses, b.clauses), refused: joined(a.refused, b.refused) };
}

/** `impossible` is told where no clause is left, `unsupported` where there would be too many. */
export function bothOf(a: Meaning, b: Meaning, impossible: () => Refusal, work: Work): Meaning {
  if (a.clauses.length === 0) return withoutClauses(a, b);
  if (b.clauses.length === 0) return withoutClauses(b, a);
  const clauses = meetAll(a.clauses, b.clauses, work);
  const refused = joined(a.refused, b.refused);
  if (clauses.length === 0) refused.push(impossible());
  return { clauses, refused };
}

/** Beside an address a name or a hash is no entry of its own, but a condition that a connection cannot answer. */
function withoutClauses({ refused }: Meaning, other: Meaning): Meaning {
  if (!other.clauses.some(hasAddress)) return { clauses: [], refused };
  return { clauses: [], refused: refused.map(asCondition) };
}

function hasAddress({ ends }: Clause): boolean {
  return ends.either.nets !== null || ends.source.nets !== null || ends.destination.nets !== null;
}

function asCondition(refusal: Refusal): Refusal {
  const { reason } = refusal;
  const isOther = reason === 'domain' || reason === 'url' || reason === 'noAddress';
  return isOther ? { ...refusal, reason: 'unsupportedPattern' } : refusal;
}

/** The shorter list goes into the longer one, so n lists of one cost n log n at most; their order is made at the end. */
function joined<T>(a: T[], b: T[]): T[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  for (const item of short) long.push(item);
  return long;
}

function meetAll(a: readonly Clause[], b: readonly Clause[], work: Work): Clause[] {
  const met: Clause[] = [];
  for (const one of a) {
    for (const other of b) {
      work.left -= costOfMeeting(one, other);
      if (work.left < 0) return [];
      const clause = meetClauses(one, other);
      if (clause !== null) met.push(clause);
    }
  }
  return met;
}

function costOfMeeting(a: Clause, b: Clause): number {
  let cost = 1;
  for (const end of ['either', 'source', 'destination'] as const) {
    const [one, other] = [a.ends[end], b.ends[end]];
    cost += (one.nets?.length ?? 1) * (other.nets?.length ?? 1);
    cost += (one.ports?.length ?? 1) * (other.ports?.length ?? 1);
  }
  return cost;
}

/** Null if no object can be both. */
function meetClauses(a: Clause, b: Clause): Clause | null {
  const family = meet(a.family, b.family, same);
  const protocol = meet(a.protocol, b.protocol, same);
  if (a.object !== b.object || family === undefined || protocol === undefined) return null;
  const either = meetLimits(a.ends.either, b.ends.either, family);
  const source = meetLimits(a.ends.source, b.ends.source, family);
  const destination = meetLimits(a.ends.destination, b.ends.destination, family);
  if (either === null || source === null || destination === null) return null;
  const [start, end] = [Math.min(a.start, b.start), Math.max(a.end, b.end)];
  return { object: a.object, ends: { either, source, destination }, family, protocol, start, end };
}

function meetLimits(a: EndLimits, b: EndLimits, family: 4 | 6 | null): EndLimits | null {
  if (a === NO_LIMITS && b === NO_LIMITS) return NO_LIMITS;
  const shared = meet(a.nets, b.nets, sharedNets);
  const nets = shared && family !== null ? ofFamily(shared, family) : shared;
  const ports = meet(a.ports, b.ports, sharedPorts);
  return nets === undefined || ports === undefined ? null : { nets, ports };
}

/** Two limits on one thing: null is no limit, undefined means that nothing is within both. */
function meet<T>(
  a: T | null,
  b: T | null,
  both: (a: T, b: T) => T | undefined,
): T | null | undefined {
  return a === null || b === null ? (a ?? b) : both(a, b);
}

function same<T>(a: T, b: T): T | undefined {
  return a === b ? a : undefined;
}

function sharedPorts(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  return nonEmpty(a.filter((port) => b.includes(port)));
}

function sharedNets(
  a: readonly WrittenNet[],
  b: readonly WrittenNet[],
): readonly WrittenNet[] | undefined {
  return nonEmpty(a.flatMap((one) => b.flatMap((other) => narrower(one, other) ?? [])));
}

/** Of two prefixes one lies in the other, or they share nothing. */
function narrower(a: WrittenNet, b: WrittenNet): WrittenNet | null {
  if (a.written !== b.written) return null;
  const [wide, narrow] = a.prefix.bits <= b.prefix.bits ? [a, b] : [b, a];
  return prefixCovers(wide.prefix, narrow.prefix) ? narrow : null;
}

function ofFamily(nets: readonly WrittenNet[], family: 4 | 6): readonly WrittenNet[] | undefined {
  return nonEmpty(nets.filter(({ written }) => written === family));
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
