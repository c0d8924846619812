import { FEED_KINDS } from '../../domain/indicator/feed-kind.ts';
import { parseAsciiJson } from '../ascii-json.ts';
import { MAX_BUCKET_BITS } from './bucket-index.ts';
import { crc32 } from './crc32.ts';
import { FuseFilter, isFilter } from './fuse-filter.ts';
import { IndicatorSnapshot, type SnapshotFeedStat } from './indicator-snapshot.ts';
import {
  type Ipv4Columns,
  Ipv4Addresses,
  MAX_IPV4_ADDRESSES,
  ipv4BlockWords,
  ipv4IndexEntries,
} from './ipv4-addresses.ts';
import {
  CRC_FROM,
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  MAGIC_HIGH,
  MAGIC_LOW,
  OLDEST_VERSION,
  OPTIONAL_SECTION,
  PROVENANCE_WORDS,
  SECTION,
  SECTION_ALIGNMENT,
  SECTION_ENTRY_BYTES,
  SECTION_REQUIRED,
  SET_WORDS,
  type SectionName,
  type SnapshotColumns,
} from './layout.ts';
import { Ipv6Addresses } from './ipv6-addresses.ts';
import { PackedColumn, packedWords } from './packed.ts';
import { Ipv4Ranges, Ipv6Ranges, type RangeColumns } from './ranges.ts';
import { SnapshotError, notJson } from './snapshot-error.ts';
import { ipv4OfVersion2, setsOfVersion2 } from './version-2.ts';

/**
 * Checks a snapshot and views it. The snapshot keeps the bytes, which must not change any more; they are copied only if
 * they do not begin at a multiple of 8 in their buffer. `checksum` may be a faster CRC-32 (`node:zlib` has one).
 */
export function openSnapshot(
  bytes: Uint8Array,
  checksum: (bytes: Uint8Array) => number = crc32,
): IndicatorSnapshot {
  return open(bytes, checksum, false);
}

function open(
  bytes: Uint8Array,
  checksum: (bytes: Uint8Array) => number,
  isInside: boolean,
): IndicatorSnapshot {
  const aligned = bytes.byteOffset % SECTION_ALIGNMENT === 0 ? bytes : Uint8Array.from(bytes);
  const header = readHeader(aligned, checksum);
  const sections = readSections(aligned, header.sections);
  const columns = viewColumns(sections, header);
  const { ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = header;
  check(!isInside || sections.warningLists.length === 0, 'warning lists in warning lists');
  const warningLists =
    sections.warningLists.length === 0 ? null : open(sections.warningLists, checksum, true);
  return new IndicatorSnapshot(columns, readFeeds(sections.feeds), warningLists, {
    bytes: bytes.length,
    version: header.version,
    ipv4Addresses,
    ipv4Prefixes,
    ipv6Addresses,
    ipv6Prefixes,
    sections: Object.fromEntries(
      Object.entries(sections).map(([name, { byteLength }]) => [name, byteLength]),
    ),
  });
}

type Header = Record<keyof typeof HEADER, number>;
type Sections = Record<Exclude<SectionName, typeof OPTIONAL_SECTION>, Uint8Array> & {
  readonly [OPTIONAL_SECTION]?: Uint8Array;
};

function check(holds: boolean, found: string): asserts holds {
  if (!holds)
    throw new SnapshotError('inconsistent', `a consistent snapshot was expected: ${found}`);
}

function readHeader(bytes: Uint8Array, checksum: (bytes: Uint8Array) => number): Header {
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.length, HEADER_BYTES) >>> 2,
  );
  if (words[HEADER.magicLow] !== MAGIC_LOW || words[HEADER.magicHigh] !== MAGIC_HIGH) {
    throw new SnapshotError('foreign', 'this is not an indicator snapshot');
  }
  if (words.length < HEADER_BYTES / 4) {
    throw new SnapshotError(
      'truncated',
      `a header of ${HEADER_BYTES} bytes was expected, found ${bytes.length}`,
    );
  }
  const header = Object.fromEntries(
    Object.entries(HEADER).map(([name, word]) => [name, words[word]!]),
  ) as Header;
  if (header.version < OLDEST_VERSION || header.version > FORMAT_VERSION) {
    throw new SnapshotError(
      'unsupportedVersion',
      `version ${OLDEST_VERSION} or ${FORMAT_VERSION} was expected, found ${header.version}`,
    );
  }
  if (bytes.length < header.length) {
    throw new SnapshotError(
      'truncated',
      `${header.length} bytes were expected, found ${bytes.length}`,
    );
  }
  check(bytes.length === header.length, `${bytes.length - header.length} bytes too many`);
  if (checksum(bytes.subarray(CRC_FROM)) !== header.crc) {
    throw new SnapshotError('corrupt', 'the checksum of the snapshot does not hold');
  }
  return header;
}

