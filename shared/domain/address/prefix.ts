import { type Address, foldMapped, formatAddress, isMappedIpv4, parseAddress } from './address.ts';

/** Addresses that share their first `bits` bits; the bits behind are 0. A single address has 32 or 128. */
export interface Prefix extends Address {
  readonly bits: number;
}

export function widthOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

export function isSingle(prefix: Prefix): boolean {
  return prefix.bits === widthOf(prefix.family);
}

/** The prefix of that length around an address: bits behind it are cleared. */
export function prefixOf(address: Address, bits: number): Prefix {
  const { family, words } = address;
  const masked = (i: number) => (words[i]! & maskOfWord(i, bits)) >>> 0;
  return { family, words: [masked(0), masked(1), masked(2), masked(3)], bits };
}

/**
 * `address` or `address/bits`, host bits cleared, an IPv4-mapped one folded to IPv4; null for anything else.
 * As strict as `parseAddress`: `/`, `/033` and `/33` behind an IPv4 address are refused.
 */
export function parsePrefix(text: string): Prefix | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const width = widthOf(address.family);
  const bits = slash < 0 ? width : parseBits(text.slice(slash + 1), width);
  return bits === null ? null : foldMappedPrefix(prefixOf(address, bits));
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.bits}`;
}

/** Whether the address lies in the prefix; an address of the other family never does. */
export function prefixCovers(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false;
  return prefix.words.every(
    (word, i) => ((word ^ address.words[i]!) & maskOfWord(i, prefix.bits)) === 0,
  );
}

/** The bits of word `i` that a prefix of that length fixes. A shift by 32 is a shift by 0, hence the cases. */
function maskOfWord(i: number, bits: number): number {
  const fixed = bits - 32 * i;
  if (fixed <= 0) return 0;
  return fixed >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - fixed)) >>> 0;
}

function parseBits(text: string, width: number): number | null {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return null;
  const bits = Number(text);
  return bits <= width ? bits : null;
}

/** A prefix wholly inside ::ffff:0:0/96 is an IPv4 prefix. */
function foldMappedPrefix(prefix: Prefix): Prefix {
  const [w0, w1, w2] = prefix.words;
  if (prefix.family === 4 || prefix.bits < 96 || !isMappedIpv4(w0, w1, w2)) return prefix;
  return { ...foldMapped(prefix), bits: prefix.bits - 96 };
}
