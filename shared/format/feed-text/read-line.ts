import { BLANK, CARRIAGE_RETURN, HASH, TAB } from '../ascii.ts';
import { ipv4 } from '../../domain/address/address.ts';
import { refusalOfNets } from '../../domain/indicator/breadth.ts';
import type { FeedEntry, RefusalReason } from '../../domain/indicator/feed-entry.ts';
import { NO_DETAIL } from '../../domain/indicator/indicator.ts';
import type { Line } from './line-cutter.ts';
import { type ParsedValue, parseValue } from './parse-value.ts';

const DOT = 46;
const SLASH = 47;
const SEMICOLON = 59;
/** A refused text is shown with at most that many characters. */
const MAX_SHOWN = 80;

/** The entry on a line, null for a comment or a blank line. */
export function readLine(line: Line): FeedEntry | null {
  const { bytes, number, tooLong } = line;
  let { start, end } = line;
  if (number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) start += 3; // BOM
  if (end > start && bytes[end - 1] === CARRIAGE_RETURN) end--;
  while (start < end && isBlank(bytes[start]!)) start++;
  while (start < end && isBlank(bytes[end - 1]!)) end--;
  if (start >= end || isComment(bytes, start, end)) return null;

  const parsed = tooLong ? 'tooLong' : parseTrimmed(bytes, start, end);
  const reason = typeof parsed === 'string' ? parsed : refusalOfNets(parsed.nets, parsed.hostBits);
  if (typeof parsed === 'string' || reason !== null) {
    return {
      kind: 'refused',
      line: number,
      id: null,
      reason: reason as RefusalReason,
      text: shown(bytes, start, end),
    };
  }
  const { nets, constraint } = parsed;
  const detail = constraint === null ? null : { ...NO_DETAIL, constraint };
  const range = parsed.range === true ? ({ range: true } as const) : {};
  return { kind: 'indicator', standing: 'listed', line: number, nets, detail, ...range };
}

/** Most lines of most lists are one IPv4 address and nothing else: those become no string. */
function parseTrimmed(bytes: Uint8Array, start: number, end: number): ParsedValue | RefusalReason {
  const word = parseIpv4(bytes, start, end);
  if (word < 0) return parseValue(latin1(bytes, start, end));
  return { nets: [{ ...ipv4(word), bits: 32 }], hostBits: 0, constraint: null };
}

/** As strict as `parseAddress`; -1 if the bytes are no IPv4 address. */
function parseIpv4(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15) return -1;
  let word = 0;
  let part = -1; // -1: no digit yet
  let dots = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === DOT) {
      if (part < 0 || ++dots > 3) return -1;
      word = word * 256 + part;
      part = -1;
    } else {
      const digit = byte - 48;
      if (digit < 0 || digit > 9 || part === 0) return -1;
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && part >= 0 ? word * 256 + part : -1;
}

function isBlank(byte: number): boolean {
  return byte === BLANK || byte === TAB;
}

function isComment(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start];
  if (first === HASH || first === SEMICOLON) return true;
  return first === SLASH && start + 1 < end && bytes[start + 1] === SLASH;
}

/** One character a byte: every byte keeps its place, and what is not ASCII stays recognizable. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

function shown(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end && text.length < MAX_SHOWN; i++) {
    const byte = bytes[i]!;
    text +=
      byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text.slice(0, MAX_SHOWN);
}
