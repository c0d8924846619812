// The indicator snapshot: one immutable little-endian file that is viewed as typed arrays, never parsed.
//
//   header     magic, version, CRC-32, length, number of sections, counts        HEADER_BYTES
//   table      per section: id, flags, offset, length                            SECTION_ENTRY_BYTES each
//   sections   each at an offset that is a multiple of 8, in the order of the table
//
// docs/indicator-index.md has the whole layout, enough for a second reader.
import type { FuseFilter } from './fuse-filter.ts';
import type { Ipv4Addresses } from './ipv4-addresses.ts';
import type { Ipv6Addresses } from './ipv6-addresses.ts';
import type { PackedColumn } from './packed.ts';
import type { Ipv4Ranges, Ipv6Ranges } from './ranges.ts';

export const FORMAT_VERSION = 3;
/** Version 2 had wider columns of IPv4 addresses and of sets; its files are still read. */
export const OLDEST_VERSION = 2;

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
  ipv4Addresses: 3,
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
  ipv4Filter: 19,
} as const;
export type SectionName = keyof typeof SECTION;
/** May be missing: lookups are right without it. */
export const OPTIONAL_SECTION = 'ipv4Filter';

/** The sections as views over one buffer, checked by `openSnapshot`. */
export interface SnapshotColumns {
  readonly ipv4: Ipv4Addresses;
  readonly ipv4Sets: PackedColumn;
  readonly ipv4Filter: FuseFilter | null;
  readonly ipv4Ranges: Ipv4Ranges;
  readonly ipv6: Ipv6Addresses;
  readonly ipv6Sets: PackedColumn;
  readonly ipv6Ranges: Ipv6Ranges;
  readonly sets: Uint32Array;
  readonly members: Uint32Array;
  readonly provenances: Uint32Array;
  readonly details: Uint8Array;
}

/** Words of a set: parent set, prefix length, first member, number of members. Set 0 is empty and stands for "none". */
export const SET_WORDS = 4;
/** Words of a provenance: feed, offset and length of its detail. Length 0: the feed says nothing beside the address. */
export const PROVENANCE_WORDS = 3;
