// An address is one to four 32-bit words in network order, each an unsigned number: cheap to compare, no strings.

export interface Address {
  readonly family: 4 | 6;
  /** IPv4 stands in word 0, the others are 0. */
  readonly words: readonly [number, number, number, number];
}

/** The longest text form, `0000:…:255.255.255.255`. Anything longer is no address. */
const MAX_TEXT = 45;
const DOT = 46;
const COLON = 58;

/**
 * Strict on purpose: lenient parsers read the cut line `223.13.255` as 223.13.0.255 and `010.…` as octal.
 * Four decimal parts without leading zeros, or RFC 4291 text with at most one `::`; no zone, no brackets, no blanks.
 * An IPv4-mapped address stays IPv6 here: see `foldMapped`.
 */
export function parseAddress(text: string): Address | null {
  if (text.length > MAX_TEXT) return null;
  if (text.includes(':')) return parseIpv6(text);
  const word = parseIpv4(text, 0);
  return word < 0 ? null : ipv4(word);
}

export function ipv4(word: number): Address {
  return { family: 4, words: [word, 0, 0, 0] };
}

/** ::ffff:0:0/96 is an IPv4 address in IPv6 clothes (RFC 4291 2.5.5.2); the IPv4 address is the last word. */
export function isMappedIpv4(w0: number, w1: number, w2: number): boolean {
  return w0 === 0 && w1 === 0 && w2 === 0xffff;
}

/** An IPv4-mapped address as the IPv4 address it stands for; any other one as it is. */
export function foldMapped(address: Address): Address {
  const [w0, w1, w2, w3] = address.words;
  return address.family === 6 && isMappedIpv4(w0, w1, w2) ? ipv4(w3) : address;
}

export function formatAddress(address: Address): string {
  return address.family === 4 ? formatIpv4(address.words[0]) : formatIpv6(...address.words);
}

export function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** RFC 5952 text. IPv4-mapped in mixed form (`::ffff:192.0.2.1`), every other embedded form in hex. */
export function formatIpv6(w0: number, w1: number, w2: number, w3: number): string {
  if (isMappedIpv4(w0, w1, w2)) return `::ffff:${formatIpv4(w3)}`;
  const groups = [w0, w1, w2, w3].flatMap((word) => [word >>> 16, word & 0xffff]);
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':'); // RFC 5952 4.2.2: `::` never stands for one group alone.
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zeros (RFC 5952 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
    if (end > start) start = end;
  }
  return best;
}

/** The address that the rest of the text from `from` is, -1 if it is none. */
function parseIpv4(text: string, from: number): number {
  let word = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || ++dots > 3) return -1;
      word = word * 256 + part;
      part = 0;
      digits = 0;
      continue;
    }
    const digit = code - 48;
    if (digit < 0 || digit > 9 || (digits > 0 && part === 0)) return -1;
    part = part * 10 + digit;
    if (part > 255) return -1;
    digits++;
  }
  return dots === 3 && digits > 0 ? word * 256 + part : -1;
}

function parseIpv6(text: string): Address | null {
  const groups: number[] = [];
  let gap = -1; // where `::` stands, counted in groups
  let at = 0;
  if (text.startsWith('::')) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    if (groups.length === 8) return null;
    const end = endOfGroup(text, at);
    if (text.charCodeAt(end) === DOT) {
      const word = parseIpv4(text, at);
      if (word < 0 || groups.length > 6) return null;
      groups.push(word >>> 16, word & 0xffff);
      break;
    }
    if (end === at || end - at > 4) return null;
    groups.push(parseInt(text.slice(at, end), 16));
    if (end === text.length) break;
    if (text.charCodeAt(end) !== COLON) return null;
    at = end + 1;
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return null;
      gap = groups.length;
      at++;
    } else if (at === text.length) {
      return null; // one colon at the end
    }
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return null;
  if (gap >= 0) groups.splice(gap, 0, ...Array<number>(8 - groups.length).fill(0));
  const word = (i: number) => ((groups[2 * i]! << 16) | groups[2 * i + 1]!) >>> 0;
  return { family: 6, words: [word(0), word(1), word(2), word(3)] };
}

function endOfGroup(text: string, from: number): number {
  let end = from;
  while (end < text.length && isHexDigit(text.charCodeAt(end))) end++;
  return end;
}

function isHexDigit(code: number): boolean {
  const lower = code | 32;
  return (code >= 48 && code <= 57) || (lower >= 97 && lower <= 102);
}
