import { BlockFormatError } from './layout.ts';

/** Reads what `ByteWriter` wrote. Every read checks the end, so that a damaged block is refused and never read past. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      if (scale > 2 ** 48) throw new BlockFormatError('a varint is longer than eight bytes');
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new BlockFormatError('a varint exceeds 2^53');
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A varint that must lie below `limit`: an index into a dictionary. */
  index(limit: number): number {
    const value = this.varint();
    if (value >= limit)
      throw new BlockFormatError(`index ${value} points outside ${limit} entries`);
    return value;
  }

  /** A count of things of at least `bytesEach` bytes: checked against what is left before anything is reserved. */
  count(bytesEach: number): number {
    const value = this.varint();
    if (value * bytesEach > this.remaining) {
      throw new BlockFormatError(`${value} entries do not fit into ${this.remaining} bytes`);
    }
    return value;
  }

  raw(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) {
      throw new BlockFormatError(`${length} bytes expected, ${this.#bytes.length - from} left`);
    }
    this.#at = from + length;
    return from;
  }
}
