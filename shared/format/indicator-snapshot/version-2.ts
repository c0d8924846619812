// Columns of format version 2, turned into those of this version on opening: lookups never ask for a version.
import { type Ipv4Columns, encodeIpv4 } from './ipv4-addresses.ts';
import { PackedColumn, packColumn } from './packed.ts';

type Check = (holds: boolean, found: string) => void;

const BUCKETS = 1 << 16;

/** `index`: addresses in buckets by the top 16 bits; `section`: the low 16 bits of each. */
export function ipv4OfVersion2(index: Uint32Array, section: Uint8Array, check: Check): Ipv4Columns {
  check(section.byteLength % 2 === 0, 'half a suffix');
  const suffixes = new Uint16Array(section.buffer, section.byteOffset, section.byteLength / 2);
  check(index.length === BUCKETS + 1, 'an IPv4 index of another size');
  check(
    index[0] === 0 && index[BUCKETS] === suffixes.length,
    'ipv4Index is not about the suffixes',
  );
  const words = new Uint32Array(suffixes.length);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const [from, to] = [index[bucket]!, index[bucket + 1]!];
    check(from <= to && to <= suffixes.length, 'ipv4Index runs backwards');
    for (let i = from; i < to; i++) {
      words[i] = bucket * BUCKETS + suffixes[i]!;
      check(i === 0 || words[i]! > words[i - 1]!, 'its IPv4 addresses are in no order');
    }
  }
  return encodeIpv4(words);
}

/** One, two or four bytes an address, as the length says. */
export function setsOfVersion2(section: Uint8Array, count: number, check: Check): PackedColumn {
  const { buffer, byteOffset, byteLength } = section;
  const bytesEach = byteLength === 2 * count ? 2 : byteLength === 4 * count ? 4 : 1;
  check(byteLength === bytesEach * count, `${byteLength} bytes of sets for ${count} addresses`);
  const sets =
    bytesEach === 1
      ? section
      : bytesEach === 2
        ? new Uint16Array(buffer, byteOffset, count)
        : new Uint32Array(buffer, byteOffset, count);
  return new PackedColumn(packColumn(Uint32Array.from(sets)), count);
}
