// Searching a partition's log for remote addresses: what the summaries of files and blocks rule out is never unpacked, and a file
// that its closing block rules out is not even read.
import type { LogRange } from '../../domain/alert/position.ts';
import type { DataBlock } from '../../format/activity-log/block.ts';
import type { CloseHeader } from '../../format/activity-log/header.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import {
  type RemoteAddresses,
  decodeRemoteAddresses,
} from '../../format/activity-log/remote-addresses.ts';
import {
  type ActivityLog,
  type LogFile,
  LogFileGoneError,
  type PartitionRef,
} from '../../ports/activity-log.ts';
import { type LogPlace, completeFiles, placed, readBackward, readFile } from './read-log.ts';

export interface LogSearch {
  readonly mayHold: (remotes: RemoteAddresses) => boolean;
  /** IoT Hub time, epoch milliseconds. The search begins with the first block that reaches it, and leaves out none behind that. */
  readonly since: number;
  /** The search ends before the first block that was matched with this snapshot or a newer one; null: at the log's end. */
  readonly beforeSnapshot: number | null;
}

/** What a search took, added up over partitions. */
export interface SearchCost {
  blocks: number;
  blocksSkipped: number;
  /** Files that were left out by their closing block; their blocks are counted as skipped. */
  filesSkipped: number;
  bytesRead: number;
}

export function noCost(): SearchCost {
  return { blocks: 0, blocksSkipped: 0, filesSkipped: 0, bytesRead: 0 };
}

export function addCost(a: SearchCost, b: SearchCost): SearchCost {
  return {
    blocks: a.blocks + b.blocks,
    blocksSkipped: a.blocksSkipped + b.blocksSkipped,
    filesSkipped: a.filesSkipped + b.filesSkipped,
    bytesRead: a.bytesRead + b.bytesRead,
  };
}

/** A stretch of the log that was searched. */
export interface SearchedStretch {
  /** Null: it lies before `since`, and is not considered. */
  readonly range: LogRange | null;
  /** Where the stretch begins. */
  readonly at: LogPlace;
  /** Where the search goes on behind it. */
  readonly place: LogPlace;
  /** Null: nothing in the stretch can match. */
  readonly block: DataBlock | null;
}

export interface SearchEnd {
  /** A block that is too new stands in the log: nothing older can follow it. */
  readonly metNewer: boolean;
}

/** What a closing block mostly has; a larger one is read in a second step. */
const CLOSING_READ_BYTES = 16 * 1024;

/** The stretches from a place (null: the log's beginning) on, in order; `begun` says that a block has reached `since` before. */
export async function* searchLog(
  port: ActivityLog,
  partition: PartitionRef,
  { place: from, begun }: { readonly place: LogPlace | null; readonly begun: boolean },
  search: LogSearch,
  cost: SearchCost,
  codec: BlockCodec,
): AsyncGenerator<SearchedStretch, SearchEnd> {
  const log = countingReads(port, cost);
  const files = await completeFiles(log, partition, from?.file);
  let isOpen = begun;
  for (const [i, file] of files.entries()) {
    const offset = file.name === from?.file ? from.offset : 0;
    const isClosed = i < files.length - 1;
    try {
      const inFile = searchFile(
        log,
        partition,
        file,
        { offset, isClosed, isOpen },
        search,
        cost,
        codec,
      );
      for (let next = await inFile.next(); ; next = await inFile.next()) {
        if (next.done === true) {
          if (next.value.metNewer) return next.value;
          break;
        }
        isOpen ||= next.value.range !== null;
        yield next.value;
      }
    } catch (error) {
      // Retention was faster: it takes the oldest files, and a listing is no lock.
      if (!(error instanceof LogFileGoneError) || !isClosed) throw error;
    }
  }
  return { metNewer: false };
}

async function* searchFile(
  log: ActivityLog,
  partition: PartitionRef,
  file: LogFile,
  { offset, isClosed, isOpen }: { offset: number; isClosed: boolean; isOpen: boolean },
  { mayHold, since, beforeSnapshot }: LogSearch,
  cost: SearchCost,
  codec: BlockCodec,
): AsyncGenerator<SearchedStretch, SearchEnd> {
  const isTooNew = (ordinal: number) => beforeSnapshot !== null && ordinal >= beforeSnapshot;
  let begun = isOpen;
  const closing = offset === 0 && isClosed ? await closingOf(log, partition, file, codec) : null;
  if (closing !== null) {
    const { first, last, lastHubTime, lastSnapshot } = closing.summary;
    const isBefore = !begun && lastHubTime < since;
    if (isBefore || !mayHold(closing.remotes)) {
      if (isTooNew(lastSnapshot)) return { metNewer: true };
      cost.filesSkipped++;
      cost.blocks += closing.blocks;
      cost.blocksSkipped += closing.blocks;
      const range = isBefore ? null : { from: first, to: last };
      const place = { file: file.name, offset: file.sizeBytes };
      yield { range, at: { file: file.name, offset: 0 }, place, block: null };
      return { metNewer: false };
    }
  }
  for await (const { block, offset: at } of readFile(log, partition, file, offset, codec)) {
    if (block.header.kind === 'close') continue;
    const { epoch, fromSequence, toSequence, lastHubTime, snapshot } = block.header;
    if (isTooNew(snapshot.ordinal)) return { metNewer: true };
    const begins = { file: file.name, offset: at };
    const { remotes } = block;
    begun ||= lastHubTime >= since;
    const holds =
      begun &&
      (remotes === null ||
        mayHold(placed(partition, begins, () => decodeRemoteAddresses(remotes))));
    cost.blocks++;
    if (!holds) cost.blocksSkipped++;
    const range = {
      from: { epoch, sequence: fromSequence },
      to: { epoch, sequence: toSequence },
    };
    yield {
      range: begun ? range : null,
      at: begins,
      place: { file: file.name, offset: at + block.lengthBytes },
      block: holds ? (block as DataBlock) : null,
    };
  }
  return { metNewer: false };
}

interface Closing {
  readonly summary: NonNullable<CloseHeader['summary']>;
  readonly remotes: RemoteAddresses;
  /** Data blocks of the file. */
  readonly blocks: number;
}

/** What the file's closing block says of the whole file; null where it says nothing. */
export async function closingOf(
  log: ActivityLog,
  partition: PartitionRef,
  file: LogFile,
  codec: BlockCodec,
): Promise<Closing | null> {
  const backwards = readBackward(log, partition, [file], codec, CLOSING_READ_BYTES);
  for await (const { block, offset } of backwards) {
    const { header, remotes } = block;
    if (header.kind !== 'close' || header.summary === null || remotes === null) return null;
    const at = { file: file.name, offset };
    return {
      summary: header.summary,
      remotes: placed(partition, at, () => decodeRemoteAddresses(remotes)),
      blocks: header.index,
    };
  }
  return null;
}

/** The log, each read of it counted. */
export function countingReads(log: ActivityLog, cost: SearchCost): ActivityLog {
  return {
    partitions: () => log.partitions(),
    files: (partition, fromName) => log.files(partition, fromName),
    append: (...args) => log.append(...args),
    create: (...args) => log.create(...args),
    async read(...args) {
      const bytes = await log.read(...args);
      cost.bytesRead += bytes.length;
      return bytes;
    },
  };
}
