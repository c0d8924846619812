// Reads what nobody delivers: the host checkpoints a batch that failed, and if nothing follows it in its partition, no
// later batch shows the gap.
import { partitionKeyOf } from '../domain/alert/identity.ts';
import { type Alert, openPlatformAlert, platformKey, resolveAlert } from '../domain/alert/alert.ts';
import type { PartitionRef } from '../ports/activity-log.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { DeviceStream, StreamProperties } from '../ports/device-stream.ts';
import { streamGap } from '../rules/platform/stream-gap.ts';
import { atOnce } from './at-once.ts';
import { alertIdOf, changeAlert } from './alerts.ts';
import { toDeviceEvent } from './ingest/fill-gap.ts';
import type { Ingest, IngestServices } from './ingest/ingest.ts';
import { type CommittedState, readTail } from './log/read-tail.ts';
import { streamGapFinding } from './stream-gap.ts';

export interface CatchUpServices extends Pick<
  IngestServices,
  'log' | 'codec' | 'clock' | 'settings'
> {
  readonly ingest: Ingest;
  readonly stream: DeviceStream;
  readonly alertStore: AlertStore;
}

/** Events that wait this long behind a tail that does not move are nobody's any more. */
const WAITED_MS = 5 * 60_000;
const READ_EVENTS = 1000;
const PARTITIONS_AT_ONCE = 8;

export interface CatchUpSummary {
  partitions: number;
  waiting: number;
  committedEvents: number;
}

interface Watch {
  readonly tail: string;
  readonly since: number;
}

export class CatchUp {
  readonly #services: CatchUpServices;
  /** Since when each partition's tail stands where it does, as far as this instance has seen. */
  readonly #watches = new Map<string, Watch>();

  constructor(services: CatchUpServices) {
    this.#services = services;
  }

  async run(streamName: string): Promise<CatchUpSummary> {
    const summary: CatchUpSummary = { partitions: 0, waiting: 0, committedEvents: 0 };
    const provisional: Alert[] = [];
    for await (const alert of this.#services.alertStore.list('platform')) {
      if (isProvisionalGap(alert)) provisional.push(alert);
    }
    const partitions = await this.#services.stream.partitionIds();
    await atOnce(partitions, PARTITIONS_AT_ONCE, async (partition) => {
      summary.partitions++;
      await this.#look({ stream: streamName, partition }, provisional, summary);
    });
    return summary;
  }

  async #look(
    ref: PartitionRef,
    provisional: readonly Alert[],
    summary: CatchUpSummary,
  ): Promise<void> {
    const { clock, stream, log, codec } = this.#services;
    const properties = await stream.properties(ref.partition);
    const { committed } = await readTail(log, ref, Infinity, codec);
    const waiting =
      committed === null
        ? !properties.isEmpty
        : properties.lastEnqueuedSequenceNumber !== committed.toSequence ||
          properties.lastEnqueuedTime !== committed.lastEnqueuedTime;
    if (committed !== null) await this.#resolveCommitted(ref, provisional, committed);
    const tail = committed === null ? 'empty' : `${committed.epoch}/${committed.toSequence}`;
    const watch = this.#watches.get(ref.partition);
    const since = waiting && watch?.tail === tail ? watch.since : clock.now();
    this.#watches.set(ref.partition, { tail, since });
    if (!waiting) return;
    summary.waiting++;
    if (clock.now() - since < WAITED_MS) return;
    if (properties.isEmpty) await this.#raiseProvisional(ref, committed, properties);
    else summary.committedEvents += await this.#commitWaiting(ref, committed, properties);
  }

  /** Through the same steps as a delivered batch, so both at once leave the same log. */
  async #commitWaiting(
    ref: PartitionRef,
    committed: CommittedState | null,
    { beginningSequenceNumber, lastEnqueuedSequenceNumber: last }: StreamProperties,
  ): Promise<number> {
    const { stream, ingest, clock, settings } = this.#services;
    const to = committed?.toSequence ?? -1;
    const after = committed?.lastEnqueuedTime ?? -1;
    // A stream created anew counts from 0 again: its numbers lie below the log's, or its event of the same number is younger.
    const [same] = to < 0 || last < to ? [] : await stream.read(ref.partition, to, to + 1, 1);
    const anew = last < to || (same !== undefined && same.enqueuedTime > after);
    let from = anew ? beginningSequenceNumber : Math.max(to + 1, beginningSequenceNumber);
    const giveUpAt = clock.now() + settings.attemptMs;
    const writer = ingest.writerOf(ref);
    let events = 0;
    while (from <= last && clock.now() < giveUpAt) {
      const given = await stream.read(ref.partition, from, last + 1, READ_EVENTS);
      if (given.length === 0) break;
      from = given.at(-1)!.sequenceNumber + 1;
      // Event Hubs stamps several events with one millisecond: only a new stream is told apart by time.
      const later = anew ? given.filter((event) => event.enqueuedTime > after) : given;
      const waiting = later.map(toDeviceEvent);
      await writer.exclusively(() =>
        writer.commit(waiting, async (block) => {
          events += block.rows.count;
          await ingest.raise(ref, block);
        }),
      );
    }
    return events;
  }

  async #raiseProvisional(
    ref: PartitionRef,
    committed: CommittedState | null,
    { lastEnqueuedSequenceNumber: last, lastEnqueuedTime }: StreamProperties,
  ): Promise<void> {
    if (committed === null || lastEnqueuedTime <= committed.lastEnqueuedTime) return;
    if (last <= committed.toSequence) return;
    const { alertStore, clock, settings } = this.#services;
    const lost = { from: committed.toSequence + 1, to: last };
    const finding = streamGapFinding(ref, committed.epoch, lost, true);
    const key = platformKey(finding);
    const id = alertIdOf(settings.hub, key);
    // One that stands already is this one, or the definite one of the same range.
    await changeAlert(alertStore, partitionKeyOf(key), id, (stored) =>
      stored === null ? openPlatformAlert(id, finding, clock.now()) : null,
    );
  }

  /** What was found missing is there after all, or stands as lost in a block's header and has its own alert. */
  async #resolveCommitted(
    { stream, partition }: PartitionRef,
    provisional: readonly Alert[],
    committed: CommittedState,
  ): Promise<void> {
    const { alertStore, clock } = this.#services;
    for (const { id, facts } of provisional) {
      if (facts?.['stream'] !== stream || facts['partition'] !== partition) continue;
      const { epoch, to } = facts as { epoch: number; to: number };
      if (epoch !== committed.epoch || to > committed.toSequence) continue;
      await changeAlert(alertStore, 'platform', id, (stored) =>
        stored !== null && isProvisionalGap(stored) ? resolveAlert(stored, clock.now()) : null,
      );
    }
  }
}

function isProvisionalGap({ alertType, facts, status }: Alert): boolean {
  return (
    alertType === streamGap.alertType && facts?.['provisional'] === true && status !== 'resolved'
  );
}
