// Single IPv4 addresses, sorted, in 13 bits each where there are five million: an Elias-Fano code cut into blocks, so
// that a lookup reads one place in the index and one in the blocks.
//
//   address   | bucket | group (5 bits) | low (L bits) |
//   block     32 bits: bit g is 1 if group g has addresses
//             one bit an address: 1 for the last one of its group
//             L bits an address: its low bits
//
// The block of bucket b begins at bit 32 * b + index[b] * (1 + L): no block stores where it begins.
import { bitsAt } from './packed.ts';
import { SnapshotError } from './snapshot-error.ts';

const GROUP_BITS = 5;
const GROUPS = 1 << GROUP_BITS;
const MAX_LOW_BITS = 24;
/** Bits of all blocks stay below 2^31, so that positions are small integers. */
export const MAX_IPV4_ADDRESSES = 2 ** 28 - 1;
/** In a bucket with more addresses the groups are found once and kept: a scan would be as long as the bucket. */
const MAX_SCANNED = 256;

export interface Ipv4Columns {
  /** Entry `b` is the number of addresses in buckets below `b`. */
  readonly index: Uint32Array;
  readonly blocks: Uint32Array;
}

/** Low bits of an address among so many: buckets hold 16 to 31 on average. */
export function lowBitsFor(count: number): number {
  return Math.min(Math.clz32(count), MAX_LOW_BITS);
}

export function ipv4IndexEntries(count: number): number {
  return 2 ** (32 - lowBitsFor(count) - GROUP_BITS) + 1;
}

/** Two words more than the bits need: a lookup reads words in pairs. */
export function ipv4BlockWords(count: number): number {
  const lowBits = lowBitsFor(count);
  return Math.floor((2 ** (32 - lowBits) + count * (1 + lowBits)) / 32) + 2;
}

/** `words` are sorted and distinct. */
export function encodeIpv4(words: Uint32Array): Ipv4Columns {
  const count = words.length;
  if (count > MAX_IPV4_ADDRESSES) throw new RangeError('a snapshot has at most 2^28 - 1 addresses');
  const lowBits = lowBitsFor(count);
  const lowMask = 2 ** lowBits - 1;
  const index = new Uint32Array(ipv4IndexEntries(count));
  const blocks = new Uint32Array(ipv4BlockWords(count));
  let first = 0;
  for (let bucket = 0; bucket < index.length - 1; bucket++) {
    index[bucket] = first;
    const start = bucket * GROUPS + first * (1 + lowBits);
    const marks = start + GROUPS;
    let end = first;
    for (; end < count; end++) {
      const group = words[end]! >>> lowBits;
      if (group >>> GROUP_BITS !== bucket) break;
      const occupied = start + (group & (GROUPS - 1));
      blocks[occupied >>> 5]! |= 1 << occupied;
      if (end + 1 === count || words[end + 1]! >>> lowBits !== group) {
        const mark = marks + end - first;
        blocks[mark >>> 5]! |= 1 << mark;
      }
    }
    let at = marks + end - first;
    for (let i = first; i < end; i++, at += lowBits) {
      const low = words[i]! & lowMask;
      blocks[at >>> 5]! |= low << at;
      // What does not fit goes into the next word: nothing, where it does.
      blocks[(at >>> 5) + 1]! |= (low >>> 1) >>> ~at;
    }
    first = end;
  }
  index[index.length - 1] = count;
  return { index, blocks };
}

/**
 * Lookups in checked columns: the index never falls and ends with the count, the blocks have their length. What the blocks
 * hold is not checked: every loop ends with its bucket, whatever stands there.
 */
export class Ipv4Addresses {
  readonly count: number;
  readonly #lowBits: number;
  readonly #lowMask: number;
  readonly #index: Uint32Array;
  readonly #blocks: Uint32Array;
  /** For each crowded bucket that was asked for: where each of its groups begins, and the last one ends. */
  readonly #crowded = new Map<number, Uint32Array>();

  constructor({ index, blocks }: Ipv4Columns) {
    this.count = index.at(-1)!;
    this.#lowBits = lowBitsFor(this.count);
    this.#lowMask = 2 ** this.#lowBits - 1;
    this.#index = index;
    this.#blocks = blocks;
  }

  /** The place of the address among all, -1 if it is not there. Signed or unsigned; signed is faster, being a small integer. */
  find(address: number): number {
    const lowBits = this.#lowBits;
    const blocks = this.#blocks;
    const group = address >>> lowBits;
    const bucket = group >>> GROUP_BITS;
    const first = this.#index[bucket]!;
    const start = (bucket << GROUP_BITS) + Math.imul(first, lowBits + 1);
    const occupied = bitsAt(blocks, start);
    if (((occupied >>> group) & 1) === 0) return -1;
    const count = this.#index[bucket + 1]! - first;
    if (count > MAX_SCANNED) return this.#findCrowded(address, bucket, first, count);
    const marks = start + GROUPS;
    let at = afterMarks(blocks, marks, count, popcount(occupied & ((1 << group) - 1)));
    const low = address & this.#lowMask;
    let lowAt = marks + count + Math.imul(at, lowBits);
    for (; at < count; at++, lowAt += lowBits) {
      const found = bitsAt(blocks, lowAt) & this.#lowMask;
      if (found >= low) return found === low ? first + at : -1;
      const mark = marks + at;
      if (((blocks[mark >>> 5]! >>> mark) & 1) === 1) return -1;
    }
    return -1;
  }

