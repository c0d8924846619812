// A block of the activity log: what one batch became. Little endian.
//
//   offset  size  field
//   0       4     magic "TWB1"
//   4       4     length of the whole block in bytes, this field and the trailer included
//   8       4     CRC-32 of the bytes from 12 to length - 8
//   12      2     format version, 2
//   14      2     flags, 0
//   16      4     header length H
//   20      4     length of the remote addresses R
//   24      H     header: JSON, ASCII (other characters as \uXXXX)
//   24+H    R     remote addresses of the block's connections, or of the whole file in a closing block: remote-addresses.ts
//   24+H+R  …     body: one zstd frame (empty in a closing block), see rows.ts
//   end-8   4     length again, so that a reader can walk back from the end of a file
//   end-4   4     magic "TWBE"
//
// A file is blocks end to end, nothing between them. Version 1 had no remote addresses: its header begins at 20.
// docs/activity-log.md says what the fields mean.

export const BLOCK_MAGIC = 0x31425754; // "TWB1" read as a little-endian u32
export const BLOCK_END_MAGIC = 0x45425754; // "TWBE"
export const FORMAT_VERSION = 2;
export const OLDEST_VERSION = 1;

export const LENGTH_AT = 4;
export const CRC_AT = 8;
export const VERSION_AT = 12;
export const HEADER_LENGTH_AT = 16;
export const REMOTES_LENGTH_AT = 20;
export const PREFIX_BYTES = 24;
export const VERSION_1_PREFIX_BYTES = 20;
export const TRAILER_BYTES = 8;

/** A block is refused above this, before anything is reserved for it: one batch is at most a few MB. */
export const MAX_BLOCK_BYTES = 64 * 1024 * 1024;
/** The same for what its body unpacks to. */
export const MAX_ROWS_BYTES = 256 * 1024 * 1024;

/** Compression and checksum, which the pure folders have no code for: the caller brings them. */
export interface BlockCodec {
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws when the bytes are damaged or unpack to more than `maxBytes`. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
  /** CRC-32 as in zlib (polynomial 0xEDB88320), unsigned. */
  crc32(bytes: Uint8Array): number;
}

/** Bytes that are not a block of this format, or not a whole one. */
export class BlockFormatError extends Error {
  readonly code = 'BLOCK_FORMAT';
}

export function notJson(cause: unknown): BlockFormatError {
  return new BlockFormatError('a JSON section of the block does not parse', { cause });
}
