// What the Event Hub trigger hands to a function, as the .NET extension and host make it. The library shows the keys of
// the trigger metadata with a lower first letter.
import type { StoredEvent } from './event-source.ts';
import type { Payload } from './invoker.ts';
import { jsonData, metadataValue, toLong, type TypedData, zonelessTime } from './typed-data.ts';

export interface PartitionContext {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
}

/** `dataType` of the binding; without one the .NET host reads bodies as JSON. */
export type DataType = 'binary' | 'string' | undefined;

/** For `cardinality: 'many'`. Throws if a body has to be JSON and is not. */
export function batchPayload(
  events: readonly StoredEvent[],
  partition: PartitionContext,
  dataType: DataType,
): Payload {
  return {
    input:
      dataType === 'binary'
        ? { collectionBytes: { bytes: events.map((event) => event.body) } }
        : { collectionString: { string: withoutEmpty(events.map((e) => text(e, dataType))) } },
    triggerMetadata: {
      PartitionContext: partitionContext(partition),
      PartitionKeyArray: {
        collectionString: { string: withoutEmpty(events.map((event) => event.partitionKey)) },
      },
      OffsetArray: { collectionString: { string: events.map((event) => event.offset) } },
      SequenceNumberArray: {
        collectionSint64: { sint64: events.map((event) => toLong(event.sequenceNumber)) },
      },
      EnqueuedTimeUtcArray: jsonData(events.map((event) => zonelessTime(event.enqueuedTime))),
      PropertiesArray: jsonData(events.map((event) => event.properties)),
      SystemPropertiesArray: jsonData(events.map(systemProperties)),
    },
  };
}

/** For `cardinality: 'one'`. */
export function eventPayload(
  event: StoredEvent,
  partition: PartitionContext,
  dataType: DataType,
): Payload {
  const own: Record<string, TypedData | null> = {
    PartitionContext: partitionContext(partition),
    PartitionKey: metadataValue(event.partitionKey),
    Offset: { string: event.offset },
    SequenceNumber: { int: event.sequenceNumber },
    EnqueuedTimeUtc: jsonData(zonelessTime(event.enqueuedTime)),
    Properties: jsonData(event.properties),
    SystemProperties: jsonData(systemProperties(event)),
  };
  if (dataType === 'binary') return { input: { bytes: event.body }, triggerMetadata: present(own) };
  const body = text(event, dataType);
  // The top-level keys of a JSON object become trigger metadata too. They never replace what is there, in any case of
  // letters: the body is the sender's, and the library lowers the first letter.
  const taken = new Set(Object.keys(own).map((key) => key.toLowerCase()));
  const spread = Object.entries(jsonObject(body))
    .filter(([key]) => !taken.has(key.toLowerCase()))
    .map(([key, value]) => [key, metadataValue(value)] as const);
  return {
    input: { string: body },
    triggerMetadata: present(Object.fromEntries([...Object.entries(own), ...spread])),
  };
}

function text({ body, sequenceNumber }: StoredEvent, dataType: DataType): string {
  const decoded = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (dataType === undefined && decoded !== '' && parseJson(decoded) === undefined) {
    throw new Error(
      `The body of event ${sequenceNumber} is not JSON, which a function without dataType is given: set dataType to 'binary'.`,
    );
  }
  return decoded;
}

function partitionContext(partition: PartitionContext): TypedData {
  return jsonData({
    FullyQualifiedNamespace: partition.fullyQualifiedNamespace,
    EventHubName: partition.eventHubName,
    ConsumerGroup: partition.consumerGroup,
    PartitionId: partition.partitionId,
    IsCheckpointingAfterInvocation: true,
  });
}

/** The AMQP properties and annotations, and four names that the extension has always added. */
function systemProperties(event: StoredEvent): Record<string, unknown> {
  const { sequenceNumber, offset, enqueuedTime, partitionKey } = event;
  return {
    'x-opt-sequence-number': sequenceNumber,
    'x-opt-offset': offset,
    'x-opt-enqueued-time': enqueuedTime,
    ...(partitionKey === null ? {} : { 'x-opt-partition-key': partitionKey }),
    ...event.systemProperties,
    SequenceNumber: sequenceNumber,
    Offset: offset,
    PartitionKey: partitionKey,
    EnqueuedTimeUtc: zonelessTime(enqueuedTime),
  };
}

function withoutEmpty(texts: readonly (string | null)[]): string[] {
  return texts.filter((text): text is string => text !== null && text !== '');
}

function present(metadata: Record<string, TypedData | null>): Record<string, TypedData> {
  return Object.fromEntries(
    Object.entries(metadata).filter((entry) => entry[1] !== null),
  ) as Record<string, TypedData>;
}

function jsonObject(text: string): object {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** Undefined for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
