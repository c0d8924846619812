// A binary fuse filter (Graf and Lemire, "Binary Fuse Filters", 2022) with fingerprints of 8 bits: nine bits a key, three
// loads a question, no key missed and one stranger in 256 let through.
//
//   words     seed, log2 of the segment length S, number of segments, 0        FILTER_HEADER_WORDS
//   bytes     (segments + 2) * S fingerprints
//
// A key is listed, maybe, if its fingerprint is the exclusive or of the bytes at its three places, which lie in three
// segments side by side.

const FILTER_HEADER_WORDS = 4;
const MAX_SEGMENT_BITS = 18;
/** The segment is the top 20 bits of the hash times the number of segments: less than 2^32 up to this. */
const MAX_SEGMENTS = 1 << 12;
/** Fewer keys are in the cache anyway. */
const LEAST_KEYS = 4096;
/** One attempt in some hundred fails; keys that fail them all were made to. */
const MAX_ATTEMPTS = 32;

/**
 * Of distinct keys; the same keys in the same order give the same bytes. Null where none is worth it, or none can be made.
 * `mixed` goes into the seeds: with one that is known beforehand, 2,048 made addresses spoil all of them.
 */
export function buildFilter(keys: Uint32Array, mixed = mixOf(keys)): Uint8Array | null {
  if (keys.length < LEAST_KEYS) return null;
  // The sizes of the paper's own implementation, for three places a key.
  const bits = Math.min(
    Math.floor(Math.log(keys.length) / Math.log(3.33) + 2.25),
    MAX_SEGMENT_BITS,
  );
  const spare = Math.max(1.125, 0.875 + (0.25 * Math.log(1e6)) / Math.log(keys.length));
  const segments = Math.ceil((keys.length * spare) / 2 ** bits) - 2;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const seed = (Math.imul(attempt, 0x9e37_79b9) ^ mixed) >>> 0;
    const fingerprints = fingerprintsOf(keys, seed, bits, segments);
    if (fingerprints === null) continue;
    const section = new Uint8Array(4 * FILTER_HEADER_WORDS + fingerprints.length);
    new Uint32Array(section.buffer, 0, FILTER_HEADER_WORDS).set([seed, bits, segments]);
    section.set(fingerprints, 4 * FILTER_HEADER_WORDS);
    return section;
  }
  return null;
}

/** A number that depends on every key: who knows the whole list may choose it, who writes a part of it may not. */
function mixOf(keys: Uint32Array): number {
  let mix = 0;
  for (let i = 0; i < keys.length; i++) {
    mix = Math.imul(mix ^ keys[i]!, 0x85eb_ca6b);
    mix ^= mix >>> 15;
  }
  return mix;
}

/** Null if some keys share all their places with others. */
function fingerprintsOf(
  keys: Uint32Array,
  seed: number,
  bits: number,
  segments: number,
): Uint8Array | null {
  const hashes = hashesBySegment(keys, seed, segments);
  const peeled = peel(hashes, bits, segments);
  if (peeled === null) return null;
  const { order, turns } = peeled;
  const mask = 2 ** bits - 1;
  const fingerprints = new Uint8Array((segments + 2) * 2 ** bits);
  // Backwards: when a key's own place is written, nobody behind it looks there.
  for (let i = order.length - 1; i >= 0; i--) {
    const hash = order[i]!;
    const second = secondHash(hash);
    const first = segmentOf(hash, segments) << bits;
    const place0 = first + (hash & mask);
    const place1 = first + mask + 1 + (second & mask);
    const place2 = first + 2 * (mask + 1) + (second >>> (32 - bits));
    const others = fingerprints[place0]! ^ fingerprints[place1]! ^ fingerprints[place2]!;
    const turn = turns[i]!;
    fingerprints[turn === 0 ? place0 : turn === 1 ? place1 : place2] =
      others ^ fingerprintOf(hash, second);
  }
  return fingerprints;
}

/** Dealt by segment, so that what follows walks through memory and not about in it. */
function hashesBySegment(keys: Uint32Array, seed: number, segments: number): Uint32Array {
  const hashes = new Uint32Array(keys.length);
  const next = new Uint32Array(segments + 1);
  for (let i = 0; i < keys.length; i++) {
    const hash = hashOf(keys[i]!, seed);
    hashes[i] = hash;
    next[segmentOf(hash, segments) + 1]!++;
  }
  for (let segment = 0; segment < segments; segment++) next[segment + 1]! += next[segment]!;
  const dealt = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const hash = hashes[i]!;
    dealt[next[segmentOf(hash, segments)]!++] = hash;
  }
  return dealt;
}

/**
 * Takes away, again and again, a key that has a place for itself. `order` are the keys (by hash, which tells them apart) as
 * they went, `turns` which of their places was theirs.
 */
