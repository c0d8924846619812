import { pipeline } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { zstdFrameCutter } from '../../format/zstd-frames.ts';

/** Undoes one encoding. Throws zlib's errors, and what its source throws. */
export type Unpack = (packed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** What a request offers. `deflate` is understood but not asked for: servers disagree about what it is. */
export const ACCEPT_ENCODING = 'gzip, zstd, br';

/** Servers that pack a `.gz` file once more give two; more is an attack. */
const MAX_ENCODINGS = 2;
const CHUNK = { chunkSize: 64 * 1024 };
// RFC 9659: a zstd Content-Encoding needs no window above 8 MB. Node would reserve 128 MB at a stranger's word.
const ZSTD = { ...CHUNK, params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const UNPACK: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ['gzip', (packed) => through(packed, createGunzip(CHUNK))],
  ['x-gzip', (packed) => through(packed, createGunzip(CHUNK))],
  ['deflate', (packed) => through(packed, createInflate(CHUNK))],
  ['br', (packed) => through(packed, createBrotliDecompress(CHUNK))],
  ['zstd', (packed) => through(cutAtFrames(packed), createZstdDecompress(ZSTD))],
]);

/** How to undo a Content-Encoding, the outermost first; null if it names one that is unknown, or too many. */
export function unpackersOf(contentEncoding: string): readonly Unpack[] | null {
  const unpackers: Unpack[] = [];
  for (const name of contentEncoding.toLowerCase().split(',')) {
    const encoding = name.trim();
    if (encoding === '' || encoding === 'identity') continue;
    const unpack = UNPACK.get(encoding);
    if (unpack === undefined || unpackers.length === MAX_ENCODINGS) return null;
    unpackers.unshift(unpack);
  }
  return unpackers;
}

/** zlib's streams inflate no further than about one chunk ahead of the reader, so a bomb costs what is read of it. */
function through(
  packed: AsyncIterable<Uint8Array>,
  decoder: NodeJS.ReadWriteStream,
): AsyncIterable<Uint8Array> {
  // The reader of the decoder gets the error: `pipeline` destroys it with whatever went wrong.
  return pipeline(packed, decoder, () => undefined) as AsyncIterable<Uint8Array>;
}

async function* cutAtFrames(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const cut = zstdFrameCutter();
  for await (const chunk of packed) yield* cut(chunk);
}
