import { formatPrefix, type Prefix, widthOf } from '../../domain/address/prefix.ts';
import { refusalOfNets } from '../../domain/indicator/breadth.ts';
import { type Constraint, normalConstraint } from '../../domain/indicator/constraint.ts';
import type { RefusalReason } from '../../domain/indicator/feed-entry.ts';
import type { Clause, Meaning, Refusal, WrittenNet } from './clause.ts';
import { netText, refusalAt } from './meaning.ts';

/** Addresses each of which alone identifies a connection, given the constraint. */
export interface PatternAlternative {
  readonly nets: readonly Prefix[];
  readonly constraint: Constraint | null;
}

export interface PatternReading {
  readonly alternatives: readonly PatternAlternative[];
  /** Every part of the pattern that is in no alternative. */
  readonly refused: readonly PatternRefusal[];
}

export interface PatternRefusal {
  readonly reason: RefusalReason;
  /** At most 80 characters, all printable ASCII. */
  readonly text: string;
}

/** The addresses of a clause, and what must hold beside them. */
interface Peer extends Constraint {
  readonly written: readonly WrittenNet[];
}

/** Where an address was listed: as the source, as the destination, as either. */
const DIRECTION_BITS = { source: 1, destination: 2 } as const;
const BOTH = DIRECTION_BITS.source | DIRECTION_BITS.destination;

interface Group {
  readonly constraint: Constraint;
  readonly nets: Map<string, { readonly prefix: Prefix; directions: number }>;
}

/** In the order of the pattern; addresses with the same constraint become one alternative. */
export function readingOf({ clauses, refused }: Meaning, pattern: string): PatternReading {
  const refusals: Refusal[] = refused;
  const groups = new Map<string, Group>();
  for (const clause of clauses.sort(byStart)) {
    const peer = peerOf(clause);
    if (typeof peer === 'string') refusals.push(refusalAt(pattern, peer, clause));
    else addToGroup(groups, refusals, peer, clause.start);
  }
  return {
    alternatives: [...groups.values()].flatMap(alternativesOf),
    refused: refusals.sort(byStart).map(({ reason, text }) => ({ reason, text })),
  };
}

function byStart(a: { readonly start: number }, b: { readonly start: number }): number {
  return a.start - b.start;
}

/** Of a connection one end is the peer; what is asked of the other end nobody can tell. */
function peerOf({ ends, protocol }: Clause): Peer | RefusalReason {
  const { either, source, destination } = ends;
  if (either.nets !== null) return { written: either.nets, ports: null, direction: null, protocol };
  if (source.nets !== null && destination.nets !== null) return 'unsupportedPattern';
  const direction = source.nets === null ? 'destination' : 'source';
  const [own, other] = source.nets === null ? [destination, source] : [source, destination];
  if (own.nets === null) return 'noAddress';
  if (other.ports !== null) return 'unsupportedPattern';
  return { written: own.nets, ports: own.ports, direction, protocol };
}

function addToGroup(
  groups: Map<string, Group>,
  refusals: Refusal[],
  peer: Peer,
  start: number,
): void {
  const { written, ports, direction, protocol } = peer;
  const key = `${ports?.join() ?? ''} ${protocol}`;
  const bits = direction === null ? BOTH : DIRECTION_BITS[direction];
  for (const net of written) {
    const { prefix } = net;
    const reason = refusalOfNets([prefix], widthOf(prefix.family) - prefix.bits);
    if (reason !== null) {
      refusals.push({ reason, text: netText(net), start });
      continue;
    }
    addNet(groupOf(groups, key, peer), prefix, bits);
  }
}

function groupOf(groups: Map<string, Group>, key: string, constraint: Constraint): Group {
  const known = groups.get(key);
  if (known !== undefined) return known;
  const group: Group = { constraint, nets: new Map() };
  groups.set(key, group);
  return group;
}

function addNet({ nets }: Group, prefix: Prefix, bits: number): void {
  const text = formatPrefix(prefix);
  const known = nets.get(text);
  if (known === undefined) nets.set(text, { prefix, directions: bits });
  else known.directions |= bits;
}

/** An address listed as source and as destination has no direction. */
function alternativesOf({ constraint: { ports, protocol }, nets }: Group): PatternAlternative[] {
  const byDirections = new Map<number, Prefix[]>();
  for (const { prefix, directions } of nets.values()) {
    const list = byDirections.get(directions);
    if (list === undefined) byDirections.set(directions, [prefix]);
    else list.push(prefix);
  }
  return [...byDirections].map(([directions, nets]) => {
    const constraint = normalConstraint({ ports, direction: directionOf(directions), protocol });
    return { nets, constraint };
  });
}

function directionOf(directions: number): Constraint['direction'] {
  if (directions === BOTH) return null;
  return directions === DIRECTION_BITS.source ? 'source' : 'destination';
}
