// The indicator snapshot: one immutable little-endian file that is viewed as typed arrays, never parsed.
//
//   header     magic, version, CRC-32, length, number of sections, counts        HEADER_BYTES
//   table      per section: id, flags, offset, length                            SECTION_ENTRY_BYTES each
//   sections   each at an offset that is a multiple of 8, in the order of the table
//
// docs/indicator-index.md has the whole layout, enough for a second reader.

export const FORMAT_VERSION = 2;
/** Version 1 had no constraints, no kinds of feeds and no warning lists; its files are still read. */
export const OLDEST_VERSION = 1;

/** Header words, each a u32. The CRC covers everything behind itself. */
export const HEADER = {
  magicLow: 0,
  magicHigh: 1,
  version: 2,
  crc: 3,
  length: 4,
  sections: 5,
  ipv4Addresses: 6,
  ipv4Prefixes: 7,
  ipv6Addresses: 8,
  ipv6Prefixes: 9,
} as const;
export const HEADER_BYTES = 48;
/** "TWINDEX" and a NUL. Read as words it also tells a big-endian machine, which cannot view the sections. */
export const MAGIC_LOW = 0x4e49_5754;
export const MAGIC_HIGH = 0x0058_4544;
export const CRC_FROM = 16;

export const SECTION_ENTRY_BYTES = 16;
/** A reader that does not know a section may skip it only without this flag. */
export const SECTION_REQUIRED = 1;
export const SECTION_ALIGNMENT = 8;

export const SECTION = {
  feeds: 1,
  ipv4Index: 2,
  ipv4Suffixes: 3,
  ipv4Sets: 4,
  ipv4RangeIndex: 5,
  ipv4RangeStarts: 6,
  ipv4RangeSets: 7,
  ipv6Index: 8,
  ipv6Addresses: 9,
  ipv6Sets: 10,
  ipv6RangeIndex: 11,
  ipv6RangeStarts: 12,
  ipv6RangeSets: 13,
  sets: 14,
  members: 15,
  provenances: 16,
  details: 17,
  warningLists: 18,
} as const;
export type SectionName = keyof typeof SECTION;
/** Sections that a file of version 1 does not have. */
export const SINCE_VERSION_2: readonly SectionName[] = ['warningLists'];

/** The sections as views over one buffer, checked by `openSnapshot`. */
export interface SnapshotColumns {
  readonly ipv4Index: Uint32Array;
  readonly ipv4Suffixes: Uint16Array;
  readonly ipv4Sets: Uint8Array | Uint16Array | Uint32Array;
  readonly ipv4RangeIndex: Uint32Array;
  readonly ipv4RangeStarts: Uint32Array;
  readonly ipv4RangeSets: Uint32Array;
  readonly ipv6Index: Uint32Array;
  readonly ipv6Addresses: Uint32Array;
  readonly ipv6Sets: Uint8Array | Uint16Array | Uint32Array;
  readonly ipv6RangeIndex: Uint32Array;
  readonly ipv6RangeStarts: Uint32Array;
  readonly ipv6RangeSets: Uint32Array;
  readonly sets: Uint32Array;
  readonly members: Uint32Array;
  readonly provenances: Uint32Array;
  readonly details: Uint8Array;
}

/** IPv4 exact: the top 16 bits choose the bucket, the low 16 are stored. */
export const IPV4_BUCKETS = 1 << 16;
/** Words of a set: parent set, prefix length, first member, number of members. Set 0 is empty and stands for "none". */
export const SET_WORDS = 4;
/** Words of a provenance: feed, offset and length of its detail. Length 0: the feed says nothing beside the address. */
export const PROVENANCE_WORDS = 3;

/** The bucket of an IPv6 address before its top bits are taken: a multiply-xorshift over the four words. */
export function hashIpv6(w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(w0 ^ 0x9e37_79b9, 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 15) ^ w1, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 13) ^ w2, 0x27d4_eb2f);
  h = Math.imul(h ^ (h >>> 16) ^ w3, 0x1656_67b1);
  return (h ^ (h >>> 15)) >>> 0;
}

/** `foreign`: not a snapshot. `truncated`: shorter than it says. `corrupt`: its CRC does not hold. `inconsistent`: its parts contradict each other. */
export type SnapshotErrorCode =
  | 'foreign'
  | 'truncated'
  | 'unsupportedVersion'
  | 'unknownSection'
  | 'corrupt'
  | 'inconsistent';

export class SnapshotError extends Error {
  readonly code: SnapshotErrorCode;
  constructor(code: SnapshotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function notJson(cause: unknown): SnapshotError {
  return new SnapshotError('inconsistent', 'a JSON section of the snapshot does not parse', {
    cause,
  });
}
