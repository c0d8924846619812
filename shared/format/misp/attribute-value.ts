import { type Prefix, parsePrefix } from '../../domain/address/prefix.ts';
import { type Constraint, normalConstraint } from '../../domain/indicator/constraint.ts';
import type { RefusalReason } from '../../domain/indicator/feed-entry.ts';

export interface ParsedAttribute {
  readonly net: Prefix;
  readonly constraint: Constraint | null;
}

/** The address of an attribute of that type, and what its type and value say beside it. */
export function parseAttribute(type: string, value: string): ParsedAttribute | RefusalReason {
  switch (type) {
    case 'ip-dst':
      return parseAddressed(value, null, 'destination');
    case 'ip-src':
      return parseAddressed(value, null, 'source');
    case 'ip-dst|port':
      return parseWithPort(value, 'destination');
    case 'ip-src|port':
      return parseWithPort(value, 'source');
    case 'domain|ip':
      return parseDomainAndIp(value);
    case 'domain':
    case 'hostname':
    case 'hostname|port':
      return 'domain';
    case 'url':
    case 'uri':
      return 'url';
    case '':
      return 'malformed';
    default:
      return 'noAddress';
  }
}

/** An address or a CIDR, and nothing else: MISP takes brackets off when it takes a value in. */
function parseAddressed(
  value: string,
  ports: readonly number[] | null,
  direction: Constraint['direction'],
): ParsedAttribute | RefusalReason {
  if (value === '') return 'malformed';
  const net = parsePrefix(value);
  if (net === null) return /^[\x20-\x7e]*$/.test(value) ? 'notAnAddress' : 'encoding';
  return { net, constraint: normalConstraint({ ports, direction, protocol: null }) };
}

/** `addr|port`. A colon parts them nowhere: in IPv6 text it could not. */
function parseWithPort(
  value: string,
  direction: Constraint['direction'],
): ParsedAttribute | RefusalReason {
  const bar = value.indexOf('|');
  const [address, digits] = bar < 0 ? [value, ''] : [value.slice(0, bar), value.slice(bar + 1)];
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  const parsed = parseAddressed(address, [port], direction);
  return typeof parsed === 'string' || (port >= 1 && port <= 65_535) ? parsed : 'badPort';
}

/** `name|addr`: the name is an indicator for others. Nobody said which end begins. */
function parseDomainAndIp(value: string): ParsedAttribute | RefusalReason {
  const bar = value.indexOf('|');
  return bar < 1 ? 'notAnAddress' : parseAddressed(value.slice(bar + 1), null, null);
}
