// A reader written from docs/indicator-index.md alone, slow and plain: what it needs and does not find there is missing there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { type Address, formatAddress } from '../../../shared/domain/address/address.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { address, feeds, warningList } from './feeds.ts';

class SecondReader {
  readonly #view: DataView;
  readonly #sections = new Map<number, DataView>();
  readonly #feeds: { name: string; kind: string }[];

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    assert.equal(Buffer.from(bytes.subarray(0, 8)).toString(), 'TWINDEX\0');
    assert.equal(this.#header(8), 3);
    assert.equal(this.#header(12), crc32(bytes.subarray(16)));
    assert.equal(this.#header(16), bytes.length);
    for (let i = 0; i < this.#header(20); i++) {
      const entry = 48 + 16 * i;
      const [id, offset, length] = [0, 8, 12].map((at) => this.#header(entry + at));
      const section = new DataView(bytes.buffer, bytes.byteOffset + offset!, length);
      this.#sections.set(id!, section);
    }
    this.#feeds = JSON.parse(this.#text(1, 0, this.#section(1).byteLength));
  }

  /** What lists an address: [feed, kind, prefix length, detail], inner ones first. */
  listings({ family, words }: Address): unknown[] {
    const exact = family === 4 ? this.ipv4Set(words[0]) : this.#ipv6Set(words);
    return [...this.#membersFrom(exact), ...this.#membersFrom(this.#rangeSet(family, words))];
  }

  /** By the blocks; 0 if it is not there. */
  ipv4Set(address: number): number {
    const count = this.#header(24);
    const low = Math.min(Math.clz32(count), 24);
    const bucket = Math.floor(address / 2 ** (low + 5));
    const group = Math.floor(address / 2 ** low) % 32;
    const first = this.#u32(2, bucket);
    const inBucket = this.#u32(2, bucket + 1) - first;
    const start = 32 * bucket + first * (1 + low);
    let at = 0;
    for (let g = 0; g < 32; g++) {
      if (this.#bits(3, start + g, 1) === 0) continue;
      for (let isLast = false; !isLast; at++) {
        const found = this.#bits(3, start + 32 + inBucket + at * low, low);
        if (g === group && found === address % 2 ** low) return this.#packed(4, first + at);
        isLast = this.#bits(3, start + 32 + at, 1) === 1;
      }
    }
    return 0;
  }

  /** Null: there is no filter. */
  filterPasses(address: number): boolean | null {
    const section = this.#sections.get(19);
    if (section === undefined) return null;
    const [seed, s, m] = [0, 4, 8].map((at) => section.getUint32(at, true)) as [
      number,
      number,
      number,
    ];
    const u32 = (value: bigint) => value & 0xffff_ffffn;
    let h = BigInt(address) ^ BigInt(seed);
    h = u32((h ^ (h >> 16n)) * 0x85eb_ca6bn);
    h = u32((h ^ (h >> 13n)) * 0xc2b2_ae35n);
    h ^= h >> 16n;
    const g = u32(h * 0x9e37_79b1n) ^ (h >> 15n);
    const size = 1n << BigInt(s);
    const t = (u32((h >> 12n) * BigInt(m)) >> 20n) << BigInt(s);
    const places = [t + (h % size), t + size + (g % size), t + 2n * size + (g >> BigInt(32 - s))];
    const bytes = places.map((place) => section.getUint8(16 + Number(place)));
    const fingerprint = Number((h ^ (h >> 24n) ^ (g >> 8n)) % 256n);
    return (bytes[0]! ^ bytes[1]! ^ bytes[2]!) === fingerprint;
  }

  get warningLists(): SecondReader | null {
    const { buffer, byteOffset, byteLength } = this.#section(18);
    return byteLength === 0
      ? null
      : new SecondReader(new Uint8Array(buffer, byteOffset, byteLength));
  }

  #ipv6Set(words: readonly number[]): number {
    const [w0, w1, w2, w3] = words.map(BigInt) as [bigint, bigint, bigint, bigint];
    const times = (value: bigint, factor: bigint) => (value * factor) & 0xffff_ffffn;
    let h = times(w0 ^ 0x9e37_79b9n, 0x85eb_ca6bn);
    h = times(h ^ (h >> 15n) ^ w1, 0xc2b2_ae35n);
    h = times(h ^ (h >> 13n) ^ w2, 0x27d4_eb2fn);
    h = times(h ^ (h >> 16n) ^ w3, 0x1656_67b1n);
    h ^= h >> 15n;
    const k = Math.log2(this.#section(8).byteLength / 4 - 1);
    const bucket = Number(h >> BigInt(32 - k));
    for (let i = this.#u32(8, bucket); i < this.#u32(8, bucket + 1); i++) {
      if (words.every((word, j) => this.#u32(9, 4 * i + j) === word)) return this.#packed(10, i);
    }
    return 0;
  }

  /** Without the index: the last start at or below the address. */
  #rangeSet(family: 4 | 6, words: readonly number[]): number {
    const [starts, sets, each] = family === 4 ? [6, 7, 1] : [12, 13, 4];
    const value = (word: (i: number) => number) => {
      let sum = 0n;
      for (let i = 0; i < each; i++) sum = (sum << 32n) | BigInt(word(i));
      return sum;
    };
    const asked = value((i) => words[i]!);
    let set = 0;
    for (let range = 0; range < this.#section(sets).byteLength / 4; range++) {
      if (value((i) => this.#u32(starts, range * each + i)) <= asked) set = this.#u32(sets, range);
    }
    return set;
  }

  #membersFrom(set: number): unknown[] {
    if (set === 0) return [];
    const [parent, bits, first, count] = [0, 1, 2, 3].map((i) => this.#u32(14, 4 * set + i)) as [
      number,
      number,
      number,
      number,
    ];
    const members = Array.from({ length: count }, (_, i) => {
      const provenance = this.#u32(15, first + i);
      const [feed, offset, length] = [0, 1, 2].map((word) => this.#u32(16, 3 * provenance + word));
      const detail = length === 0 ? null : JSON.parse(this.#text(17, offset!, length!));
      const { name, kind } = this.#feeds[feed!]!;
      return [name, kind, bits, detail];
    });
    return [...members, ...this.#membersFrom(parent)];
  }

  #packed(id: number, i: number): number {
    const [base, width] = [this.#u32(id, 0), this.#u32(id, 1)];
    return base + this.#bits(id, 64 + i * width, width);
  }

  #bits(id: number, from: number, width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) {
      const word = this.#u32(id, Math.floor((from + i) / 32));
      value += (Math.floor(word / 2 ** ((from + i) % 32)) % 2) * 2 ** i;
    }
    return value;
  }

  #u32(id: number, i: number): number {
    return this.#section(id).getUint32(4 * i, true);
  }

  #text(id: number, offset: number, length: number): string {
    const { buffer, byteOffset } = this.#section(id);
    return Buffer.from(buffer, byteOffset + offset, length).toString('latin1');
  }

  #section(id: number): DataView {
    return this.#sections.get(id) ?? assert.fail(`no section ${id}`);
  }

  #header(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

const asText = (listings: readonly unknown[]) => listings.map((one) => JSON.stringify(one)).sort();

/** The same of our reader. */
function ours(snapshot: ReturnType<typeof openSnapshot>, asked: Address): string[] {
  return asText(
    snapshot.matchesOf(asked).map((match) => {
      const { feed, kind, matchedPrefix, id, sources, validFrom, validUntil, confidence } = match;
      const { labels, constraint, tlp, listedSince } = match;
      const said = constraint && [constraint.ports, constraint.direction, constraint.protocol];
      const own = [id, validFrom, validUntil, confidence, labels, said, tlp, listedSince];
      return [feed, kind, Number(matchedPrefix.split('/')[1]), sources, own];
    }),
  );
}

function theirs(reader: SecondReader, asked: Address): string[] {
  return asText(
    (reader.listings(asked) as [string, string, number, unknown[] | null][]).map((one) => {
      const [feed, kind, bits, detail] = one;
      const [id, sources, from, until, confidence, labels, constraint, tlp, since] = detail ?? [
        null,
        [],
        null,
        null,
        null,
        [],
        null,
        null,
        null,
      ];
      const by = (sources as string[]).length === 0 ? [feed] : sources;
      return [feed, kind, bits, by, [id, from, until, confidence, labels, constraint, tlp, since]];
    }),
  );
}

describe('a second reader, from the page that describes the format', () => {
  it('finds what ours finds', () => {
    fc.assert(
      fc.property(feeds, fc.array(address, { minLength: 5, maxLength: 12 }), (feeds, asked) => {
        const lists = [...feeds, warningList('resolvers', '192.0.2.0/24', '2001:db8::1')];
        const bytes = buildSnapshot(lists, { checksum: crc32 });
        const [snapshot, reader] = [openSnapshot(bytes, crc32), new SecondReader(bytes)];
        const singles = feeds.flatMap(({ indicators }) => indicators.map(({ prefix }) => prefix));
        for (const one of [...asked, ...singles]) {
          assert.deepEqual(theirs(reader, one), ours(snapshot, one), formatAddress(one));
          assert.deepEqual(
            reader.warningLists!.listings(one).length,
            snapshot.warningsOf(one).length,
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  it('finds each of many addresses, and its filter lets them through', () => {
    const words = Array.from({ length: 5000 }, (_, i) => Math.imul(i, 0x9e37_79b1) >>> 0);
    const crowd = Array.from({ length: 1000 }, (_, i) => 0xc0a8_0000 + i);
    const addresses = Uint32Array.from(new Set([...words, ...crowd]));
    const ipv4 = [{ addresses, details: [null], detailOf: null }];
    const feed = { name: 'list', kind: 'threat' as const, indicators: [], ipv4 };
    const reader = new SecondReader(buildSnapshot([feed], { checksum: crc32, filter: true }));
    const known = new Set(addresses);
    let [strangers, passed] = [0, 0];
    for (const word of [...words.slice(0, 400), ...crowd.slice(0, 100)]) {
      assert.equal(reader.ipv4Set(word), 1);
      assert.equal(reader.filterPasses(word), true);
      const near = (word ^ 0x400) >>> 0;
      if (known.has(near)) continue;
      assert.equal(reader.ipv4Set(near), 0);
      strangers++;
      if (reader.filterPasses(near) === true) passed++;
    }
    assert.ok(passed < strangers / 20, `${passed} of ${strangers}`);
  });

  it('has no filter to ask where there are few addresses', () => {
    const bytes = buildSnapshot([], { checksum: crc32, filter: true });
    assert.equal(new SecondReader(bytes).filterPasses(1), null);
  });
});
