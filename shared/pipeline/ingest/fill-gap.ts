import type { DeviceEvent } from '../../domain/telemetry/device-event.ts';
import type { SequenceRange } from '../../format/activity-log/header.ts';
import { readDeviceEvent } from '../../format/trigger/device-event.ts';
import type { DeviceStream, StreamEvent } from '../../ports/device-stream.ts';
import type { CommittedState } from '../log/read-tail.ts';

/** The stream says that it holds events which it did not give: read again later. */
export class StreamIncompleteError extends Error {
  readonly code = 'STREAM_INCOMPLETE';
}

export type Filled =
  | {
      /** A contiguous run that begins where the log ends, or after `lost`. */
      readonly pending: readonly DeviceEvent[];
      readonly lost: SequenceRange | null;
    }
  /** No gap: the stream was created anew, and this event has the number of the log's last row at a later time. */
  | { readonly recreatedBy: DeviceEvent };

/** One block's worth; a longer gap is committed in several. */
const FILL_EVENTS = 1000;

/**
 * Puts before the events what the stream still holds between the log's end (`to`) and the first of them: a gap is ordinary,
 * because the host checkpoints batches that failed. Only what retention has destroyed is lost. An empty log begins with
 * the stream's first available event, so nothing before that is missing.
 */
export async function fillGap(
  stream: DeviceStream,
  partition: string,
  { to, events }: { to: number; events: readonly DeviceEvent[] },
  committed: CommittedState | null,
): Promise<Filled> {
  const first = events[0]!;
  const logIsEmpty = committed === null;
  const from = logIsEmpty ? (await stream.properties(partition)).beginningSequenceNumber : to + 1;
  if (first.sequenceNumber <= from) return { pending: contiguous(events), lost: null };

  // One event more than is missing at either end: the last committed one tells a gap from a stream that was created anew,
  // and a reading that goes on behind a hole proves that the stream does not hold it.
  const begin = Math.max(from - 1, 0);
  const read = await stream.read(partition, begin, first.sequenceNumber + 1, FILL_EVENTS);
  const [last] = read;
  if (
    committed !== null &&
    last?.sequenceNumber === committed.toSequence &&
    to === committed.toSequence &&
    last.enqueuedTime > committed.lastEnqueuedTime
  ) {
    return { recreatedBy: toDeviceEvent(last) };
  }
  const given = read.filter((event) => event.sequenceNumber >= from);
  if (given.length === 0) {
    await assertDestroyed(stream, partition, from, first.sequenceNumber);
  }
  // What was enqueued later than the event that follows it belongs to a stream that was created anew meanwhile.
  const filled = given.filter(
    ({ sequenceNumber, enqueuedTime }) =>
      sequenceNumber < first.sequenceNumber && enqueuedTime <= first.enqueuedTime,
  );
  const begins = filled[0]?.sequenceNumber ?? first.sequenceNumber;
  const pending = contiguous([...filled.map(toDeviceEvent), ...events]);
  const lost = begins > from && !logIsEmpty ? { from, to: begins - 1 } : null;
  return { pending, lost };
}

export function toDeviceEvent(event: StreamEvent): DeviceEvent {
  const { sequenceNumber, enqueuedTime, properties, systemProperties, body } = event;
  return readDeviceEvent(sequenceNumber, enqueuedTime, properties, systemProperties, body);
}

/** Nothing is called lost on the word of one reading that may have ended early. */
async function assertDestroyed(
  stream: DeviceStream,
  partition: string,
  from: number,
  begins: number,
): Promise<void> {
  const { beginningSequenceNumber, lastEnqueuedSequenceNumber } =
    await stream.properties(partition);
  const destroyed = beginningSequenceNumber >= begins || lastEnqueuedSequenceNumber < from;
  if (!destroyed) {
    throw new StreamIncompleteError(
      `partition ${partition} holds ${beginningSequenceNumber} to ${lastEnqueuedSequenceNumber}, but reading ${from} to ${begins - 1} gave nothing`,
    );
  }
}

/** The longest run from the first event on in which each number follows the one before. */
function contiguous(events: readonly DeviceEvent[]): readonly DeviceEvent[] {
  let end = 1;
  while (
    end < events.length &&
    events[end]!.sequenceNumber === events[end - 1]!.sequenceNumber + 1
  ) {
    end++;
  }
  return events.slice(0, end);
}
