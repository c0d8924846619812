import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import { type BlockCodec, BlockFormatError } from '../activity-log/layout.ts';
import { decodeChunk } from './chunk.ts';
import { type RunHeader, decodeRunHeader } from './header.ts';
import {
  CHUNK_PREFIX_BYTES,
  END_BYTES,
  MAX_CHUNK_BYTES,
  MAX_HEADER_BYTES,
  PREFIX_BYTES,
  RUN_MAGIC,
  RUN_VERSION,
  RunFormatError,
} from './layout.ts';

const NO_BYTES = new Uint8Array(0);

/** Reads a run from bytes that come in pieces of any size. */
export class RunReader {
  readonly #codec: BlockCodec;
  #bytes: Uint8Array = NO_BYTES;
  #header: RunHeader | null = null;
  #devices = 0;
  #last: string | null = null;
  #ended = false;

  constructor(codec: BlockCodec) {
    this.#codec = codec;
  }

  /** Null until enough bytes have come. */
  get header(): RunHeader | null {
    return this.#header;
  }

  /** The devices that these bytes complete, in order of id. */
  push(bytes: Uint8Array): DeviceActivity[] {
    if (this.#ended && bytes.length > 0) throw new RunFormatError('bytes stand behind the run');
    this.#bytes = this.#bytes.length === 0 ? bytes : joined(this.#bytes, bytes);
    if (this.#header === null && !this.#readHeader()) return [];
    const devices: DeviceActivity[] = [];
    for (let chunk = this.#nextChunk(); chunk !== null; chunk = this.#nextChunk()) {
      for (const device of chunk) {
        if (this.#last !== null && device.deviceId <= this.#last) {
          throw new RunFormatError('the devices of a run must ascend by id');
        }
        this.#last = device.deviceId;
        devices.push(device);
      }
      this.#devices += chunk.length;
    }
    return devices;
  }

  /** Throws unless the run is whole. */
  end(): void {
    if (!this.#ended) throw new RunFormatError('the bytes end before the run does');
  }

  #readHeader(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < PREFIX_BYTES) return false;
    const view = viewOf(bytes);
    if (view.getUint32(0, true) !== RUN_MAGIC) {
      throw new RunFormatError('the bytes do not begin with the magic of a run');
    }
    const version = view.getUint16(4, true);
    if (version !== RUN_VERSION)
      throw new RunFormatError(`a run of the unknown version ${version}`);
    const length = view.getUint32(8, true);
    if (length > MAX_HEADER_BYTES) throw new RunFormatError(`a header of ${length} bytes`);
    if (bytes.length < PREFIX_BYTES + length) return false;
    const header = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length);
    this.#check(header, view.getUint32(12, true));
    this.#header = decodeRunHeader(header);
    this.#bytes = bytes.subarray(PREFIX_BYTES + length);
    return true;
  }

  /** Null where the bytes do not reach, or at the end. */
  #nextChunk(): DeviceActivity[] | null {
    const bytes = this.#bytes;
    if (bytes.length < CHUNK_PREFIX_BYTES) return null;
    const view = viewOf(bytes);
    const length = view.getUint32(0, true);
    if (length === 0) {
      this.#finish(view.getUint32(4, true));
      return null;
    }
    if (length > MAX_CHUNK_BYTES) throw new RunFormatError(`a chunk of ${length} bytes`);
    if (bytes.length < CHUNK_PREFIX_BYTES + length) return null;
    const packed = bytes.subarray(CHUNK_PREFIX_BYTES, CHUNK_PREFIX_BYTES + length);
    this.#check(packed, view.getUint32(4, true));
    this.#bytes = bytes.subarray(CHUNK_PREFIX_BYTES + length);
    try {
      return decodeChunk(this.#codec.decompress(packed, MAX_CHUNK_BYTES));
    } catch (error) {
      if (!(error instanceof BlockFormatError)) throw error;
      throw new RunFormatError('a chunk of the run is damaged', { cause: error });
    }
  }

  #finish(devices: number): void {
    if (this.#ended) return;
    if (this.#bytes.length > END_BYTES) throw new RunFormatError('bytes stand behind the run');
    if (devices !== this.#devices) {
      throw new RunFormatError(`${devices} devices were promised, ${this.#devices} came`);
    }
    this.#ended = true;
    this.#bytes = NO_BYTES;
  }

  #check(bytes: Uint8Array, expected: number): void {
    if (this.#codec.crc32(bytes) !== expected) {
      throw new RunFormatError('the checksum of a part of the run is wrong');
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
