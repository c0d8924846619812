import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeFrame, type EventFrame, type EventProperties } from './event-frame.ts';
import { type NumberedFrame, PartitionLog } from './partition-log.ts';

export interface HubOptions {
  readonly directory: string;
  readonly name: string;
  /** Fixed when the folder is first used, as in Azure. */
  readonly partitionCount: number;
  /** What the hub has to say about its files. */
  readonly onLog?: (line: string) => void;
  readonly now?: () => number;
}

export interface PartitionProperties {
  readonly partitionId: string;
  /** The oldest event held; when none is held, the number that the next one gets. */
  readonly beginningSequenceNumber: number;
  /** -1 if there never was an event; retention does not change it. */
  readonly lastEnqueuedSequenceNumber: number;
  /** ISO 8601; null if there never was an event. */
  readonly lastEnqueuedTime: string | null;
  readonly isEmpty: boolean;
}

export interface SendResult {
  readonly stored: number;
  /** Events whose given number was not above the partition's last: they are taken for already imported. */
  readonly alreadyHeld: number;
}

export type HubErrorCode =
  | 'BadEvent'
  | 'NoSuchPartition'
  /** A reader is ahead of the partition: the hub was created anew since. */
  | 'PositionPastEnd';

/** What a caller of the hub did wrong. */
export class HubRefusal extends Error {
  readonly code: HubErrorCode;

