import { type Duplex, Readable, pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { FeedFileError } from './feed-file-error.ts';

/** A million STIX indicators are 600 MB: whatever unpacks to more than this is a bomb. */
const MAX_UNPACKED_BYTES = 4 * 1024 ** 3;

const UNPACKERS: readonly { magic: readonly number[]; create: () => Duplex }[] = [
  { magic: [0x1f, 0x8b], create: createGunzip },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], create: createZstdDecompress },
];
const MAGIC_BYTES = 4;

/** The bytes of a feed file, unpacked if they begin as gzip or zstd do, whatever the file is called. */
export async function* openFeed(
  source: Readable,
  maxUnpackedBytes = MAX_UNPACKED_BYTES,
): AsyncGenerator<Uint8Array> {
  const { front, whole } = await peek(source);
  const unpacker = UNPACKERS.find(({ magic }) => magic.every((byte, i) => front[i] === byte));
  if (unpacker === undefined) {
    yield* whole;
    return;
  }
  let unpackedBytes = 0;
  // An error of any part destroys the last one with it, which is then thrown by the loop.
  for await (const chunk of pipeline(Readable.from(whole), unpacker.create(), () => {})) {
    unpackedBytes += (chunk as Uint8Array).length;
    if (unpackedBytes > maxUnpackedBytes) {
      throw new FeedFileError('tooLarge', `it unpacks to more than ${maxUnpackedBytes} bytes`);
    }
    yield chunk as Uint8Array;
  }
}

/** Its first bytes, and all of it with those in front. */
async function peek(
  source: Readable,
): Promise<{ front: Uint8Array; whole: AsyncGenerator<Uint8Array> }> {
  const rest = source[Symbol.asyncIterator]() as NodeJS.AsyncIterator<Uint8Array>;
  let front = new Uint8Array(0);
  while (front.length < MAGIC_BYTES) {
    const next = await rest.next();
    if (next.done) break;
    front = Buffer.concat([front, next.value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield front;
      yield* { [Symbol.asyncIterator]: () => rest };
    } finally {
      await rest.return?.(); // closes the file of a reader that has seen enough
    }
  }
  return { front, whole: whole() };
}
