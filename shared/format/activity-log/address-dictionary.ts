import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { BlockFormatError } from './layout.ts';

/** Distinct addresses by index: `families[i]` is 4 or 6, and four words each, IPv4 in the first. */
export interface AddressColumns {
  readonly families: Uint8Array;
  readonly words: Uint32Array;
}

/** Every distinct address of a column once: most connections of a fleet go to a handful of peers. */
export class AddressDictionary {
  /** Five numbers an entry: family and four words. */
  readonly #entries: number[] = [];
  // By text: the hash of texts is seeded, that of numbers is not, and devices choose the addresses.
  readonly #indices = new Map<string, number>();

  /** For each connection the index of its address. */
  indicesOf(table: ConnectionTable, words: Uint32Array): Uint32Array {
    const indices = new Uint32Array(table.count);
    for (let c = 0; c < table.count; c++) {
      const at = 4 * c;
      indices[c] = this.#indexOf(
        table.family[c]!,
        words[at]!,
        words[at + 1]!,
        words[at + 2]!,
        words[at + 3]!,
      );
    }
    return indices;
  }

  columns(): AddressColumns {
    const entries = this.#entries;
    const count = entries.length / 5;
    const columns = { families: new Uint8Array(count), words: new Uint32Array(4 * count) };
    for (let i = 0; i < count; i++) {
      columns.families[i] = entries[5 * i]!;
      for (let word = 0; word < 4; word++) columns.words[4 * i + word] = entries[5 * i + 1 + word]!;
    }
    return columns;
  }

  writeTo(out: ByteWriter): void {
    const { families, words } = this.columns();
    out.varint(families.length);
    for (const [i, family] of families.entries()) {
      out.u8(family);
      for (let word = 0; word < (family === 4 ? 1 : 4); word++)
        writeWord(out, words[4 * i + word]!);
    }
  }

  static read(input: ByteReader): AddressColumns {
    const count = input.count(5);
    const families = new Uint8Array(count);
    const words = new Uint32Array(4 * count);
    for (let i = 0; i < count; i++) {
      const family = input.u8();
      if (family !== 4 && family !== 6) throw new BlockFormatError(`address family ${family}`);
      families[i] = family;
      for (let word = 0; word < (family === 4 ? 1 : 4); word++) {
        words[4 * i + word] = readWord(input);
      }
    }
    return { families, words };
  }

  #indexOf(family: number, w0: number, w1: number, w2: number, w3: number): number {
    const key =
      family === 4
        ? String.fromCharCode(4, w0 >>> 16, w0 & 0xffff)
        : String.fromCharCode(
            6,
            w0 >>> 16,
            w0 & 0xffff,
            w1 >>> 16,
            w1 & 0xffff,
            w2 >>> 16,
            w2 & 0xffff,
            w3 >>> 16,
            w3 & 0xffff,
          );
    let index = this.#indices.get(key);
    if (index === undefined) {
      index = this.#indices.size;
      this.#indices.set(key, index);
      this.#entries.push(family, w0, w1, w2, w3);
    }
    return index;
  }
}

/** A word of an address, in network order. */
export function writeWord(out: ByteWriter, word: number): void {
  out.u8(word >>> 24);
  out.u8((word >>> 16) & 255);
  out.u8((word >>> 8) & 255);
  out.u8(word & 255);
}

export function readWord(input: ByteReader): number {
  return ((input.u8() << 24) | (input.u8() << 16) | (input.u8() << 8) | input.u8()) >>> 0;
}