/** Every known section, found once and inside the file; unknown ones are skipped unless the file requires them. */
function readSections(bytes: Uint8Array, count: number): Sections {
  const tableEnd = HEADER_BYTES + count * SECTION_ENTRY_BYTES;
  check(tableEnd <= bytes.length, `a table of ${count} sections`);
  const table = new Uint32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, count * 4);
  const names = new Map<number, string>(Object.entries(SECTION).map(([name, id]) => [id, name]));
  const sections: Partial<Record<string, Uint8Array>> = {};
  let end = tableEnd;
  for (let i = 0; i < count; i++) {
    const [id, flags, offset, length] = table.subarray(4 * i, 4 * i + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    check(offset % SECTION_ALIGNMENT === 0 && offset >= end, `section ${id} at ${offset}`);
    end = offset + length;
    check(end <= bytes.length, `section ${id} ends behind the file`);
    const name = names.get(id);
    if (name !== undefined) {
      check(sections[name] === undefined, `section ${name} twice`);
      sections[name] = bytes.subarray(offset, end);
    } else if ((flags & SECTION_REQUIRED) !== 0) {
      throw new SnapshotError(
        'unknownSection',
        `section ${id} is required, and unknown to this reader`,
      );
    }
  }
  for (const name of names.values()) {
    check(name === OPTIONAL_SECTION || sections[name] !== undefined, `no section ${name}`);
  }
  return sections as Sections;
}

function viewColumns(sections: Sections, header: Header): SnapshotColumns {
  const words = (name: Exclude<SectionName, 'ipv4Filter'>, wordsEach = 1): Uint32Array => {
    const { buffer, byteOffset, byteLength } = sections[name];
    check(byteLength % (4 * wordsEach) === 0, `section ${name} of ${byteLength} bytes`);
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  };
  const { version, ipv4Addresses, ipv6Addresses } = header;
  check(ipv4Addresses <= MAX_IPV4_ADDRESSES, `${ipv4Addresses} IPv4 addresses`);
  const setsOf = (name: 'ipv4Sets' | 'ipv6Sets', count: number) =>
    version === 2
      ? setsOfVersion2(sections[name], count, check)
      : setColumn(name, words(name), count);
  const ipv4 = new Ipv4Addresses(
    version === 2
      ? ipv4OfVersion2(words('ipv4Index'), sections.ipv4Addresses, check)
      : checkedIpv4(words('ipv4Index'), words('ipv4Addresses'), ipv4Addresses),
  );
  check(ipv4.count === ipv4Addresses, 'the header counts other IPv4 addresses');
  const ipv6 = new Ipv6Addresses(words('ipv6Index'), words('ipv6Addresses', 4));
  check(ipv6.count === ipv6Addresses, 'the header counts other IPv6 addresses');
  checkIndex('ipv6Index', words('ipv6Index'), ipv6Addresses);
  const rangesOf = (family: 'ipv4' | 'ipv6') => ({
    index: words(`${family}RangeIndex`),
    starts: words(`${family}RangeStarts`, family === 'ipv4' ? 1 : 4),
    sets: words(`${family}RangeSets`),
  });
  const [ipv4Ranges, ipv6Ranges] = [rangesOf('ipv4'), rangesOf('ipv6')];
  checkRanges('ipv4', ipv4Ranges, 1);
  checkRanges('ipv6', ipv6Ranges, 4);
  return {
    ipv4,
    ipv4Sets: setsOf('ipv4Sets', ipv4Addresses),
    ipv4Filter: filterOf(sections.ipv4Filter),
    ipv4Ranges: new Ipv4Ranges(ipv4Ranges),
    ipv6,
    ipv6Sets: setsOf('ipv6Sets', ipv6Addresses),
    ipv6Ranges: new Ipv6Ranges(ipv6Ranges),
    sets: words('sets', SET_WORDS),
    members: words('members'),
    provenances: words('provenances', PROVENANCE_WORDS),
    details: sections.details,
  };
}

