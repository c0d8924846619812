// Searching a partition's log for remote addresses: what the summaries of files and blocks rule out is never unpacked, and a file
// that its closing block rules out is not even read.
import type { DataBlock } from '../../format/activity-log/block.ts';
import type { CloseHeader } from '../../format/activity-log/header.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import {
  type RemoteAddresses,
  decodeRemoteAddresses,
} from '../../format/activity-log/remote-addresses.ts';
import type { LogRange } from '../../domain/alert/position.ts';
import type { ActivityLog, LogFile, PartitionRef } from '../../ports/activity-log.ts';
import { type LogPlace, completeFiles, readBackward, readFile } from './read-log.ts';

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
  readonly range: LogRange;
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

/** The stretches from a place (null: from `since`) on, in order. */
export async function* searchLog(
  port: ActivityLog,
  partition: PartitionRef,
  from: LogPlace | null,
  search: LogSearch,
  cost: SearchCost,
  codec: BlockCodec,
): AsyncGenerator<SearchedStretch, SearchEnd> {
  const log = countingReads(port, cost);
  const { mayHold, since, beforeSnapshot } = search;
  const isTooNew = (ordinal: number) => beforeSnapshot !== null && ordinal >= beforeSnapshot;
  let begun = from !== null;
  const files = await completeFiles(log, partition, from?.file);
  for (const [i, file] of files.entries()) {
    const offset = file.name === from?.file ? from.offset : 0;
    const closing =
      offset === 0 && i < files.length - 1 ? await closingOf(log, partition, file, codec) : null;
    if (closing !== null) {
      const { first, last, lastHubTime, lastSnapshot } = closing.summary;
      const isBefore = !begun && lastHubTime < since;
      if (isBefore || !mayHold(closing.remotes)) {
        if (isTooNew(lastSnapshot)) return { metNewer: true };
        cost.filesSkipped++;
        cost.blocks += closing.blocks;
        cost.blocksSkipped += closing.blocks;
        const place = { file: file.name, offset: file.sizeBytes };
        if (!isBefore) {
          begun = true;
          yield { range: { from: first, to: last }, place, block: null };
        }
        continue;
      }
    }
    for await (const { block, offset: at } of readFile(log, partition, file, offset, codec)) {
      if (block.header.kind === 'close') continue;
      const { epoch, fromSequence, toSequence, lastHubTime, snapshot } = block.header;
      if (isTooNew(snapshot.ordinal)) return { metNewer: true };
      cost.blocks++;
      if (!begun && lastHubTime < since) {
        cost.blocksSkipped++;
        continue;
      }
      begun = true;
      const holds = block.remotes === null || mayHold(decodeRemoteAddresses(block.remotes));
      if (!holds) cost.blocksSkipped++;
      yield {
        range: { from: { epoch, sequence: fromSequence }, to: { epoch, sequence: toSequence } },
        place: { file: file.name, offset: at + block.lengthBytes },
        block: holds ? (block as DataBlock) : null,
      };
    }
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
  for await (const { block } of readBackward(log, partition, [file], codec, CLOSING_READ_BYTES)) {
    const { header, remotes } = block;
    if (header.kind !== 'close' || header.summary === null || remotes === null) return null;
    return {
      summary: header.summary,
      remotes: decodeRemoteAddresses(remotes),
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