function peel(
  hashes: Uint32Array,
  bits: number,
  segments: number,
): { order: Uint32Array; turns: Uint8Array } | null {
  const mask = 2 ** bits - 1;
  const size = (segments + 2) * 2 ** bits;
  // Of the keys at a place: how many (times 4) with the exclusive or of their turns below, and that of their hashes.
  const tallies = new Uint8Array(size);
  const mixed = new Uint32Array(size);
  for (let i = 0; i < hashes.length; i++) {
    const hash = hashes[i]!;
    const second = secondHash(hash);
    const first = segmentOf(hash, segments) << bits;
    const place0 = first + (hash & mask);
    const place1 = first + mask + 1 + (second & mask);
    const place2 = first + 2 * (mask + 1) + (second >>> (32 - bits));
    tallies[place0]! += 4;
    tallies[place1] = (tallies[place1]! + 4) ^ 1;
    tallies[place2] = (tallies[place2]! + 4) ^ 2;
    mixed[place0]! ^= hash;
    mixed[place1]! ^= hash;
    mixed[place2]! ^= hash;
    // 64 keys at one place: a tally that runs over would lose keys.
    if (tallies[place0]! < 4 || tallies[place1] < 4 || tallies[place2] < 4) return null;
  }
  const alone = new Uint32Array(size);
  let waiting = 0;
  for (let place = 0; place < size; place++) {
    if (tallies[place]! >>> 2 === 1) alone[waiting++] = place;
  }
  const order = new Uint32Array(hashes.length);
  const turns = new Uint8Array(hashes.length);
  let done = 0;
  while (waiting > 0) {
    const place = alone[--waiting]!;
    if (tallies[place]! >>> 2 !== 1) continue;
    const hash = mixed[place]!;
    const turn = tallies[place]! & 3;
    order[done] = hash;
    turns[done++] = turn;
    const second = secondHash(hash);
    const first = segmentOf(hash, segments) << bits;
    const place0 = first + (hash & mask);
    const place1 = first + mask + 1 + (second & mask);
    const place2 = first + 2 * (mask + 1) + (second >>> (32 - bits));
    tallies[place0]! -= 4;
    tallies[place1] = (tallies[place1]! - 4) ^ 1;
    tallies[place2] = (tallies[place2]! - 4) ^ 2;
    mixed[place0]! ^= hash;
    mixed[place1]! ^= hash;
    mixed[place2]! ^= hash;
    if (tallies[place0]! >>> 2 === 1) alone[waiting++] = place0;
    if (tallies[place1] >>> 2 === 1) alone[waiting++] = place1;
    if (tallies[place2] >>> 2 === 1) alone[waiting++] = place2;
  }
  return done === hashes.length ? { order, turns } : null;
}

/** Another number for every key: the last steps of MurmurHash3. */
function hashOf(key: number, seed: number): number {
  let hash = key ^ seed;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

function secondHash(hash: number): number {
  return Math.imul(hash, 0x9e37_79b1) ^ (hash >>> 15);
}

function segmentOf(hash: number, segments: number): number {
  return Math.imul(hash >>> 12, segments) >>> 20;
}

function fingerprintOf(hash: number, second: number): number {
  return (hash ^ (hash >>> 24) ^ (second >>> 8)) & 255;
}

/** A filter that `openSnapshot` has checked: its length fits its segments. */
export class FuseFilter {
  readonly #seed: number;
  readonly #bits: number;
  readonly #segments: number;
  readonly #fingerprints: Uint8Array;

  constructor(section: Uint8Array) {
    const { buffer, byteOffset } = section;
    const [seed, bits, segments] = new Uint32Array(buffer, byteOffset, FILTER_HEADER_WORDS);
    this.#seed = seed! | 0;
    this.#bits = bits!;
    this.#segments = segments!;
    this.#fingerprints = section.subarray(4 * FILTER_HEADER_WORDS);
  }

  /** False: the key is not listed. */
  has(key: number): boolean {
    const hash = hashOf(key, this.#seed);
    const second = secondHash(hash);
    const bits = this.#bits;
    // What can be computed is not loaded: one field fewer was 1.5 ns of 13.
    const length = 1 << bits;
    const first = segmentOf(hash, this.#segments) << bits;
    const fingerprints = this.#fingerprints;
    const found =
      fingerprints[first + (hash & (length - 1))]! ^
      fingerprints[first + length + (second & (length - 1))]! ^
      fingerprints[first + length + length + (second >>> (32 - bits))]!;
    return found === fingerprintOf(hash, second);
  }
}

/** Whether a section is a filter whose every question stays inside it. */
export function isFilter(section: Uint8Array): boolean {
  if (section.length < 4 * FILTER_HEADER_WORDS) return false;
  const { buffer, byteOffset } = section;
  const [, bits, segments] = new Uint32Array(buffer, byteOffset, FILTER_HEADER_WORDS);
  if (bits! < 1 || bits! > MAX_SEGMENT_BITS || segments! < 1 || segments! > MAX_SEGMENTS)
    return false;
  return section.length === 4 * FILTER_HEADER_WORDS + (segments! + 2) * 2 ** bits!;
}
