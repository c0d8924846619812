import { setTimeout as wait } from 'node:timers/promises';
import type { EventSource, StoredEvent } from '../../../local/host/event-source.ts';

const ENQUEUED_AT = Date.parse('2026-03-07T19:09:08.120Z');

export function storedEvent(sequenceNumber: number, given: Partial<StoredEvent> = {}): StoredEvent {
  return {
    sequenceNumber,
    offset: String(sequenceNumber * 100),
    enqueuedTime: new Date(ENQUEUED_AT + sequenceNumber).toISOString(),
    partitionKey: null,
    properties: {},
    systemProperties: {},
    body: Buffer.from(`event ${sequenceNumber}`),
    ...given,
  };
}

/** An event hub in memory, which a test fills and whose checkpoints it reads. */
export class MemoryEventSource implements EventSource {
  readonly #partitions: Map<string, StoredEvent[]>;
  readonly checkpoints = new Map<string, number>();
  /** Every write, in order. */
  readonly checkpointWrites: { group: string; partitionId: string; sequenceNumber: number }[] = [];
  failNextReceive = false;

  constructor(partitionIds: readonly string[] = ['0']) {
    this.#partitions = new Map(partitionIds.map((id) => [id, []]));
  }

  append(partitionId: string, ...events: Partial<StoredEvent>[]): void {
    const stored = this.#partitions.get(partitionId)!;
    for (const event of events) stored.push(storedEvent(stored.length, event));
  }

  async partitionIds(): Promise<readonly string[]> {
    return [...this.#partitions.keys()];
  }

  async receive(
    partitionId: string,
    after: number | null,
    max: number,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[]> {
    if (this.failNextReceive) {
      this.failNextReceive = false;
      throw new Error('the event hub is away');
    }
    const until = performance.now() + waitMilliseconds;
    for (;;) {
      const stored = this.#partitions.get(partitionId)!;
      const events = stored.filter((e) => e.sequenceNumber > (after ?? -1)).slice(0, max);
      if (events.length > 0 || performance.now() >= until) return events;
      await wait(2, undefined, { signal });
    }
  }

  async readCheckpoint(group: string, partitionId: string): Promise<number | null> {
    return this.checkpoints.get(`${group}/${partitionId}`) ?? null;
  }

  async writeCheckpoint(group: string, partitionId: string, sequenceNumber: number): Promise<void> {
    this.checkpoints.set(`${group}/${partitionId}`, sequenceNumber);
    this.checkpointWrites.push({ group, partitionId, sequenceNumber });
  }
}
