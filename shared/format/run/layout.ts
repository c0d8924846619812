// A run: what the devices of a partition did in one piece of time, as far as one slice of the log tells it. Little endian.
//
//   offset  size  field
//   0       4     magic "TWR1"
//   4       2     format version, 1
//   6       2     flags, 0
//   8       4     header length H
//   12      4     CRC-32 of the header
//   16      H     header: JSON, ASCII (other characters as \uXXXX)
//   then chunks, each
//   0       4     packed length P, never 0
//   4       4     CRC-32 of the packed bytes
//   8       P     one zstd frame, see chunk.ts
//   and at the end 4 bytes 0, then the number of devices in all chunks
//
// Devices ascend by id (UTF-16 code units) through all chunks, none twice. docs/runs.md says what the fields mean.

export const RUN_MAGIC = 0x31525754; // "TWR1" read as a little-endian u32
export const RUN_VERSION = 1;
export const PREFIX_BYTES = 16;
export const CHUNK_PREFIX_BYTES = 8;
export const END_BYTES = 8;

/** A chunk is refused above this, before anything is reserved for it. One device's tuples take 11 MB at most. */
export const MAX_CHUNK_BYTES = 64 * 1024 * 1024;
export const MAX_HEADER_BYTES = 64 * 1024;

/** Bytes that are not a run of this format, or not a whole one. */
export class RunFormatError extends Error {
  readonly code = 'RUN_FORMAT';
}