  /** All addresses, in order. */
  all(): Uint32Array {
    const words = new Uint32Array(this.count);
    const [lowBits, blocks] = [this.#lowBits, this.#blocks];
    for (let bucket = 0; bucket < this.#index.length - 1; bucket++) {
      const first = this.#index[bucket]!;
      const end = this.#index[bucket + 1]!;
      const start = bucket * GROUPS + first * (1 + lowBits);
      let occupied = first === end ? 0 : bitsAt(blocks, start);
      let mark = start + GROUPS;
      let lowAt = mark + end - first;
      for (let i = first; i < end; i++, mark++, lowAt += lowBits) {
        if (occupied === 0) throw new SnapshotError('inconsistent', `bucket ${bucket} is torn`);
        const group = (bucket << GROUP_BITS) + 31 - Math.clz32(occupied & -occupied);
        words[i] = (group << lowBits) | (bitsAt(blocks, lowAt) & this.#lowMask);
        if (((blocks[mark >>> 5]! >>> mark) & 1) === 1) occupied &= occupied - 1;
      }
    }
    return words;
  }

  /** A binary search in the group: a listed /16 in a short list may have tens of thousands in one. */
  #findCrowded(address: number, bucket: number, first: number, count: number): number {
    const lowBits = this.#lowBits;
    const marks = (bucket << GROUP_BITS) + Math.imul(first, lowBits + 1) + GROUPS;
    const groups = this.#groupsOf(bucket, marks, count);
    const group = (address >>> lowBits) & (GROUPS - 1);
    const low = address & this.#lowMask;
    let from = groups[group]!;
    const end = groups[group + 1]!;
    let to = end;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const found = bitsAt(this.#blocks, marks + count + Math.imul(middle, lowBits));
      if ((found & this.#lowMask) < low) from = middle + 1;
      else to = middle;
    }
    if (from === end) return -1;
    const found = bitsAt(this.#blocks, marks + count + Math.imul(from, lowBits)) & this.#lowMask;
    return found === low ? first + from : -1;
  }

  #groupsOf(bucket: number, marks: number, count: number): Uint32Array {
    const known = this.#crowded.get(bucket);
    if (known !== undefined) return known;
    const groups = new Uint32Array(GROUPS + 1);
    const occupied = bitsAt(this.#blocks, marks - GROUPS);
    let at = 0;
    for (let group = 0; group < GROUPS; group++) {
      groups[group] = at;
      if (((occupied >>> group) & 1) === 1)
        at += afterMarks(this.#blocks, marks + at, count - at, 1);
    }
    groups[GROUPS] = at;
    this.#crowded.set(bucket, groups);
    return groups;
  }
}

/** The place behind the first so many ones among `count` bits from `from` on; `count` if there are fewer. */
function afterMarks(bits: Uint32Array, from: number, count: number, ones: number): number {
  if (ones === 0) return 0;
  for (let base = 0; base < count; base += 32) {
    const word = bitsAt(bits, from + base);
    const below = onesByByte(word);
    const total = below >>> 24;
    if (ones <= total) return Math.min(base + selectBit(word, below, ones - 1) + 1, count);
    ones -= total;
  }
  return count;
}

/** Byte `j` of it: the ones in bytes 0 to `j` of the word. */
function onesByByte(word: number): number {
  let sums = word - ((word >>> 1) & 0x5555_5555);
  sums = (sums & 0x3333_3333) + ((sums >>> 2) & 0x3333_3333);
  return Math.imul((sums + (sums >>> 4)) & 0x0f0f_0f0f, 0x0101_0101);
}

function popcount(word: number): number {
  return onesByByte(word) >>> 24;
}

/**
 * Where the one number `rank` (from 0) of the word stands. Without a branch: what is guessed wrong here costs more than the
 * arithmetic.
 */
function selectBit(word: number, below: number, rank: number): number {
  // The high bit of every byte whose sum is at most the rank: those bytes are passed.
  const passed = ((Math.imul(rank, 0x0101_0101) | 0x8080_8080) - below) & 0x8080_8080;
  const shift = (Math.imul(passed >>> 7, 0x0101_0101) >>> 24) << 3;
  const rankInByte = rank - (((below << 8) >>> shift) & 255);
  return shift + SELECT_IN_BYTE[(((word >>> shift) & 255) << 3) | rankInByte]!;
}

/** Where the one number `r` of byte `b` stands: entry `8 * b + r`. */
const SELECT_IN_BYTE = Uint8Array.from({ length: 2048 }, (_, entry) => {
  const ones = [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => ((entry >>> 3) >>> bit) & 1);
  return ones[entry & 7] ?? 0;
});
