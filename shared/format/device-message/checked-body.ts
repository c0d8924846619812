import { OFFSET_BYTES } from './layout.ts';
import { decodeUtf8 } from './utf8.ts';

/** Plain access to a body that `readConnections` has accepted: nothing is checked again. */
export class CheckedBody {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  // Encoders share strings: each is decoded once, however many rows name it.
  readonly #texts = new Map<number, string>();

  constructor(body: Uint8Array) {
    this.#bytes = body;
    this.#view = new DataView(body.buffer, body.byteOffset, body.length);
  }

  /** Where the offset at `at` leads. */
  target(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  /** Where a field stands, 0 when it is absent. */
  field(table: number, slot: number): number {
    const vtable = table - this.#view.getInt32(table, true);
    if (slot + 2 > this.#view.getUint16(vtable, true)) return 0;
    const offset = this.#view.getUint16(vtable + slot, true);
    return offset === 0 ? 0 : table + offset;
  }

  u8(table: number, slot: number): number {
    const at = this.field(table, slot);
    return at === 0 ? 0 : this.#view.getUint8(at);
  }

  i8(table: number, slot: number): number {
    const at = this.field(table, slot);
    return at === 0 ? 0 : this.i8At(at);
  }

  u16(table: number, slot: number): number {
    const at = this.field(table, slot);
    return at === 0 ? 0 : this.u16At(at);
  }

  u32(table: number, slot: number, absent = 0): number {
    const at = this.field(table, slot);
    return at === 0 ? absent : this.#view.getUint32(at, true);
  }

  u64(table: number, slot: number): bigint {
    const at = this.field(table, slot);
    return at === 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  text(table: number, slot: number): string | null {
    const at = this.field(table, slot);
    return at === 0 ? null : this.#textAt(this.target(at));
  }

  /** The tables of a vector; none when it is absent. */
  tables(table: number, slot: number): number[] {
    return this.structs(table, slot, OFFSET_BYTES).map((at) => this.target(at));
  }

  /** Where the inline elements of a vector stand; none when it is absent. */
  structs(table: number, slot: number, bytes: number): number[] {
    const at = this.field(table, slot);
    if (at === 0) return [];
    const vector = this.target(at);
    const count = this.#view.getUint32(vector, true);
    return Array.from({ length: count }, (_, i) => vector + OFFSET_BYTES + i * bytes);
  }

  i8At(at: number): number {
    return this.#view.getInt8(at);
  }

  u16At(at: number): number {
    return this.#view.getUint16(at, true);
  }

  /** Four bytes in network order, as addresses stand on the wire. */
  wordAt(at: number): number {
    return this.#view.getUint32(at, false);
  }

  #textAt(at: number): string {
    const known = this.#texts.get(at);
    if (known !== undefined) return known;
    const start = at + OFFSET_BYTES;
    const text = decodeUtf8(this.#bytes, start, start + this.#view.getUint32(at, true));
    this.#texts.set(at, text);
    return text;
  }
}
