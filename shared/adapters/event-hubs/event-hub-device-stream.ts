import type { TokenCredential } from '@azure/identity';
import type {
  EventHubConsumerClient,
  EventHubConsumerClientOptions,
  ReceivedEventData,
} from '@azure/event-hubs';
import type { DeviceStream, StreamEvent, StreamProperties } from '../../ports/device-stream.ts';

export type EventHubConnection =
  | { readonly connectionString: string }
  | { readonly fullyQualifiedNamespace: string; readonly credential: TokenCredential };

/** The event hub did not answer, or not in time; the SDK's error is the cause. */
export class DeviceStreamError extends Error {
  readonly code = 'DEVICE_STREAM_FAILED';
}

const TIMEOUT_MILLISECONDS = 30_000;
const CLOSE_MILLISECONDS = 2_000;
const MAX_BATCH = 500;

/** The SDK's names of what AMQP calls otherwise; the trigger gives AMQP's. */
const AMQP_NAMES: Readonly<Record<string, string>> = {
  messageId: 'message-id',
  userId: 'user-id',
  replyTo: 'reply-to',
  correlationId: 'correlation-id',
  contentType: 'content-type',
  contentEncoding: 'content-encoding',
  absoluteExpiryTime: 'absolute-expiry-time',
  creationTime: 'creation-time',
  groupId: 'group-id',
  groupSequence: 'group-sequence',
  replyToGroupId: 'reply-to-group-id',
};

/** Reads the event hub with receivers of its own, beside the trigger. Opens its connection on first use. */
export class EventHubDeviceStream implements DeviceStream {
  readonly #connection: EventHubConnection;
  readonly #eventHubName: string;
  readonly #consumerGroup: string;
  readonly #timeoutMilliseconds: number;
  #client: Promise<EventHubConsumerClient> | undefined;

  /**
   * The consumer group must not be the trigger's: its receivers own their partitions, and Event Hubs refuses any other
   * receiver beside them in the same group. A call fails after the timeout.
   */
  constructor(
    connection: EventHubConnection,
    eventHubName: string,
    consumerGroup: string,
    timeoutMilliseconds = TIMEOUT_MILLISECONDS,
  ) {
    this.#connection = connection;
    this.#eventHubName = eventHubName;
    this.#consumerGroup = consumerGroup;
    this.#timeoutMilliseconds = timeoutMilliseconds;
  }

  async partitionIds(): Promise<readonly string[]> {
    try {
      const client = await this.#connected();
      return await client.getPartitionIds({ abortSignal: this.#timeout() });
    } catch (cause) {
      throw new DeviceStreamError('the event hub named no partitions', { cause });
    }
  }

  async properties(partitionId: string): Promise<StreamProperties> {
    try {
      const client = await this.#connected();
      const found = await client.getPartitionProperties(partitionId, {
        abortSignal: this.#timeout(),
      });
      return {
        beginningSequenceNumber: found.beginningSequenceNumber,
        lastEnqueuedSequenceNumber: found.lastEnqueuedSequenceNumber,
        // Event Hubs says the year 1 where there never was an event.
        lastEnqueuedTime: Math.max(0, found.lastEnqueuedOnUtc.getTime()),
        isEmpty: found.isEmpty,
      };
    } catch (cause) {
      throw new DeviceStreamError(`partition ${partitionId} gave no properties`, { cause });
    }
  }

  async read(
    partitionId: string,
    fromSequenceNumber: number,
    untilSequenceNumber: number,
    max: number,
  ): Promise<readonly StreamEvent[]> {
    // A receiver at the end of the stream would wait for what is not sent yet.
    const { lastEnqueuedSequenceNumber, isEmpty } = await this.properties(partitionId);
    const last = Math.min(untilSequenceNumber - 1, lastEnqueuedSequenceNumber);
    if (isEmpty || max <= 0 || fromSequenceNumber > last) return [];
    try {
      const client = await this.#connected();
      const events = await this.#receive(client, partitionId, fromSequenceNumber, last, max);
      return events.filter(({ sequenceNumber: n }) => n <= last).slice(0, max);
    } catch (cause) {
      throw new DeviceStreamError(`partition ${partitionId} could not be read`, { cause });
    }
  }

  /** Ends the connection; the next call opens another. A hub that no longer answers is not waited for. */
  async close(): Promise<void> {
    const client = await this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    const closed = client.close();
    const waited = new Promise((resolve) => setTimeout(resolve, CLOSE_MILLISECONDS).unref());
    await Promise.race([closed, waited]);
  }

  /** Receives until an event at or past `last` has come, or `max` events have. */
  async #receive(
    client: EventHubConsumerClient,
    partitionId: string,
    from: number,
    last: number,
    max: number,
  ): Promise<readonly StreamEvent[]> {
    const events: StreamEvent[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      reject(new Error(`only ${events.length} events came in ${this.#timeoutMilliseconds} ms`));
    }, this.#timeoutMilliseconds);
    const subscription = client.subscribe(
      partitionId,
      {
        processEvents: async (received) => {
          events.push(...received.map(toStreamEvent));
          const reached = events.at(-1)?.sequenceNumber ?? -1;
          if (reached >= last || events.length >= max) resolve();
        },
        // The SDK has retried by then.
        processError: async (error) => reject(error),
      },
      {
        startPosition: { sequenceNumber: from, isInclusive: true },
        maxBatchSize: Math.min(max, MAX_BATCH),
        maxWaitTimeInSeconds: 1,
        skipParsingBodyAsJson: true,
      },
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      await subscription.close();
    }
    return events;
  }

  #timeout(): AbortSignal {
    return AbortSignal.timeout(this.#timeoutMilliseconds);
  }

  #connected(): Promise<EventHubConsumerClient> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<EventHubConsumerClient> {
    // Heavy, and needed only where a gap is filled or a window asks whether anything waits.
    const { EventHubConsumerClient } = await import('@azure/event-hubs');
    const connection = this.#connection;
    const options: EventHubConsumerClientOptions = {
      retryOptions: {
        maxRetries: 1,
        retryDelayInMs: 500,
        timeoutInMs: this.#timeoutMilliseconds / 3,
      },
    };
    return 'connectionString' in connection
      ? new EventHubConsumerClient(
          this.#consumerGroup,
          connection.connectionString,
          this.#eventHubName,
          options,
        )
      : new EventHubConsumerClient(
          this.#consumerGroup,
          connection.fullyQualifiedNamespace,
          this.#eventHubName,
          connection.credential,
          options,
        );
  }
}

function toStreamEvent(event: ReceivedEventData): StreamEvent {
  return {
    sequenceNumber: event.sequenceNumber,
    enqueuedTime: event.enqueuedTimeUtc.getTime(),
    properties: event.properties ?? {},
    systemProperties: Object.fromEntries(
      Object.entries(event.systemProperties ?? {}).map(([name, value]) => [
        AMQP_NAMES[name] ?? name,
        value as unknown,
      ]),
    ),
    body: toBytes(event.body),
  };
}

/** IoT Hub sends data sections, so bytes; what another sender put into a value section is its JSON text. */
function toBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body ?? null));
}
