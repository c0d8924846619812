// How far a partition's windows can be closed: by what has been read, never by the clock alone.
import { MINUTE_MS, PIECE_MS, type Window, alignedDown } from '../../domain/window/window.ts';
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
 * Messages that the stream does not hold any more can still be committed by an ingest that had received them: as long as a function runs
 * (`functionTimeout` in host.json is ten minutes) and is ended. So such a partition closes that much behind the clock. That covers a
 * stream that is made again; where retention empties one, what ingest has held for a day all the same comes too late.
 */
export const IN_FLIGHT_MS = 15 * MINUTE_MS;

/** Event Hubs times between which messages were destroyed unread. */
export interface LostRange extends Window {
  /** False where nobody knows when the last of them came: they were destroyed before the range was first seen, at its end. */
  readonly isExact: boolean;
}

export interface Progress {
  /** The end of the last slice of the partition that no row can be added to. */
  readonly closedUntil: number;
  /** As far as no row of the log tells of it; null: nothing was lost. */
  readonly lost: LostRange | null;
  /** False where the partition has ended: its stream has another name now, or was made again with fewer partitions. */
  readonly isRead: boolean;
}

/**
 * A slice is closed when a row at or past its end (and the grace period) is committed; or when nothing is waiting and the clock is past
 * it. In this order: judge the clock, ask the stream, read the log; a message that comes after the asking is past what the clock said
 * before.
 */
export async function progressOf(services: ProgressServices, ref: PartitionRef): Promise<Progress> {
  const { log, clock, codec, graceMs } = services;
  const now = clock.now() - CLOCK_SLACK_MS;
  const properties = await propertiesOf(services, ref);
  const { committed } = await readTail(log, ref, Infinity, codec);
  const lost = properties?.isEmpty === true ? destroyed(properties, committed, now) : null;
  const nothingWaits =
    properties === null || properties.isEmpty || isCommitted(properties, committed, now);
  const byClock = nothingWaits ? now - (lost === null ? 0 : IN_FLIGHT_MS) : -Infinity;
  const reached = Math.max(committed?.lastEnqueuedTime ?? -Infinity, byClock);
  return {
    closedUntil: alignedDown(reached - graceMs, PIECE_MS),
    lost,
    isRead: properties !== null,
  };
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

/** Null: the partition has ended. */
async function propertiesOf(
  { stream, streamName }: ProgressServices,
  ref: PartitionRef,
): Promise<StreamProperties | null> {
  const isRead = ref.stream === streamName && (await stream.partitionIds()).includes(ref.partition);
  return isRead ? stream.properties(ref.partition) : null;
}

/** Everything that the stream had when it was asked at `now`. The log is read after that, and may be ahead of the answer. */
function isCommitted(
  { lastEnqueuedSequenceNumber, lastEnqueuedTime }: StreamProperties,
  committed: CommittedState | null,
  now: number,
): boolean {
  if (committed === null) return lastEnqueuedSequenceNumber === -1;
  if (lastEnqueuedSequenceNumber === -1) return committed.lastEnqueuedTime > now;
  return (
    lastEnqueuedTime < committed.lastEnqueuedTime ||
    (lastEnqueuedTime === committed.lastEnqueuedTime &&
      lastEnqueuedSequenceNumber <= committed.toSequence)
  );
}

/** What an empty stream had and the log has not. A stream that was made again tells nothing of the one before it. */
function destroyed(
  properties: StreamProperties,
  committed: CommittedState | null,
  now: number,
): LostRange | null {
  if (isCommitted(properties, committed, now)) return null;
  const isNew = properties.lastEnqueuedSequenceNumber === -1;
  return {
    start: committed?.lastEnqueuedTime ?? 0,
    end: isNew ? now : properties.lastEnqueuedTime + 1,
    isExact: !isNew,
  };
}
