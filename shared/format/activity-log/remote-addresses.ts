// The remote addresses of a block, or of a whole file: each once, in order. A search holds its question against them before
// it unpacks a row. The rows name them by index, so they cost a block nothing: addresses do not compress.
//
//   varint n; n × varint   IPv4: the first as it is, then each minus the one before
//   varint m; m × 16 bytes IPv6 in network order, an IPv4-mapped address too
import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import {
  type AddressColumns,
  AddressDictionary,
  readWord,
  writeWord,
} from './address-dictionary.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { BlockFormatError } from './layout.ts';

/** Distinct and ascending. An index counts the IPv4 addresses first. */
export interface RemoteAddresses {
  readonly ipv4: Uint32Array;
  /** Four words each. */
  readonly ipv6: Uint32Array;
}

export const NO_REMOTES: RemoteAddresses = { ipv4: new Uint32Array(0), ipv6: new Uint32Array(0) };

/** The distinct remote addresses of a table, and for each connection the index of its own. */
export function remoteAddressesOf(table: ConnectionTable): {
  addresses: RemoteAddresses;
  indices: Uint32Array;
} {
  const dictionary = new AddressDictionary();
  const indices = dictionary.indicesOf(table, table.remote);
  const { families, words } = dictionary.columns();
  const order = Array.from(families.keys());
  order.sort((a, b) => families[a]! - families[b]! || compareWords(words, a, words, b));
  const rank = new Uint32Array(order.length);
  for (const [to, from] of order.entries()) rank[from] = to;
  const ipv4 = order.filter((i) => families[i] === 4).map((i) => words[4 * i]!);
  const ipv6 = order.slice(ipv4.length).flatMap((i) => [...words.subarray(4 * i, 4 * i + 4)]);
  return {
    addresses: { ipv4: Uint32Array.from(ipv4), ipv6: Uint32Array.from(ipv6) },
    indices: indices.map((i) => rank[i]!),
  };
}

export function encodeRemoteAddresses({ ipv4, ipv6 }: RemoteAddresses): Uint8Array {
  const out = new ByteWriter(10 + 5 * ipv4.length + 4 * ipv6.length);
  out.varint(ipv4.length);
  let before = 0;
  for (const address of ipv4) {
    out.varint(address - before);
    before = address;
  }
  out.varint(ipv6.length / 4);
  for (const word of ipv6) writeWord(out, word);
  return out.written();
}

/** Throws where they are not distinct and ascending, or where bytes stand behind them. */
export function decodeRemoteAddresses(bytes: Uint8Array): RemoteAddresses {
  const input = new ByteReader(bytes);
  const ipv4 = new Uint32Array(input.count(1));
  for (let i = 0, address = 0; i < ipv4.length; i++) {
    const step = input.varint();
    if (step === 0 && i > 0) throw outOfOrder();
    address += step;
    if (address > 0xffff_ffff) throw new BlockFormatError('a remote address exceeds 32 bits');
    ipv4[i] = address;
  }
  const ipv6 = new Uint32Array(4 * input.count(16));
  for (let word = 0; word < ipv6.length; word++) ipv6[word] = readWord(input);
  for (let i = 1; i < ipv6.length / 4; i++) {
    if (compareWords(ipv6, i - 1, ipv6, i) >= 0) throw outOfOrder();
  }
  if (input.remaining !== 0) {
    throw new BlockFormatError(`${input.remaining} bytes stand behind the remote addresses`);
  }
  return { ipv4, ipv6 };
}

export function toColumns({ ipv4, ipv6 }: RemoteAddresses): AddressColumns {
  const count = ipv4.length + ipv6.length / 4;
  const families = new Uint8Array(count).fill(6).fill(4, 0, ipv4.length);
  const words = new Uint32Array(4 * count);
  for (const [i, address] of ipv4.entries()) words[4 * i] = address;
  words.set(ipv6, 4 * ipv4.length);
  return { families, words };
}

/** The addresses of both; by a merge, so the work is that of reading them, whatever devices choose. */
export function unionOf(a: RemoteAddresses, b: RemoteAddresses): RemoteAddresses {
  return { ipv4: merged(a.ipv4, b.ipv4, 1), ipv6: merged(a.ipv6, b.ipv6, 4) };
}

function merged(a: Uint32Array, b: Uint32Array, wordsEach: 1 | 4): Uint32Array {
  const out = new Uint32Array(a.length + b.length);
  const compare = wordsEach === 1 ? compareSingle : compareWords;
  let [i, j, to] = [0, 0, 0];
  const take = (from: Uint32Array, index: number) => {
    for (let word = 0; word < wordsEach; word++) out[to++] = from[index * wordsEach + word]!;
  };
  while (i * wordsEach < a.length && j * wordsEach < b.length) {
    const order = compare(a, i, b, j);
    take(order <= 0 ? a : b, order <= 0 ? i : j);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  while (i * wordsEach < a.length) take(a, i++);
  while (j * wordsEach < b.length) take(b, j++);
  return out.slice(0, to);
}

function compareSingle(a: Uint32Array, i: number, b: Uint32Array, j: number): number {
  return a[i]! - b[j]!;
}

function compareWords(a: Uint32Array, i: number, b: Uint32Array, j: number): number {
  for (let word = 0; word < 4; word++) {
    const difference = a[4 * i + word]! - b[4 * j + word]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function outOfOrder(): BlockFormatError {
  return new BlockFormatError('the remote addresses are not distinct and in order');
}
