import type { DeviceStream, StreamEvent, StreamProperties } from '../../ports/device-stream.ts';

interface Partition {
  events: StreamEvent[];
  lastSequenceNumber: number;
  lastEnqueuedTime: number;
}

/** What a test sends: the number is the next one unless given. */
export type SentEvent = Pick<StreamEvent, 'enqueuedTime'> & Partial<StreamEvent>;

/** An event hub in memory, with the two things that happen to a real one: retention and re-creation. */
export class MemoryDeviceStream implements DeviceStream {
  readonly #partitions = new Map<string, Partition>();

  constructor(partitionIds: readonly string[] = ['0']) {
    for (const id of partitionIds) this.#partitions.set(id, emptyPartition());
  }

  send(partitionId: string, ...events: readonly SentEvent[]): readonly StreamEvent[] {
    const partition = this.#partition(partitionId);
    return events.map((sent) => {
      const sequenceNumber = sent.sequenceNumber ?? partition.lastSequenceNumber + 1;
      if (sequenceNumber <= partition.lastSequenceNumber) {
        throw new RangeError(`${sequenceNumber} is not after ${partition.lastSequenceNumber}`);
      }
      const event: StreamEvent = {
        properties: {},
        systemProperties: {},
        body: new Uint8Array(),
        ...sent,
        sequenceNumber,
      };
      partition.events.push(event);
      partition.lastSequenceNumber = sequenceNumber;
      partition.lastEnqueuedTime = event.enqueuedTime;
      return event;
    });
  }

  /** What retention does: events below the number are gone, the numbering goes on. */
  deleteBefore(partitionId: string, sequenceNumber: number): void {
    const partition = this.#partition(partitionId);
    partition.events = partition.events.filter((e) => e.sequenceNumber >= sequenceNumber);
  }

  /** What a failover of the hub does: empty partitions, numbers from 0. */
  recreate(): void {
    for (const id of this.#partitions.keys()) this.#partitions.set(id, emptyPartition());
  }

  async partitionIds(): Promise<readonly string[]> {
    return [...this.#partitions.keys()];
  }

  async properties(partitionId: string): Promise<StreamProperties> {
    const { events, lastSequenceNumber, lastEnqueuedTime } = this.#partition(partitionId);
    return {
      beginningSequenceNumber: events[0]?.sequenceNumber ?? lastSequenceNumber + 1,
      lastEnqueuedSequenceNumber: lastSequenceNumber,
      lastEnqueuedTime,
      isEmpty: events.length === 0,
    };
  }

  async read(
    partitionId: string,
    fromSequenceNumber: number,
    untilSequenceNumber: number,
    max: number,
  ): Promise<readonly StreamEvent[]> {
    return this.#partition(partitionId)
      .events.filter(({ sequenceNumber: n }) => n >= fromSequenceNumber && n < untilSequenceNumber)
      .slice(0, max);
  }

  #partition(id: string): Partition {
    const partition = this.#partitions.get(id);
    if (partition === undefined) throw new Error(`the stream has no partition "${id}"`);
    return partition;
  }
}

function emptyPartition(): Partition {
  return { events: [], lastSequenceNumber: -1, lastEnqueuedTime: 0 };
}
