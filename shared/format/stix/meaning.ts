// What a test of a pattern says of a connection. A path or an operator that says nothing of one is refused by name.
import { formatAddress } from '../../domain/address/address.ts';
import { isSingle, parsePrefix } from '../../domain/address/prefix.ts';
import { MAX_PORTS, PROTOCOL_NAMES, type Protocol } from '../../domain/indicator/constraint.ts';
import { type RefusalReason, shownText } from '../../domain/indicator/feed-entry.ts';
import {
  type Clause,
  type End,
  type EndLimits,
  type Meaning,
  openClause,
  type Refusal,
  refusedMeaning,
  type WrittenNet,
} from './clause.ts';
import type { Comparison } from './comparison.ts';
import type { Token } from './tokens.ts';

const MAX_PORT = 65_535;
/** Of refused text only so much is shown. */
const MAX_SHOWN = 80;
/** A domain name has at most 255 octets (RFC 1035 2.3.4). */
const MAX_DOMAIN = 255;
const DOMAIN = /^(?:\*\.)?(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*\.?$/i;

/** A refusal of what stands in the pattern from `start` to `end`. */
export function refusalAt(
  pattern: string,
  reason: RefusalReason,
  { start, end }: { readonly start: number; readonly end: number },
): Refusal {
  return { reason, text: shownText(pattern.slice(start, Math.min(end, start + MAX_SHOWN))), start };
}

export function meaningOf(comparison: Comparison, pattern: string): Meaning {
  switch (`${comparison.object}:${comparison.path}`) {
    case 'ipv4-addr:value':
      return addresses(comparison, pattern, 'either', 4);
    case 'ipv6-addr:value':
      return addresses(comparison, pattern, 'either', 6);
    case 'network-traffic:src_ref.value':
      return addresses(comparison, pattern, 'source', null);
    case 'network-traffic:dst_ref.value':
      return addresses(comparison, pattern, 'destination', null);
    case 'network-traffic:src_port':
      return ports(comparison, pattern, 'source');
    case 'network-traffic:dst_port':
      return ports(comparison, pattern, 'destination');
    case 'network-traffic:src_ref.type':
    case 'network-traffic:dst_ref.type':
      return oneByOne(comparison, pattern, typeOfEnd);
    case 'network-traffic:protocols[*]':
      return oneByOne(comparison, pattern, protocolOf);
    default:
      return refused(comparison, pattern, reasonOfObject(comparison.object));
  }
}

function reasonOfObject(object: string): RefusalReason {
  if (object === 'domain-name') return 'domain';
  if (object === 'url') return 'url';
  const isPeer = object === 'ipv4-addr' || object === 'ipv6-addr' || object === 'network-traffic';
  return isPeer ? 'unsupportedPattern' : 'noAddress';
}

function refused(comparison: Comparison, pattern: string, reason: RefusalReason): Meaning {
  return refusedMeaning(refusalAt(pattern, reason, comparison));
}

/** Whether the test is `=` or IN, which are the same: one of the values. An empty set matches nothing. */
function isOneOf({ operator, negated, values }: Comparison): boolean {
  return !negated && (operator === '=' || operator === 'IN') && values.length > 0;
}

function addresses(
  comparison: Comparison,
  pattern: string,
  end: End,
  family: 4 | 6 | null,
): Meaning {
  const { operator, negated } = comparison;
  const isSubnet = !negated && (operator === 'ISSUBSET' || operator === 'ISSUPERSET');
  if (!isSubnet && !isOneOf(comparison)) {
    return refused(comparison, pattern, 'unsupportedPattern');
  }
  const nets: WrittenNet[] = [];
  const refusals: Refusal[] = [];
  for (const value of comparison.values) {
    const net = netOf(value, family, operator === 'ISSUPERSET');
    if (typeof net !== 'string') nets.push(net);
    else refusals.push(refusalOfValue(net, value));
  }
  return {
    clauses: nets.length === 0 ? [] : [atEnd(comparison, end, { nets })],
    refused: refusals,
  };
}

/**
 * `=` with a prefix is by the letter a comparison of texts, but every producer means the subnet (OASIS apt1).
 * A connection has one address, and that is a superset of no more than itself.
 */
function netOf(
  { kind, value }: Token,
  family: 4 | 6 | null,
  asSuperset: boolean,
): WrittenNet | RefusalReason {
  if (kind !== 'text') return 'badPattern';
  const prefix = parsePrefix(value);
  const written = value.includes(':') ? 6 : 4;
  if (prefix === null) return family === null && isDomain(value) ? 'domain' : 'notAnAddress';
  if (family !== null && written !== family) return 'notAnAddress';
  return asSuperset && !isSingle(prefix) ? 'unsupportedPattern' : { prefix, written };
}

function isDomain(value: string): boolean {
  return value.length <= MAX_DOMAIN && DOMAIN.test(value);
}

function refusalOfValue(reason: RefusalReason, { value, start }: Token): Refusal {
  return { reason, text: shownText(value.slice(0, MAX_SHOWN)), start };
}

function atEnd(comparison: Comparison, end: End, limits: Partial<EndLimits>): Clause {
  const clause = openClause(comparison.object, comparison.start, comparison.end);
  return { ...clause, ends: { ...clause.ends, [end]: { ...clause.ends[end], ...limits } } };
}

function ports(comparison: Comparison, pattern: string, end: End): Meaning {
  if (!isOneOf(comparison)) return refused(comparison, pattern, 'unsupportedPattern');
  const numbers = new Set<number>();
  const refusals: Refusal[] = [];
  for (const value of comparison.values) {
    const port = portOf(value);
    if (port === null) refusals.push(refusalOfValue('badPort', value));
    else numbers.add(port);
  }
  // Leaving some out would miss what they tell of, leaving all out would match what they do not.
  if (numbers.size > MAX_PORTS) return refused(comparison, pattern, 'unsupportedPattern');
  const sorted = [...numbers].sort((a, b) => a - b);
  const clauses = sorted.length === 0 ? [] : [atEnd(comparison, end, { ports: sorted })];
  return { clauses, refused: refusals };
}

/** Talos writes `dst_port = '80'`: a text where the property is a number. */
function portOf({ kind, value }: Token): number | null {
  const isWhole =
    kind === 'number' ? /^\+?\d+$/.test(value) : kind === 'text' && /^\d+$/.test(value);
  const port = Number(value);
  return isWhole && port <= MAX_PORT ? port : null;
}

type Limit = Pick<Clause, 'family'> | Pick<Clause, 'protocol'>;

/** A clause for each value; a clause has one family and one protocol. */
function oneByOne(
  comparison: Comparison,
  pattern: string,
  limitOf: (value: string) => Limit | RefusalReason,
): Meaning {
  if (!isOneOf(comparison)) return refused(comparison, pattern, 'unsupportedPattern');
  const open = openClause(comparison.object, comparison.start, comparison.end);
  const clauses: Clause[] = [];
  const refusals: Refusal[] = [];
  for (const token of comparison.values) {
    const limit = token.kind === 'text' ? limitOf(token.value) : 'badPattern';
    if (typeof limit === 'string') refusals.push(refusalOfValue(limit, token));
    else clauses.push({ ...open, ...limit });
  }
  return { clauses, refused: refusals };
}

/** Both ends of a connection are of one family. */
function typeOfEnd(type: string): Limit | RefusalReason {
  if (type === 'ipv4-addr') return { family: 4 };
  if (type === 'ipv6-addr') return { family: 6 };
  return type === 'domain-name' ? 'domain' : 'noAddress';
}

function protocolOf(name: string): Limit | RefusalReason {
  const protocol = name.toLowerCase();
  if (protocol === 'ipv4') return { family: 4 };
  if (protocol === 'ipv6') return { family: 6 };
  // What a connection carries inside (HTTP, TLS) no agent reports.
  return isProtocol(protocol) ? { protocol } : 'unsupportedPattern';
}

function isProtocol(name: string): name is Protocol {
  return PROTOCOL_NAMES.some((protocol) => protocol === name);
}

/** An address or a prefix as people write it. */
export function netText({ prefix }: WrittenNet): string {
  return isSingle(prefix) ? formatAddress(prefix) : `${formatAddress(prefix)}/${prefix.bits}`;
}