  constructor(code: HubErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What `hub.json` says. */
interface HubDescription {
  readonly name: string;
  readonly partitionCount: number;
  readonly createdOn: string;
  /** Grows when the hub is created anew: each generation has a folder of its own. */
  readonly generation: number;
}

/** Answers are cut at this size, so that one reader cannot hold the others up for long. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
/** What a Date can hold, in milliseconds. */
const MAX_TIME = 8.64e15;
/** Far from where a double stops counting by one. */
const MAX_SEQUENCE_NUMBER = 2 ** 52;

/** One event hub: partitions and the checkpoints of its readers, in a folder. */
export class Hub {
  readonly #directory: string;
  readonly #now: () => number;
  readonly #onLog: (line: string) => void;
  #description: HubDescription;
  readonly #partitions = new Map<string, PartitionLog>();
  #checkpoints: Record<string, number> = {};
  #nextPartition = 0;
  readonly #waiting = new Set<() => void>();

  constructor(options: HubOptions) {
    this.#directory = options.directory;
    this.#now = options.now ?? Date.now;
    this.#onLog = options.onLog ?? (() => undefined);
    mkdirSync(options.directory, { recursive: true });
    const found = readJson(join(options.directory, 'hub.json')) as HubDescription | undefined;
    if (found !== undefined && found.partitionCount !== options.partitionCount) {
      throw new Error(
        `the hub in ${options.directory} has ${found.partitionCount} partitions, not ${options.partitionCount}: their number never changes`,
      );
    }
    this.#description = {
      name: options.name,
      partitionCount: options.partitionCount,
      createdOn: found?.createdOn ?? new Date(this.#now()).toISOString(),
      generation: found?.generation ?? 1,
    };
    this.#open();
  }

  get name(): string {
    return this.#description.name;
  }

  get createdOn(): string {
    return this.#description.createdOn;
  }

  partitionIds(): readonly string[] {
    return [...this.#partitions.keys()];
  }

  /** Stores what it can number; refuses the whole request if one event is wrong. */
  send(events: readonly EventFrame[]): SendResult {
    const batches = new Map<PartitionLog, NumberedFrame[]>();
    let alreadyHeld = 0;
    for (const event of events) {
      const checked = checkEvent(event);
      const partition = this.#choosePartition(checked);
      const batch = batches.get(partition) ?? [];
      batches.set(partition, batch);
      const last = batch.at(-1) ?? {
        sequenceNumber: partition.lastSequenceNumber,
        enqueuedTime: partition.lastEnqueuedTime,
      };
      const sequenceNumber = event.sequenceNumber;
      if (sequenceNumber <= last.sequenceNumber) alreadyHeld++;
      else batch.push(this.#number(event, checked, last));
    }
    let stored = 0;
    for (const [partition, batch] of batches) {
      if (batch.length > 0) partition.append(batch);
      stored += batch.length;
    }
    if (stored > 0) this.#wake();
    return { stored, alreadyHeld };
  }

  properties(partitionId: string): PartitionProperties {
    const partition = this.#partition(partitionId);
    return {
      partitionId,
      beginningSequenceNumber: partition.beginningSequenceNumber,
      lastEnqueuedSequenceNumber: partition.lastSequenceNumber,
      lastEnqueuedTime:
        partition.lastSequenceNumber < 0
          ? null
          : new Date(partition.lastEnqueuedTime).toISOString(),
      isEmpty: partition.length === 0,
    };
  }

  /** Frames after a number (null: from the first one held); empty when there is none yet. */
  read(partitionId: string, after: number | null, maxEvents: number): Buffer {
    const partition = this.#partition(partitionId);
    if (after !== null && after > partition.lastSequenceNumber) {
      throw new HubRefusal(
        'PositionPastEnd',
        `partition ${partitionId} ends at ${partition.lastSequenceNumber}, before ${after}`,
      );
    }
    return partition.read(after, maxEvents, MAX_READ_BYTES);
  }

  /** As `read`, but waits for the first event. */
  async receive(
    partitionId: string,
    after: number | null,
    maxEvents: number,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const until = performance.now() + waitMilliseconds;
    for (;;) {
      const frames = this.read(partitionId, after, maxEvents);
      const left = until - performance.now();
      if (frames.length > 0 || left <= 0 || signal.aborted) return frames;
      await this.#change(left, signal);
    }
  }

  /** Resolves at the next change of any partition, at the latest after the time, or when the signal aborts. */
  async #change(milliseconds: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }

  /** Calls back at every change until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#waiting.add(onChange);
    return () => this.#waiting.delete(onChange);
  }

  /** The number to read on from for events enqueued after a time; null for all that are held. */
  numberBeforeTime(partitionId: string, time: number): number | null {
    return this.#partition(partitionId).numberBeforeTime(time);
  }

  readCheckpoint(consumerGroup: string, partitionId: string): number | null {
    this.#partition(partitionId);
    return this.#checkpoints[`${consumerGroup}/${partitionId}`] ?? null;
  }

  writeCheckpoint(consumerGroup: string, partitionId: string, sequenceNumber: number): void {
    this.#partition(partitionId);
    this.#checkpoints[`${consumerGroup}/${partitionId}`] = sequenceNumber;
    writeJson(join(this.#folder(), 'checkpoints.json'), this.#checkpoints);
  }

  /** What retention does to events below a number. */
  deleteBefore(partitionId: string, sequenceNumber: number): void {
    this.#partition(partitionId).deleteBefore(sequenceNumber);
  }

  /** What a failover does: a new hub of the same name, empty, numbers from 0, without checkpoints. */
  recreate(): void {
    const old = this.#folder();
    this.close();
    this.#description = { ...this.#description, generation: this.#description.generation + 1 };
    this.#open();
    rmSync(old, { recursive: true });
    this.#wake();
  }

  close(): void {
    for (const partition of this.#partitions.values()) partition.close();
    this.#partitions.clear();
  }

  #open(): void {
    mkdirSync(this.#folder(), { recursive: true });
    writeJson(join(this.#directory, 'hub.json'), this.#description);
    const checkpoints = readJson(join(this.#folder(), 'checkpoints.json'));
    this.#checkpoints = (checkpoints ?? {}) as Record<string, number>;
    for (let id = 0; id < this.#description.partitionCount; id++) {
      const partition = new PartitionLog(join(this.#folder(), `partition-${id}.log`));
      if (partition.droppedBytes > 0) {
        this.#onLog(`partition ${id}: dropped ${partition.droppedBytes} bytes of a broken event`);
      }
      this.#partitions.set(String(id), partition);
    }
  }

  #folder(): string {
    return join(this.#directory, `generation-${this.#description.generation}`);
  }

  #partition(partitionId: string): PartitionLog {
    const partition = this.#partitions.get(partitionId);
    if (partition === undefined) {
      throw new HubRefusal('NoSuchPartition', `there is no partition "${partitionId}"`);
    }
    return partition;
  }

  #choosePartition({ partitionId, partitionKey }: CheckedEvent): PartitionLog {
    if (partitionId !== undefined) return this.#partition(partitionId);
    const index = partitionKey === null ? this.#nextPartition++ : hashKey(partitionKey);
    return this.#partition(String(index % this.#partitions.size));
  }

  #number(
    event: EventFrame,
    { partitionKey, properties, systemProperties }: CheckedEvent,
    last: { readonly sequenceNumber: number; readonly enqueuedTime: number },
  ): NumberedFrame {
    const sequenceNumber = Number.isNaN(event.sequenceNumber)
      ? last.sequenceNumber + 1
      : event.sequenceNumber;
    // An event hub's own clock never goes back within a partition.
    const enqueuedTime = Number.isNaN(event.enqueuedTime)
      ? Math.max(this.#now(), last.enqueuedTime)
      : event.enqueuedTime;
    const metadata = { partitionKey, properties, systemProperties };
    try {
      const frame = encodeFrame(sequenceNumber, enqueuedTime, metadata, event.body);
      return { sequenceNumber, enqueuedTime, frame };
    } catch (error) {
      throw new HubRefusal('BadEvent', (error as RangeError).message);
    }
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
  }
}

interface CheckedEvent {
  readonly partitionId: string | undefined;
  readonly partitionKey: string | null;
  readonly properties: EventProperties;
  readonly systemProperties: EventProperties;
}

function checkEvent({ sequenceNumber, enqueuedTime, metadata }: EventFrame): CheckedEvent {
  if (!Number.isNaN(sequenceNumber) && !isIntegerUpTo(MAX_SEQUENCE_NUMBER, sequenceNumber)) {
    throw new HubRefusal('BadEvent', `${sequenceNumber} is no sequence number`);
  }
  if (!Number.isNaN(enqueuedTime) && !isIntegerUpTo(MAX_TIME, enqueuedTime)) {
    throw new HubRefusal('BadEvent', `${enqueuedTime} is no time in milliseconds since 1970`);
  }
  if (!isRecord(metadata)) throw new HubRefusal('BadEvent', 'the metadata is no object');
  const { partitionId, partitionKey = null, properties = {}, systemProperties = {} } = metadata;
  if (partitionId !== undefined && typeof partitionId !== 'string') {
    throw new HubRefusal('BadEvent', 'partitionId is no text');
  }
  if (partitionKey !== null && (typeof partitionKey !== 'string' || partitionKey.length > 128)) {
    throw new HubRefusal('BadEvent', 'partitionKey is no text of at most 128 characters');
  }
  if (!Number.isNaN(sequenceNumber) && partitionId === undefined) {
    throw new HubRefusal('BadEvent', 'an event with a sequence number needs its partitionId');
  }
  if (!isProperties(properties) || !isProperties(systemProperties)) {
    throw new HubRefusal('BadEvent', 'properties are texts, numbers, booleans or null, by name');
  }
  return { partitionId, partitionKey, properties, systemProperties };
}

function isIntegerUpTo(limit: number, value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= limit;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What AMQP carries as application properties. */
function isProperties(value: unknown): value is EventProperties {
  return (
    isRecord(value) &&
    Object.values(value).every(
      (v) => v === null || ['string', 'number', 'boolean'].includes(typeof v),
    )
  );
}

/** FNV-1a over UTF-16 units: any stable spread does. Event Hubs' own is not published as a contract. */
function hashKey(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written beside and renamed, so that a reader finds the old or the new text, never half of one. */
function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value));
  renameSync(`${path}.new`, path);
}
