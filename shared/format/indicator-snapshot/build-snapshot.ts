import type { FeedKind } from '../../domain/indicator/feed-kind.ts';
import { toAsciiJson, writeAscii } from '../ascii-json.ts';
import { bucketBitsFor, bucketIndex } from './bucket-index.ts';
import { type Collected, type SnapshotFeed, collect } from './collect.ts';
import { crc32 } from './crc32.ts';
import { type ExactAddresses, exactIpv4, exactIpv6 } from './exact.ts';
import { type Pieces, flatten } from './flatten.ts';
import { buildFilter } from './fuse-filter.ts';
import { encodeIpv4 } from './ipv4-addresses.ts';
import { hashIpv6 } from './ipv6-addresses.ts';
import {
  CRC_FROM,
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  MAGIC_HIGH,
  MAGIC_LOW,
  OPTIONAL_SECTION,
  PROVENANCE_WORDS,
  SECTION,
  SECTION_ALIGNMENT,
  SECTION_ENTRY_BYTES,
  SECTION_REQUIRED,
  type SectionName,
  SET_WORDS,
} from './layout.ts';
import { packColumn } from './packed.ts';
import { SetTable } from './set-table.ts';

type Column = Uint8Array | Uint32Array;
type Sections = Record<Exclude<SectionName, typeof OPTIONAL_SECTION>, Column> & {
  readonly [OPTIONAL_SECTION]: Column | null;
};
type Counts = Record<'ipv4Addresses' | 'ipv4Prefixes' | 'ipv6Addresses' | 'ipv6Prefixes', number>;

/** More buckets cost memory that a lookup touches; 2^16 were best for ranges. */
const MAX_RANGE_BUCKET_BITS = 16;

export interface BuildOptions {
  /** A faster CRC-32, if there is one: `node:zlib` has it. */
  readonly checksum?: (bytes: Uint8Array) => number;
  /**
   * Whether to add a filter of the single IPv4 addresses: nine bits an address more, and a miss costs a third. Off for files
   * that are only read back.
   */
  readonly filter?: boolean;
}

/**
 * The snapshot of these feeds. The same feeds, in any order and each with its indicators in any order or repeated, give
 * the same bytes.
 */
export function buildSnapshot(
  feeds: readonly SnapshotFeed[],
  { checksum = crc32, filter = false }: BuildOptions = {},
): Uint8Array {
  const isWarningList = ({ kind }: SnapshotFeed) => kind === 'warningList';
  const warningLists = feeds.filter(isWarningList);
  // A file of its own inside: asked on a hit only, so resolvers and clouds cost the other lookups nothing.
  const inside =
    warningLists.length === 0
      ? NONE
      : build(collect(warningLists), NONE, { checksum, filter: false });
  return build(collect(feeds.filter((feed) => !isWarningList(feed))), inside, { checksum, filter });
}

const NONE = new Uint8Array(0);

function build(
  collected: Collected,
  warningLists: Uint8Array,
  { checksum, filter }: Required<BuildOptions>,
): Uint8Array {
  const sets = new SetTable();
  // Sets are numbered as they are met: those of single addresses first, which keeps their column narrow.
  const ipv4 = exactIpv4(collected.ipv4, sets);
  const ipv6 = exactIpv6(collected.ipv6, sets);
  const ipv4Ranges = flatten(collected.prefixes[4], sets);
  const ipv6Ranges = flatten(collected.prefixes[6], sets);
  const uses = new Uint32Array(sets.sets.length / SET_WORDS);
  for (const one of [ipv4, ipv6]) {
    if (typeof one.sets === 'number') uses[one.sets] = one.words.length;
    else for (let i = 0; i < one.sets.length; i++) uses[one.sets[i]!]!++;
  }
  for (const { setsOfPrefixes } of [ipv4Ranges, ipv6Ranges]) {
    for (const set of setsOfPrefixes) uses[set]!++;
  }
  const counts = {
    ipv4Addresses: ipv4.words.length,
    ipv4Prefixes: ipv4Ranges.setsOfPrefixes.length,
    ipv6Addresses: ipv6.words.length / 4,
    ipv6Prefixes: ipv6Ranges.setsOfPrefixes.length,
  };
  return assemble(counts, checksum, {
    feeds: asciiColumn([toAsciiJson(feedTable(collected, sets, uses))]),
    ...ipv4Sections(ipv4),
    ...ipv4RangeSections(ipv4Ranges),
    ...ipv6Sections(ipv6),
    ...ipv6RangeSections(ipv6Ranges),
    sets: sets.sets,
    members: sets.members,
    ...provenanceSections(collected),
    warningLists,
    ipv4Filter: filter ? buildFilter(ipv4.words) : null,
  });
}

