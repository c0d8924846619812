// What one line of a list may say. A line that could be read in two ways is refused: a wrong address flags a good peer.
import { type Address, foldMapped, parseAddress } from '../../domain/address/address.ts';
import { type Prefix, parsePrefix, prefixOf, widthOf } from '../../domain/address/prefix.ts';
import { hostBitsOfRange, prefixesOfRange } from '../../domain/address/range.ts';
import type { Constraint } from '../../domain/indicator/constraint.ts';
import type { RefusalReason } from '../../domain/indicator/feed-entry.ts';

export interface ParsedValue {
  readonly nets: readonly Prefix[];
  /** log2 of the number of addresses, rounded up. */
  readonly hostBits: number;
  readonly constraint: Constraint | null;
  readonly range?: true;
}

/** The first column ends at a blank, a comma or a comment sign. */
const FIRST_COLUMN = /^[^ \t,;#]*/;
const RANGE = /^([0-9A-Fa-f.:]+)[ \t]*-[ \t]*([0-9A-Fa-f.:]+)(?![^ \t,;#])/;
/** eMule: `a - b , level , text`. */
const ACCESS_LEVEL = /^[ \t]*,[ \t]*(\d{1,3})[ \t]*(?:,|$)/;
const ZERO_PADDED = /^\d{3}(?:\.\d{3}){3}$/;
/** PeerGuardian: `label:a-b`. A comment sign in the label would let an address be read out of a comment. */
const LABELLED = /^[^#;]+:([\d.]+)[ \t]*-[ \t]*([\d.]+)$/;
const BRACKETED = /^\[([^\]]+)\](?::(\d+))?$/;
const WITH_PORT = /^([\d.]+):(\d+)$/;
const WITH_NETMASK = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/;
const DOMAIN = /^(?:\*\.)?(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*\.?(?::\d+)?$/i;

/** A trimmed line that is no comment, one character a byte. */
export function parseValue(line: string): ParsedValue | RefusalReason {
  const range = parseRange(line);
  if (range !== null) return range;

  const first = FIRST_COLUMN.exec(line)![0];
  const rest = line.slice(first.length).replace(/^[ \t,]+/, '');
  const value = parseSingle(first);
  const labelled = parseLabelled(line);
  if (labelled !== null) return value === null ? labelled : 'ambiguous';
  if (value === null) return refusalOf(first);
  if (rest.startsWith('-')) return 'range';
  return parseSingle(FIRST_COLUMN.exec(rest)![0]) === null ? value : 'ambiguous';
}

/** An address, perhaps with prefix length, netmask or port, perhaps in brackets or defanged. */
function parseSingle(text: string): ParsedValue | null {
  const value = text.includes('[.]') ? text.replaceAll('[.]', '.') : text;
  const bracketed = BRACKETED.exec(value);
  if (bracketed !== null) {
    const address = parseAddress(bracketed[1]!);
    return address?.family === 6 ? withPort(address, bracketed[2]) : null;
  }
  const withPortMatch = WITH_PORT.exec(value);
  if (withPortMatch !== null) {
    const address = parseAddress(withPortMatch[1]!);
    return address === null ? null : withPort(address, withPortMatch[2]);
  }
  const prefix = parseNetmask(value) ?? parsePrefix(value);
  return prefix === null ? null : open([prefix], widthOf(prefix.family) - prefix.bits);
}

function withPort(address: Address, digits: string | undefined): ParsedValue | null {
  const folded = foldMapped(address);
  const nets = [prefixOf(folded, widthOf(folded.family))];
  if (digits === undefined) return open(nets, 0);
  const port = Number(digits);
  if (port < 1 || port > 65_535) return null;
  return { nets, hostBits: 0, constraint: { ports: [port], direction: null, protocol: null } };
}

function open(nets: readonly Prefix[], hostBits: number): ParsedValue {
  return { nets, hostBits, constraint: null };
}

/** `a.b.c.d/255.255.255.0`; the mask must be ones, then zeros. */
function parseNetmask(value: string): Prefix | null {
  const match = WITH_NETMASK.exec(value);
  const [address, mask] = [match?.[1], match?.[2]].map((text) => parseAddress(text ?? ''));
  if (address?.family !== 4 || mask?.family !== 4) return null;
  const bits = Math.clz32(~mask.words[0]);
  return prefixOf(mask, bits).words[0] === mask.words[0] ? prefixOf(address, bits) : null;
}

function parseRange(line: string): ParsedValue | RefusalReason | null {
  const match = RANGE.exec(line);
  if (match === null) return null;
  const level = ACCESS_LEVEL.exec(line.slice(match[0].length))?.[1];
  const [from, to] = [match[1]!, match[2]!].map((end) =>
    // Only eMule pads, and it pads decimal numbers.
    parseAddress(level !== undefined && ZERO_PADDED.test(end) ? unpad(end) : end),
  );
  if (!from || !to) return null;
  return level !== undefined && Number(level) > 127 ? 'allowed' : rangeOf(from, to);
}

function parseLabelled(line: string): ParsedValue | RefusalReason | null {
  if (!line.includes('-')) return null;
  const match = LABELLED.exec(line);
  const [from, to] = [match?.[1], match?.[2]].map((end) => parseAddress(end ?? ''));
  return from && to ? rangeOf(from, to) : null;
}

function rangeOf(from: Address, to: Address): ParsedValue | RefusalReason {
  const [first, last] = [foldMapped(from), foldMapped(to)];
  const nets = prefixesOfRange(first, last);
  if (nets === null) return 'range';
  return { ...open(nets, hostBitsOfRange(first, last)), range: true };
}

function unpad(padded: string): string {
  return padded.split('.').map(Number).join('.');
}

function refusalOf(first: string): RefusalReason {
  if (!/^[\x21-\x7e]*$/.test(first)) return 'encoding';
  if (DOMAIN.test(first)) return 'domain';
  // A scheme, or a path that is no prefix length cut short.
  return /:\/\/|\/.*[^\d.]/.test(first) ? 'url' : 'notAnAddress';
}
