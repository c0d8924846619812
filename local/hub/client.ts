import type { EventSource, StoredEvent } from '../host/event-source.ts';
import {
  decodeFrames,
  encodeFrame,
  type EventMetadata,
  type EventProperties,
} from './event-frame.ts';
import type { PartitionProperties, SendResult } from './hub.ts';

/** What a sender gives. Property values are texts, numbers, booleans or null. */
export interface OutgoingEvent {
  /** The partition; else the one that the key falls to; else each in turn. */
  readonly partitionId?: string;
  readonly partitionKey?: string;
  /** Of an imported event; rises within its partition, gaps are allowed. Else the next number. */
  readonly sequenceNumber?: number;
  /** ISO 8601. Else the hub's clock. */
  readonly enqueuedTime?: string;
  readonly properties?: EventProperties;
  readonly systemProperties?: EventProperties;
  readonly body: Uint8Array;
}

/** The hub refused (its own code) or does not answer (`Unreachable`). */
export class HubError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One request carries about this much, well under what the hub takes. */
const REQUEST_BYTES = 2 * 1024 * 1024;
const ANSWER_MILLISECONDS = 30_000;

/** The hub over its own HTTP face. Stateless: it outlives a restart of the hub. */
export class HubClient implements EventSource {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address.replace(/\/$/, '');
  }

  /** In order. A call that rejects may have stored some; numbered events can be sent again without harm. */
  async send(events: readonly OutgoingEvent[]): Promise<SendResult> {
    let stored = 0;
    let alreadyHeld = 0;
    let frames: Buffer[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const result = await this.#askJson<SendResult>('POST', '/events', Buffer.concat(frames));
      stored += result.stored;
      alreadyHeld += result.alreadyHeld;
      frames = [];
      bytes = 0;
    };
    for (const event of events) {
      const frame = encodeOutgoing(event);
      frames.push(frame);
      bytes += frame.length;
      if (bytes >= REQUEST_BYTES) await flush();
    }
    if (frames.length > 0) await flush();
    return { stored, alreadyHeld };
  }

  async partitionIds(): Promise<readonly string[]> {
    return (await this.#askJson<{ partitionIds: string[] }>('GET', '/')).partitionIds;
  }

  partitionProperties(partitionId: string): Promise<PartitionProperties> {
    return this.#askJson('GET', `/partitions/${encodeURIComponent(partitionId)}`);
  }

  /** Gives `[]` once `signal` is aborted. */
  async receive(
    partitionId: string,
    afterSequenceNumber: number | null,
    max: number,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[]> {
    const after = afterSequenceNumber === null ? '' : `&after=${afterSequenceNumber}`;
    const path = `/partitions/${encodeURIComponent(partitionId)}/events?max=${max}&wait=${Math.ceil(waitMilliseconds)}${after}`;
    try {
      const timeout = AbortSignal.timeout(waitMilliseconds + ANSWER_MILLISECONDS);
      const response = await this.#ask('GET', path, AbortSignal.any([signal, timeout]));
      return decodeFrames(Buffer.from(await response.arrayBuffer())).map(toStoredEvent);
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  async readCheckpoint(consumerGroup: string, partitionId: string): Promise<number | null> {
    const path = checkpointPath(consumerGroup, partitionId);
    return (await this.#askJson<{ sequenceNumber: number | null }>('GET', path)).sequenceNumber;
  }

  async writeCheckpoint(
    consumerGroup: string,
    partitionId: string,
    sequenceNumber: number,
  ): Promise<void> {
    const path = checkpointPath(consumerGroup, partitionId);
    await this.#askJson('PUT', path, Buffer.from(JSON.stringify({ sequenceNumber })));
  }

  /** What retention does: events below the number are gone, the numbering goes on. */
  async deleteBefore(partitionId: string, sequenceNumber: number): Promise<void> {
    const path = `/partitions/${encodeURIComponent(partitionId)}/events?before=${sequenceNumber}`;
    await this.#askJson('DELETE', path);
  }

  /** What a failover does: the same name, empty, numbers from 0, no checkpoints. */
  async recreate(): Promise<void> {
    await this.#askJson('POST', '/recreate');
  }

  async #askJson<T>(method: string, path: string, body?: Buffer): Promise<T> {
    const signal = AbortSignal.timeout(ANSWER_MILLISECONDS);
    return (await (await this.#ask(method, path, signal, body)).json()) as T;
  }

  async #ask(method: string, path: string, signal: AbortSignal, body?: Buffer): Promise<Response> {
    let response: Response;
    try {
      const url = this.#address + path;
      response = await fetch(url, { method, signal, ...(body === undefined ? {} : { body }) });
    } catch (cause) {
      throw new HubError('Unreachable', `the hub at ${this.#address} does not answer`, { cause });
    }
    if (response.ok) return response;
    const { code, message } = (await response.json()) as { code: string; message: string };
    throw new HubError(code, message);
  }
}

function checkpointPath(consumerGroup: string, partitionId: string): string {
  return `/checkpoints/${encodeURIComponent(consumerGroup)}/${encodeURIComponent(partitionId)}`;
}

function encodeOutgoing(event: OutgoingEvent): Buffer {
  const { partitionId, partitionKey, properties, systemProperties, body } = event;
  const enqueuedTime = event.enqueuedTime === undefined ? NaN : Date.parse(event.enqueuedTime);
  if (event.enqueuedTime !== undefined && Number.isNaN(enqueuedTime)) {
    throw new RangeError(`"${event.enqueuedTime}" is no time`);
  }
  const metadata = { partitionId, partitionKey, properties, systemProperties };
  return encodeFrame(event.sequenceNumber ?? NaN, enqueuedTime, metadata, body);
}

function toStoredEvent(frame: ReturnType<typeof decodeFrames>[number]): StoredEvent {
  const metadata = frame.metadata as EventMetadata;
  return {
    sequenceNumber: frame.sequenceNumber,
    offset: String(frame.sequenceNumber),
    enqueuedTime: new Date(frame.enqueuedTime).toISOString(),
    ...metadata,
    body: frame.body,
  };
}
