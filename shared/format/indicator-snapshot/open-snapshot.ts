import { FEED_KINDS } from '../../domain/indicator/feed-kind.ts';
import { parseAsciiJson } from '../ascii-json.ts';
import { MAX_BUCKET_BITS } from './bucket-index.ts';
import { crc32 } from './crc32.ts';
import { IndicatorSnapshot, type SnapshotFeedStat } from './indicator-snapshot.ts';
import {
  CRC_FROM,
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  IPV4_BUCKETS,
  MAGIC_HIGH,
  MAGIC_LOW,
  OLDEST_VERSION,
  PROVENANCE_WORDS,
  SECTION,
  SECTION_ALIGNMENT,
  SECTION_ENTRY_BYTES,
  SECTION_REQUIRED,
  SINCE_VERSION_2,
  SET_WORDS,
  type SectionName,
  type SnapshotColumns,
  SnapshotError,
  notJson,
} from './layout.ts';

/**
 * Checks a snapshot and views it. The snapshot keeps the bytes, which must not change any more; they are copied only if
 * they do not begin at a multiple of 8 in their buffer. `checksum` may be a faster CRC-32 (`node:zlib` has one).
 */
export function openSnapshot(
  bytes: Uint8Array,
  checksum: (bytes: Uint8Array) => number = crc32,
): IndicatorSnapshot {
  const aligned = bytes.byteOffset % SECTION_ALIGNMENT === 0 ? bytes : Uint8Array.from(bytes);
  const header = readHeader(aligned, checksum);
  const sections = readSections(aligned, header.sections, header.version);
  const columns = viewColumns(sections);
  const { ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = header;
  check(ipv4Addresses === columns.ipv4Suffixes.length, 'the header counts other IPv4 addresses');
  check(ipv6Addresses === columns.ipv6Sets.length, 'the header counts other IPv6 addresses');
  const warningLists =
    sections.warningLists === undefined || sections.warningLists.length === 0
      ? null
      : openSnapshot(sections.warningLists, checksum);
  check((warningLists?.stat.warningLists ?? []).length === 0, 'warning lists in warning lists');
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
type Sections = Record<Exclude<SectionName, 'warningLists'>, Uint8Array> & {
  readonly warningLists?: Uint8Array;
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
function readSections(bytes: Uint8Array, count: number, version: number): Sections {
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
    const needed = version > 1 || !(SINCE_VERSION_2 as readonly string[]).includes(name);
    check(!needed || sections[name] !== undefined, `no section ${name}`);
  }
  return sections as Sections;
}

function viewColumns(sections: Sections): SnapshotColumns {
  const words = (name: keyof Omit<Sections, 'warningLists'>, wordsEach = 1): Uint32Array => {
    const { buffer, byteOffset, byteLength } = sections[name];
    check(byteLength % (4 * wordsEach) === 0, `section ${name} of ${byteLength} bytes`);
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  };
  check(sections.ipv4Suffixes.byteLength % 2 === 0, 'half a suffix');
  const suffixes = sections.ipv4Suffixes;
  const columns = {
    ipv4Index: words('ipv4Index'),
    ipv4Suffixes: new Uint16Array(suffixes.buffer, suffixes.byteOffset, suffixes.byteLength / 2),
    ipv4Sets: setColumn(sections.ipv4Sets, suffixes.byteLength / 2),
    ipv4RangeIndex: words('ipv4RangeIndex'),
    ipv4RangeStarts: words('ipv4RangeStarts'),
    ipv4RangeSets: words('ipv4RangeSets'),
    ipv6Index: words('ipv6Index'),
    ipv6Addresses: words('ipv6Addresses', 4),
    ipv6Sets: setColumn(sections.ipv6Sets, sections.ipv6Addresses.byteLength / 16),
    ipv6RangeIndex: words('ipv6RangeIndex'),
    ipv6RangeStarts: words('ipv6RangeStarts', 4),
    ipv6RangeSets: words('ipv6RangeSets'),
    sets: words('sets', SET_WORDS),
    members: words('members'),
    provenances: words('provenances', PROVENANCE_WORDS),
    details: sections.details,
  };
  check(columns.ipv4Index.length === IPV4_BUCKETS + 1, 'an IPv4 index of another size');
  checkIndex('ipv4Index', columns.ipv4Index, columns.ipv4Suffixes.length);
  checkIndex('ipv6Index', columns.ipv6Index, columns.ipv6Sets.length);
  checkRanges('ipv4', columns.ipv4RangeIndex, columns.ipv4RangeStarts, 1, columns.ipv4RangeSets);
  checkRanges('ipv6', columns.ipv6RangeIndex, columns.ipv6RangeStarts, 4, columns.ipv6RangeSets);
  return columns;
}

/** As wide as its length says: one, two or four bytes an address. */
function setColumn(section: Uint8Array, count: number): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = section;
  if (byteLength === count) return section;
  if (byteLength === 2 * count) return new Uint16Array(buffer, byteOffset, count);
  check(byteLength === 4 * count, `${byteLength} bytes of sets for ${count} addresses`);
  return new Uint32Array(buffer, byteOffset, count);
}

/** After this no lookup can leave its column: a bucket is a slice of it, whatever is asked for. */
function checkIndex(name: string, index: Uint32Array, count: number): void {
  const bits = 31 - Math.clz32(Math.max(index.length - 1, 1));
  check(
    bits >= 1 && bits <= MAX_BUCKET_BITS && index.length === 2 ** bits + 1,
    `${name} of ${index.length} entries`,
  );
  check(index[0] === 0 && index.at(-1) === count, `${name} is not about ${count} entries`);
  let before = 0;
  for (const entry of index) {
    check(entry >= before, `${name} runs backwards`);
    before = entry;
  }
}

function checkRanges(
  name: string,
  index: Uint32Array,
  starts: Uint32Array,
  wordsEach: number,
  sets: Uint32Array,
): void {
  checkIndex(`${name}RangeIndex`, index, sets.length);
  check(
    starts.length === sets.length * wordsEach,
    `${name} ranges and their sets differ in number`,
  );
  // A search yields the piece before the one it ends at: the first must begin at the first address and lie in the first bucket.
  const beginsAtZero = starts.subarray(0, wordsEach).every((word) => word === 0);
  check(sets.length > 0 && index[1]! > 0 && beginsAtZero, `${name} ranges begin late`);
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