/** How many different indicators each feed has: every address or prefix counts all members of its own set. */
function feedTable(
  { feeds, provenances }: Collected,
  { sets, members }: SetTable,
  uses: Uint32Array,
): { name: string; kind: FeedKind; indicators: number }[] {
  const indicators = feeds.map(() => 0);
  for (const [set, times] of uses.entries()) {
    const from = sets[set * SET_WORDS + 2]!;
    const end = from + sets[set * SET_WORDS + 3]!;
    for (const member of members.subarray(from, end)) {
      indicators[provenances[member]!.feed]! += times;
    }
  }
  return feeds.map(({ name, kind }, feed) => ({ name, kind, indicators: indicators[feed]! }));
}

function ipv4Sections({ words, sets }: ExactAddresses) {
  const { index, blocks } = encodeIpv4(words);
  return { ipv4Index: index, ipv4Addresses: blocks, ipv4Sets: packColumn(sets) };
}

function ipv4RangeSections({ starts, sets }: Pieces) {
  const bits = bucketBitsFor(starts.length, MAX_RANGE_BUCKET_BITS);
  return {
    ipv4RangeIndex: bucketIndex(starts.length, bits, (i) => starts[i]![0]),
    ipv4RangeStarts: Uint32Array.from(starts, (words) => words[0]),
    ipv4RangeSets: Uint32Array.from(sets),
  };
}

/** Dealt into the buckets of their hash; inside a bucket the order of addresses stays, for a binary search. */
function ipv6Sections({ words, sets }: ExactAddresses) {
  const count = words.length / 4;
  const bits = bucketBitsFor(count);
  const hashes = Uint32Array.from({ length: count }, (_, i) =>
    hashIpv6(words[4 * i]!, words[4 * i + 1]!, words[4 * i + 2]!, words[4 * i + 3]!),
  );
  const index = bucketIndex(count, bits, (i) => hashes[i]!);
  const next = index.slice();
  const dealt = { words: new Uint32Array(words.length), sets: new Uint32Array(count) };
  for (let i = 0; i < count; i++) {
    const to = next[hashes[i]! >>> (32 - bits)]!++;
    dealt.words.set(words.subarray(4 * i, 4 * i + 4), 4 * to);
    dealt.sets[to] = typeof sets === 'number' ? sets : sets[i]!;
  }
  return { ipv6Index: index, ipv6Addresses: dealt.words, ipv6Sets: packColumn(dealt.sets) };
}

function ipv6RangeSections({ starts, sets }: Pieces) {
  const bits = bucketBitsFor(starts.length, MAX_RANGE_BUCKET_BITS);
  return {
    ipv6RangeIndex: bucketIndex(starts.length, bits, (i) => starts[i]![0]),
    ipv6RangeStarts: Uint32Array.from(starts.flat()),
    ipv6RangeSets: Uint32Array.from(sets),
  };
}

function provenanceSections({ provenances }: Collected) {
  const table = new Uint32Array(provenances.length * PROVENANCE_WORDS);
  let at = 0;
  for (const [i, { feed, detail }] of provenances.entries()) {
    table.set([feed, at, detail.length], i * PROVENANCE_WORDS);
    at += detail.length;
  }
  return { provenances: table, details: asciiColumn(provenances.map((p) => p.detail)) };
}

function asciiColumn(texts: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0));
  let at = 0;
  for (const text of texts) {
    writeAscii(text, bytes, at);
    at += text.length;
  }
  return bytes;
}

function assemble(
  counts: Counts,
  checksum: (bytes: Uint8Array) => number,
  sections: Sections,
): Uint8Array {
  const named = (Object.keys(SECTION) as SectionName[]).flatMap((name) => {
    const column = sections[name];
    const flags = name === OPTIONAL_SECTION ? 0 : SECTION_REQUIRED;
    return column === null ? [] : [{ id: SECTION[name], flags, column }];
  });
  const tableEnd = HEADER_BYTES + named.length * SECTION_ENTRY_BYTES;
  const length = named.reduce((end, { column }) => align(end) + column.byteLength, tableEnd);
  if (length > 0xffff_ffff) throw new RangeError('a snapshot cannot be larger than 4 GB');

  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const writeWord = (word: number, value: number) => view.setUint32(word * 4, value, true);
  let offset = tableEnd;
  for (const [i, { id, flags, column }] of named.entries()) {
    offset = align(offset);
    const entry = [id, flags, offset, column.byteLength];
    for (const [word, value] of entry.entries()) {
      writeWord((HEADER_BYTES + i * SECTION_ENTRY_BYTES) / 4 + word, value);
    }
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), offset);
    offset += column.byteLength;
  }
  const header = {
    magicLow: MAGIC_LOW,
    magicHigh: MAGIC_HIGH,
    version: FORMAT_VERSION,
    length,
    sections: named.length,
    ...counts,
  };
  for (const [name, value] of Object.entries(header)) {
    writeWord(HEADER[name as keyof typeof HEADER], value);
  }
  writeWord(HEADER.crc, checksum(bytes.subarray(CRC_FROM)));
  return bytes;
}

function align(offset: number): number {
  return Math.ceil(offset / SECTION_ALIGNMENT) * SECTION_ALIGNMENT;
}
