import { type Duplex, Readable, pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { zstdFrameCutter } from '../../../format/zstd-frames.ts';
import { FeedFormatError } from './feed-format.ts';

/** A million STIX indicators are 600 MB: whatever unpacks to more than this is a bomb. */
const MAX_UNPACKED_BYTES = 4 * 1024 ** 3;

type Chunks = AsyncIterable<Uint8Array>;

const UNPACKERS: readonly {
  readonly magic: readonly number[];
  readonly create: () => Duplex;
  readonly prepare: (packed: Chunks) => Chunks;
}[] = [
  { magic: [0x1f, 0x8b], create: createGunzip, prepare: (packed) => packed },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], create: createZstdDecompress, prepare: cutAtFrames },
];
const MAGIC_BYTES = 4;

/** The bytes of a feed file, unpacked if they begin as gzip or zstd do, whatever the file is called. */
export async function* unpack(
  source: AsyncIterable<Uint8Array>,
  maxUnpackedBytes = MAX_UNPACKED_BYTES,
): AsyncGenerator<Uint8Array> {
  const { front, whole } = await peek(source);
  const unpacker = UNPACKERS.find(({ magic }) => magic.every((byte, i) => front[i] === byte));
  if (unpacker === undefined) {
    yield* whole;
    return;
  }
  let unpackedBytes = 0;
  try {
    // An error of any part destroys the last one with it, which is then thrown by the loop.
    const packed = Readable.from(unpacker.prepare(whole));
    for await (const chunk of pipeline(packed, unpacker.create(), () => {})) {
      unpackedBytes += (chunk as Uint8Array).length;
      if (unpackedBytes > maxUnpackedBytes) {
        throw new FeedFormatError('tooLarge', `it unpacks to more than ${maxUnpackedBytes} bytes`);
      }
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw damagedBy(error);
  }
}

/** Node's decoder drops what stands behind a frame's end in the chunk it was given. */
async function* cutAtFrames(packed: Chunks): AsyncGenerator<Uint8Array> {
  const cut = zstdFrameCutter();
  for await (const chunk of packed) yield* cut(chunk);
}

function damagedBy(error: unknown): unknown {
  const isOfZlib =
    error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
  if (!isOfZlib) return error;
  return new FeedFormatError('damaged', `it does not unpack: ${error.message}`, { cause: error });
}

/** Its first bytes, and all of it with those in front. */
async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ front: Uint8Array; whole: AsyncGenerator<Uint8Array> }> {
  const rest = source[Symbol.asyncIterator]();
  let front = new Uint8Array(0);
  while (front.length < MAGIC_BYTES) {
    const next = await rest.next();
    if (next.done === true) break;
    front = Buffer.concat([front, next.value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield front;
      yield* { [Symbol.asyncIterator]: () => rest };
    } finally {
      await rest.return?.(); // closes the source of a reader that has seen enough
    }
  }
  return { front, whole: whole() };
}
