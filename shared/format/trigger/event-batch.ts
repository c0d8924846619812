// A batch of the Event Hub trigger (many, binary): bodies, and metadata in arrays that run beside them.
import type { DeviceEvent } from '../../domain/telemetry/device-event.ts';
import { instantOf, readDeviceEvent } from './device-event.ts';

/** One partition's batch. `stream` is `{namespace}~{event hub}`, lower case: the first part of every path and key. */
export interface EventBatch {
  readonly stream: string;
  readonly partition: string;
  readonly events: readonly DeviceEvent[];
}

/** The host handed over something other than its contract: a fault of ours or of the host, never of a device. */
export class TriggerContractError extends Error {
  readonly code = 'TRIGGER_CONTRACT';
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The trigger's payload as device events. Sequence numbers and times are read from `systemPropertiesArray`, where JSON
 * keeps their types (the array beside it holds 64-bit objects).
 */
export function readEventBatch(
  bodies: readonly Uint8Array[],
  metadata: Readonly<Record<string, unknown>> | undefined,
): EventBatch {
  const context = objectOf(metadata?.['partitionContext'], 'partitionContext');
  const system = arrayOf(
    metadata?.['systemPropertiesArray'],
    'systemPropertiesArray',
    bodies.length,
  );
  const properties = arrayOf(metadata?.['propertiesArray'], 'propertiesArray', bodies.length);
  const events: DeviceEvent[] = [];
  for (let i = 0; i < bodies.length; i++) {
    const own = objectOf(system[i], `systemPropertiesArray[${i}]`);
    const sequenceNumber = own['sequenceNumber'] ?? own['x-opt-sequence-number'];
    const enqueued = own['enqueuedTimeUtc'] ?? own['x-opt-enqueued-time'];
    const enqueuedTime = instantOf(enqueued);
    if (!isCount(sequenceNumber) || enqueuedTime === null) {
      throw new TriggerContractError(
        `systemPropertiesArray[${i}] needs a numeric sequenceNumber and an enqueuedTimeUtc, found ${String(sequenceNumber)} and ${String(enqueued)}`,
      );
    }
    const body = bodies[i];
    if (!(body instanceof Uint8Array)) {
      throw new TriggerContractError(
        `the body of event ${i} is not binary: the trigger needs dataType 'binary'`,
      );
    }
    const application = properties[i] ?? {};
    events.push(
      readDeviceEvent(
        sequenceNumber,
        enqueuedTime,
        objectOf(application, `propertiesArray[${i}]`),
        own,
        body,
      ),
    );
  }
  return {
    stream: streamOf(context),
    partition: partitionOf(context),
    events,
  };
}

/** Only characters that need no escaping in a blob name; `~` stands in neither part. */
export function streamName(namespace: string, eventHub: string): string {
  const clean = (text: string) => text.toLowerCase().replace(/[^a-z0-9.-]/g, '-');
  return `${clean(namespace)}~${clean(eventHub)}`;
}

/** The activity log keeps no others. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function partitionOf({ partitionId }: Json): string {
  if (typeof partitionId === 'string' && /^\w{1,20}$/.test(partitionId)) return partitionId;
  throw new TriggerContractError('partitionContext needs a partitionId of letters and digits');
}

function streamOf(context: Json): string {
  const { fullyQualifiedNamespace, eventHubName } = context;
  if (typeof fullyQualifiedNamespace !== 'string' || typeof eventHubName !== 'string') {
    throw new TriggerContractError(
      'partitionContext needs fullyQualifiedNamespace and eventHubName: without them the stream has no name',
    );
  }
  return streamName(fullyQualifiedNamespace, eventHubName);
}

function objectOf(value: unknown, name: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new TriggerContractError(`triggerMetadata.${name} must be an object`);
}

function arrayOf(value: unknown, name: string, length: number): readonly unknown[] {
  if (Array.isArray(value) && value.length === length) return value;
  throw new TriggerContractError(`triggerMetadata.${name} must be an array of ${length} entries`);
}
