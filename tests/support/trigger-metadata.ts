// The arguments of an Event Hub function (many, binary) as the host and @azure/functions make them.
import { InvocationContext } from '@azure/functions';

export interface DeliveredEvent {
  readonly sequenceNumber: number;
  /** Epoch milliseconds. */
  readonly enqueuedTime: number;
  readonly deviceId: string;
  readonly body: Uint8Array;
  /** As a device sent them; the host lowers the first letter. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface Delivery {
  readonly bodies: Buffer[];
  readonly context: InvocationContext;
  /** What the function logged: each line's arguments. */
  readonly logged: unknown[][];
}

/** A context that keeps what is logged. */
export function contextOf(
  functionName: string,
  triggerMetadata: Record<string, unknown> = {},
): { context: InvocationContext; logged: unknown[][] } {
  const logged: unknown[][] = [];
  const logHandler = (_level: string, ...args: unknown[]) => void logged.push(args);
  return {
    context: new InvocationContext({ functionName, triggerMetadata, logHandler }),
    logged,
  };
}

export function deliver(partitionId: string, events: readonly DeliveredEvent[]): Delivery {
  // Without Z and without zeros at the end of the fraction.
  const zoneless = (time: number) => new Date(time).toISOString().replace(/\.?0*Z$/, '');
  const { context, logged } = contextOf('ingestDeviceStream', {
    partitionContext: {
      fullyQualifiedNamespace: '127.0.0.1',
      eventHubName: 'devices',
      consumerGroup: '$Default',
      partitionId,
      isCheckpointingAfterInvocation: true,
    },
    partitionKeyArray: [],
    offsetArray: events.map(({ sequenceNumber }) => sequenceNumber),
    sequenceNumberArray: events.map(({ sequenceNumber: n }) => ({
      low: n | 0,
      high: Math.floor(n / 2 ** 32),
      unsigned: false,
    })),
    enqueuedTimeUtcArray: events.map(({ enqueuedTime }) => zoneless(enqueuedTime)),
    propertiesArray: events.map(({ properties = { mti: '2.3-1-0-0' } }) => properties),
    systemPropertiesArray: events.map(({ sequenceNumber, enqueuedTime, deviceId }) => ({
      'x-opt-sequence-number': sequenceNumber,
      'x-opt-offset': String(sequenceNumber),
      'x-opt-enqueued-time': new Date(enqueuedTime).toISOString(),
      'iothub-connection-device-id': deviceId,
      'iothub-enqueuedtime': new Date(enqueuedTime).toISOString(),
      'iothub-message-source': 'Telemetry',
      sequenceNumber,
      offset: String(sequenceNumber),
      partitionKey: null,
      enqueuedTimeUtc: zoneless(enqueuedTime),
    })),
  });
  return { bodies: events.map(({ body }) => Buffer.from(body)), context, logged };
}
