// The state of a partition, as its log tells it: what was committed last, where the next block goes, which bodies are recent.
import { readRows } from '../../format/activity-log/block.ts';
import type { DataHeader } from '../../format/activity-log/header.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import { type ActivityRows, OTHER } from '../../format/activity-log/rows.ts';
import type { ActivityLog, LogFile, PartitionRef } from '../../ports/activity-log.ts';
import { hourOfFile } from './file-name.ts';
import { completeFiles, readBackward } from './read-log.ts';
import { RecentBodies } from './recent-bodies.ts';

/** Where the next block goes. */
export interface WritePlace {
  /** Null: the partition has no file yet. */
  readonly file: string | null;
  readonly length: number;
  /** Blocks in the file. */
  readonly blocks: number;
  /** The hour that the file holds, of an empty file the one that its name says; null: the partition has no file yet. */
  readonly hour: string | null;
  /** The file is closed, and this one goes on. */
  readonly next: string | null;
}

/** What was committed last. */
export interface CommittedState {
  readonly epoch: number;
  readonly epochStart: number;
  readonly toSequence: number;
  readonly lastEnqueuedTime: number;
  readonly snapshotOrdinal: number;
  readonly groupsRevision: number;
}

export interface Tail {
  readonly place: WritePlace;
  /** Null: the log is empty. */
  readonly committed: CommittedState | null;
  readonly recent: RecentBodies;
}

/** IoT Hub stamps a message before Event Hubs does; their clocks may differ by this much and nothing is missed. */
export const CLOCK_MARGIN_MS = 5 * 60_000;

/**
 * Reads the log back from its end, across files and epochs, as far as bodies with an IoT Hub time at or after
 * `recentFrom` can stand.
 */
export async function readTail(
  log: ActivityLog,
  partition: PartitionRef,
  recentFrom: number,
  codec: BlockCodec,
): Promise<Tail> {
  const files = await completeFiles(log, partition);
  const recent = new RecentBodies(recentFrom);
  const newest = files.at(-1);
  let place = placeOfEmpty(newest);
  let committed: CommittedState | null = null;
  for await (const { block, file } of readBackward(log, partition, files, codec)) {
    const { header } = block;
    if (file === newest?.name && place.blocks === 0) {
      place = placeAfter(
        newest,
        header.index + 1,
        header.hour,
        header.kind === 'close' ? header.next : null,
      );
    }
    if (header.kind === 'close') continue;
    committed ??= stateAfter(header);
    if (header.lastEnqueuedTime < recentFrom - CLOCK_MARGIN_MS) break;
    if (header.lastHubTime >= recentFrom) {
      remember(recent, readRows({ ...block, header }, codec), recentFrom);
    }
  }
  return { place, committed, recent };
}

/** Rows are remembered from committed blocks only, by whoever committed them. */
export function remember(recent: RecentBodies, rows: ActivityRows, from: number): void {
  for (let row = 0; row < rows.count; row++) {
    const time = rows.hubTime[row]!;
    if (time < from || rows.kindOf(row) === OTHER || rows.isRepeat(row)) continue;
    recent.add(rows.hashLow[row]!, rows.hashHigh[row]!, time);
  }
}

export function stateAfter(header: DataHeader): CommittedState {
  return {
    epoch: header.epoch,
    epochStart: header.epochStart,
    toSequence: header.toSequence,
    lastEnqueuedTime: header.lastEnqueuedTime,
    snapshotOrdinal: header.snapshot.ordinal,
    groupsRevision: header.groupsRevision,
  };
}

/** A file without a block: the first of an empty log, or one that a closing block named and somebody created. */
function placeOfEmpty(newest: LogFile | undefined): WritePlace {
  if (newest === undefined) return { file: null, length: 0, blocks: 0, hour: null, next: null };
  return { file: newest.name, length: 0, blocks: 0, hour: hourOfFile(newest.name), next: null };
}

function placeAfter(file: LogFile, blocks: number, hour: string, next: string | null): WritePlace {
  return { file: file.name, length: file.sizeBytes, blocks, hour, next };
}
