// Walking the activity log: forwards from a position, backwards from its end.
import { type Block, readBlock, startOfBlockEndingAt } from '../../format/activity-log/block.ts';
import {
  type BlockCodec,
  BlockFormatError,
  MAX_BLOCK_BYTES,
} from '../../format/activity-log/layout.ts';
import type { ActivityLog, LogFile, PartitionRef } from '../../ports/activity-log.ts';

/** A place in a partition's log: the next block to read begins there. */
export interface LogPlace {
  readonly file: string;
  readonly offset: number;
}

export interface PlacedBlock {
  readonly block: Block;
  readonly file: string;
  readonly offset: number;
}

/** One read asks for this much, more only for a block that is larger. */
const READ_BYTES = 4 * 1024 * 1024;

/** A damaged log: never skipped, because what follows would be counted without what is missing. */
export class LogDamagedError extends Error {
  readonly code = 'LOG_DAMAGED';
}

/**
 * A partition's files in order; every one but the last is complete in the size that it is given. A listing is no snapshot: it
 * may tell a file's size of before, and a successor that was created since. A second one, asked for once the successor is
 * known, cannot.
 */
export async function completeFiles(
  log: ActivityLog,
  partition: PartitionRef,
  fromName?: string,
): Promise<readonly LogFile[]> {
  const listed = await log.files(partition, fromName);
  const last = listed.at(-1);
  if (last === undefined || listed.length === 1) return listed;
  const again = await log.files(partition, fromName);
  return again.filter(({ name }) => name <= last.name);
}

/** The blocks from a place on, closing blocks included, in order. */
export async function* readForward(
  log: ActivityLog,
  partition: PartitionRef,
  from: LogPlace | null,
  codec: BlockCodec,
): AsyncGenerator<PlacedBlock> {
  const files = await completeFiles(log, partition, from?.file);
  for (const file of files) {
    const offset = file.name === from?.file ? from.offset : 0;
    yield* readFile(log, partition, file, offset, codec);
  }
}

/** The blocks of one file from an offset on, a closing block included, in order. */
export async function* readFile(
  log: ActivityLog,
  partition: PartitionRef,
  file: LogFile,
  from: number,
  codec: BlockCodec,
): AsyncGenerator<PlacedBlock> {
  let offset = from;
  let want = READ_BYTES;
  while (offset < file.sizeBytes) {
    const bytes = await log.read(
      partition,
      file.name,
      offset,
      Math.min(offset + want, file.sizeBytes),
    );
    let used = 0;
    for (;;) {
      const block = parseAt(bytes, used, codec, partition, file.name, offset);
      if (block === null) break;
      yield { block, file: file.name, offset: offset + used };
      used += block.lengthBytes;
    }
    if (used > 0) want = READ_BYTES;
    else if (offset + bytes.length >= file.sizeBytes || want > MAX_BLOCK_BYTES) {
      throw damaged(partition, file.name, offset, 'the file ends inside a block');
    } else want *= 4;
    offset += used;
  }
}

/**
 * The blocks of some files from the last one's end back, closing blocks included. Of a file's end `firstRead` bytes are read
 * first.
 */
export async function* readBackward(
  log: ActivityLog,
  partition: PartitionRef,
  files: readonly LogFile[],
  codec: BlockCodec,
  firstRead = 256 * 1024,
): AsyncGenerator<PlacedBlock> {
  for (const file of files.toReversed()) {
    let end = file.sizeBytes;
    let want = firstRead;
    while (end > 0) {
      const from = Math.max(0, end - want);
      const bytes = await log.read(partition, file.name, from, end);
      let at = bytes.length;
      for (;;) {
        const start = trailerAt(bytes, at, partition, file.name, from);
        if (start === null || start < 0) break;
        const block = parseAt(bytes, start, codec, partition, file.name, from);
        if (block?.lengthBytes !== at - start) {
          throw damaged(partition, file.name, from + start, 'the block and its trailer disagree');
        }
        yield { block, file: file.name, offset: from + start };
        at = start;
      }
      if (at < bytes.length) want = READ_BYTES;
      else if (from === 0 || want > MAX_BLOCK_BYTES) {
        throw damaged(partition, file.name, end, 'the file begins inside a block');
      } else want *= 4;
      end = from + at;
    }
  }
}

/** What `read` makes of the bytes at a place; where they are damaged, the error names it. */
export function placed<T>(partition: PartitionRef, { file, offset }: LogPlace, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BlockFormatError) {
      throw damaged(partition, file, offset, error.message, error);
    }
    throw error;
  }
}

function parseAt(
  bytes: Uint8Array,
  at: number,
  codec: BlockCodec,
  partition: PartitionRef,
  file: string,
  base: number,
): Block | null {
  return placed(partition, { file, offset: base + at }, () => readBlock(bytes, at, codec));
}

function trailerAt(
  bytes: Uint8Array,
  end: number,
  partition: PartitionRef,
  file: string,
  base: number,
): number | null {
  return placed(partition, { file, offset: base + end }, () => startOfBlockEndingAt(bytes, end));
}

function damaged(
  { stream, partition }: PartitionRef,
  file: string,
  offset: number,
  reason: string,
  cause?: unknown,
): LogDamagedError {
  return new LogDamagedError(
    `activity log ${stream}/${partition}/${file} at byte ${offset}: ${reason}`,
    { cause },
  );
}
