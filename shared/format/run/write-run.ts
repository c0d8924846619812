import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import type { BlockCodec } from '../activity-log/layout.ts';
import { ByteWriter } from '../activity-log/byte-writer.ts';
import { encodeChunk } from './chunk.ts';
import { type RunHeader, encodeRunHeader } from './header.ts';
import { CHUNK_PREFIX_BYTES, END_BYTES, PREFIX_BYTES, RUN_MAGIC, RUN_VERSION } from './layout.ts';

/** So much of a run is in memory at a time, and is read at a time. */
const CHUNK_DEVICES = 2048;
const CHUNK_WORDS = 2 ** 19;

/** Makes the bytes of a run piece by piece, so that a run of any size needs little memory. */
export class RunWriter {
  readonly #codec: BlockCodec;
  #waiting: DeviceActivity[] = [];
  #words = 0;
  #devices = 0;

  constructor(codec: BlockCodec) {
    this.#codec = codec;
  }

  /** What a run begins with. */
  begin(header: RunHeader): Uint8Array {
    const head = encodeRunHeader(header);
    const out = new ByteWriter(PREFIX_BYTES + head.length);
    out.u32(RUN_MAGIC);
    out.u16(RUN_VERSION);
    out.u16(0);
    out.u32(head.length);
    out.u32(this.#codec.crc32(head));
    out.raw(head);
    return out.written();
  }

  /** The next device, ids ascending. Bytes as soon as there are enough for a chunk, else null. */
  add(device: DeviceActivity): Uint8Array | null {
    this.#waiting.push(device);
    this.#words += device.tuples.length;
    this.#devices++;
    const full = this.#waiting.length >= CHUNK_DEVICES || this.#words >= CHUNK_WORDS;
    return full ? this.#chunk() : null;
  }

  /** The rest of the run. */
  end(): Uint8Array {
    const last = this.#waiting.length === 0 ? new Uint8Array(0) : this.#chunk();
    const out = new ByteWriter(last.length + END_BYTES);
    out.raw(last);
    out.u32(0);
    out.u32(this.#devices);
    return out.written();
  }

  #chunk(): Uint8Array {
    const packed = this.#codec.compress(encodeChunk(this.#waiting));
    const out = new ByteWriter(CHUNK_PREFIX_BYTES + packed.length);
    out.u32(packed.length);
    out.u32(this.#codec.crc32(packed));
    out.raw(packed);
    this.#waiting = [];
    this.#words = 0;
    return out.written();
  }
}