/** What the blocks hold is left unchecked: no lookup leaves its bucket, and reading all back finds a torn one. */
function checkedIpv4(index: Uint32Array, blocks: Uint32Array, count: number): Ipv4Columns {
  check(index.length === ipv4IndexEntries(count), `an ipv4Index of ${index.length} entries`);
  check(blocks.length === ipv4BlockWords(count), `blocks of ${blocks.length} words`);
  checkMonotone('ipv4Index', index, count);
  return { index, blocks };
}

function setColumn(name: string, words: Uint32Array, count: number): PackedColumn {
  const width = words[1] ?? Infinity;
  check(
    width <= 32 && words.length === packedWords(count, width),
    `${name} of ${words.length} words for ${count} addresses`,
  );
  return new PackedColumn(words, count);
}

function filterOf(section: Uint8Array | undefined): FuseFilter | null {
  if (section === undefined) return null;
  check(isFilter(section), `a filter of ${section.length} bytes`);
  return new FuseFilter(section);
}

/** After this no lookup can leave its column: a bucket is a slice of it, whatever is asked for. */
function checkIndex(name: string, index: Uint32Array, count: number): void {
  const bits = 31 - Math.clz32(index.length - 1);
  check(
    bits >= 1 && bits <= MAX_BUCKET_BITS && index.length === 2 ** bits + 1,
    `${name} of ${index.length} entries`,
  );
  checkMonotone(name, index, count);
}

function checkMonotone(name: string, index: Uint32Array, count: number): void {
  check(index[0] === 0 && index.at(-1) === count, `${name} is not about ${count} entries`);
  let before = 0;
  for (let i = 0; i < index.length; i++) {
    const entry = index[i]!;
    if (entry < before) check(false, `${name} runs backwards`);
    before = entry;
  }
}

function checkRanges(name: string, { index, starts, sets }: RangeColumns, wordsEach: number): void {
  checkIndex(`${name}RangeIndex`, index, sets.length);
  check(
    starts.length === sets.length * wordsEach,
    `${name} ranges and their sets differ in number`,
  );
  // A search yields the piece before the one it ends at: the first must begin at the first address and lie in the first bucket.
  const beginsAtZero = starts.subarray(0, wordsEach).every((word) => word === 0);
  check(sets.length > 0 && index[1]! > 0 && beginsAtZero, `${name} ranges begin late`);
  for (let i = 1; i < sets.length; i++) {
    // Maps are made from the ranges: in order they cover the address space once, else as often as someone likes.
    if (!isBefore(starts, i - 1, i, wordsEach)) check(false, `${name} ranges are in no order`);
  }
}

function isBefore(words: Uint32Array, a: number, b: number, wordsEach: number): boolean {
  for (let word = 0; word < wordsEach; word++) {
    const [one, other] = [words[a * wordsEach + word]!, words[b * wordsEach + word]!];
    if (one !== other) return one < other;
  }
  return false;
}

function readFeeds(section: Uint8Array): readonly SnapshotFeedStat[] {
  const feeds = parseAsciiJson(section, notJson);
  check(Array.isArray(feeds), 'the feeds are no list');
  return feeds.map((feed: unknown) => {
    check(typeof feed === 'object' && feed !== null, 'a feed is no object');
    const { name, indicators, kind = 'threat' } = feed as Record<string, unknown>;
    const known = FEED_KINDS.find((one) => one === kind);
    check(
      typeof name === 'string' && typeof indicators === 'number',
      'a feed without name or count',
    );
    check(known !== undefined, `a feed of the kind ${String(kind)}`);
    return { name, kind: known, indicators };
  });
}
