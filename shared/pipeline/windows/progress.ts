// How far a partition's windows can be closed: by what has been read, never by the clock alone.
import { PIECE_MS, alignedDown } from '../../domain/window/window.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import type { ActivityLog, PartitionRef } from '../../ports/activity-log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeviceStream, StreamProperties } from '../../ports/device-stream.ts';
import { type CommittedState, readTail } from '../log/read-tail.ts';

export interface ProgressServices {
  readonly log: ActivityLog;
  readonly stream: DeviceStream;
  /** The stream that is read now: partitions of others in the log have ended. */
  readonly streamName: string;
  readonly clock: Clock;
  readonly codec: BlockCodec;
  readonly graceMs: number;
}

/** Our clock and Event Hubs' may differ by this much: a partition where nothing waits is closed by our clock only so much later. */
export const CLOCK_SLACK_MS = 5000;

/**
 * The end of the last slice of the partition that no row can be added to. A row at or past it (and the grace period) is committed; or
 * nothing is waiting and the clock is past it. In this order: judge the clock, ask the stream, read the log; a message that comes
 * after the asking is past what the clock said before.
 */
export async function closedUntil(services: ProgressServices, ref: PartitionRef): Promise<number> {
  const { log, clock, codec, graceMs } = services;
  const now = clock.now() - CLOCK_SLACK_MS;
  const properties = await propertiesOf(services, ref);
  const { committed } = await readTail(log, ref, Infinity, codec);
  const nothingWaits =
    properties === null ||
    properties.isEmpty ||
    (committed !== null &&
      properties.lastEnqueuedSequenceNumber === committed.toSequence &&
      properties.lastEnqueuedTime === committed.lastEnqueuedTime);
  return alignedDown(reached(committed, nothingWaits ? now : -Infinity) - graceMs, PIECE_MS);
}

/** Partitions whose windows close: those that the stream has, and those that the log has. */
export async function allPartitions(services: ProgressServices): Promise<readonly PartitionRef[]> {
  const { log, stream, streamName } = services;
  const logged = await log.partitions();
  const current = await stream.partitionIds();
  const ended = logged.filter((ref) => ref.stream !== streamName);
  const inLog = logged.filter((ref) => ref.stream === streamName).map((ref) => ref.partition);
  return [
    ...ended,
    ...[...new Set([...current, ...inLog])].sort().map((partition) => ({
      stream: streamName,
      partition,
    })),
  ];
}

/** Null: the partition has ended. Its stream has another name now, or was made again with fewer partitions. */
async function propertiesOf(
  { stream, streamName }: ProgressServices,
  ref: PartitionRef,
): Promise<StreamProperties | null> {
  const isRead = ref.stream === streamName && (await stream.partitionIds()).includes(ref.partition);
  return isRead ? stream.properties(ref.partition) : null;
}

function reached(committed: CommittedState | null, byClock: number): number {
  return Math.max(committed?.lastEnqueuedTime ?? -Infinity, byClock);
}
