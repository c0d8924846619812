import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RegisteredFunction } from './core-module.ts';
import { batchPayload, eventPayload, type PartitionContext } from './event-hub-payload.ts';
import type { EventSource, StoredEvent } from './event-source.ts';
import { withRetries } from './retry.ts';
import { type EventHubsSettings, resolveSettings } from './settings.ts';
import type { Trigger, TriggerHost } from './trigger.ts';
import { toError } from './worker.ts';

export interface EventHubAddress {
  readonly eventHubName: string;
  /** The name of the setting that says where the namespace is, or the prefix of such settings. */
  readonly connection: string;
  readonly consumerGroup: string;
}

export interface OpenedEventSource {
  readonly source: EventSource;
  readonly fullyQualifiedNamespace: string;
}

const bindingOptions = z.object({
  eventHubName: z.string(),
  connection: z.string(),
  consumerGroup: z.string().default('$Default'),
  cardinality: z.enum(['one', 'many']).default('one'),
  dataType: z.enum(['binary', 'string']).optional(),
});
type BindingOptions = z.output<typeof bindingOptions>;

/** How long one receive waits for events before it asks again. */
const RECEIVE_WAIT_MILLISECONDS = 10_000;
/** Between two tries to reach an event hub that does not answer. */
const RECONNECT_MILLISECONDS = 1000;

/** Each partition has one batch in flight at most, in order; partitions run beside each other. */
export async function openEventHubTrigger(
  registered: RegisteredFunction,
  host: TriggerHost,
  settings: EventHubsSettings,
  openEventSource: (address: EventHubAddress) => Promise<OpenedEventSource>,
): Promise<Trigger> {
  const options = bindingOptions.parse(registered.trigger);
  const address: EventHubAddress = {
    eventHubName: resolveSettings(options.eventHubName),
    connection: resolveSettings(options.connection),
    consumerGroup: resolveSettings(options.consumerGroup),
  };
  const { source, fullyQualifiedNamespace } = await openEventSource(address);
  const { eventHubName, consumerGroup } = address;
  const pumps = (await source.partitionIds()).map((partitionId) => {
    const partition = { fullyQualifiedNamespace, eventHubName, consumerGroup, partitionId };
    return new PartitionPump({ registered, options, host, settings, source, partition });
  });
  let running: Promise<unknown> = Promise.resolve();
  return {
    detail: `${eventHubName} (${consumerGroup}), partitions: ${pumps.length}, cardinality: ${options.cardinality}`,
    start: () => {
      running = Promise.all(pumps.map((pump) => pump.run()));
    },
    ended: async () => {
      await running;
    },
    drained: async () => {
      await Promise.all(pumps.map((pump) => pump.drained()));
    },
  };
}

interface Subscription {
  readonly registered: RegisteredFunction;
  readonly options: BindingOptions;
  readonly host: TriggerHost;
  readonly settings: EventHubsSettings;
  readonly source: EventSource;
  readonly partition: PartitionContext;
}

class PartitionPump {
  readonly #subscription: Subscription;
  readonly #stopping: AbortSignal;
  /** The last event that is done with. */
  #after: number | null = null;
  #batchesSinceCheckpoint = 0;
  /** Who waits for the partition to have nothing waiting. */
  #waiters: (() => void)[] = [];
  /** Cuts the wait of the receive that is running. */
  #cutWait = new AbortController();

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
    this.#stopping = subscription.host.stopping;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#cutWait.abort();
      if (this.#stopping.aborted) this.#releaseWaiters();
    });
  }

  /** Until the host stops. */
  async run(): Promise<void> {
    const cutWait = () => this.#cutWait.abort();
    this.#stopping.addEventListener('abort', cutWait);
    await this.#readCheckpoint();
    while (!this.#stopping.aborted) {
      const batch = await this.#nextBatch();
      if (batch.length > 0 && !this.#stopping.aborted) await this.#process(batch);
    }
    this.#stopping.removeEventListener('abort', cutWait);
    this.#releaseWaiters();
  }

  /** Up to the largest batch; once the first event is here, waits for the smallest batch or for maxWaitTime. */
  async #nextBatch(): Promise<readonly StoredEvent[]> {
    const { options, settings } = this.#subscription;
    const many = options.cardinality === 'many';
    const most = many ? settings.maxEventBatchSize : 1;
    const least = many ? settings.minEventBatchSize : 1;
    const batch = [...(await this.#firstEvents(most))];
    if (batch.length === 0) return batch;
    const deadline = performance.now() + settings.maxWaitTime;
    while (batch.length < least && !this.#stopping.aborted) {
      const left = deadline - performance.now();
      if (left <= 0) break;
      const after = batch.at(-1)!.sequenceNumber;
      const more = await this.#receive(after, most - batch.length, left, this.#stopping);
      batch.push(...(more ?? []));
    }
    return batch;
  }

  async #firstEvents(most: number): Promise<readonly StoredEvent[]> {
    // Whoever asked before is answered by a receive that does not wait; whoever asks from now on cuts the wait.
    const asked = this.#waiters.splice(0);
    this.#cutWait = new AbortController();
    const answers = asked.length > 0;
    const events = answers
      ? await this.#receive(this.#after, most, 0, this.#stopping)
      : await this.#receive(this.#after, most, RECEIVE_WAIT_MILLISECONDS, this.#cutWait.signal);
    if (events?.length === 0) for (const answer of asked) answer();
    else this.#waiters.push(...asked);
    return events ?? [];
  }

  /** Null when the source failed, after a pause. */
  async #receive(
    after: number | null,
    most: number,
    waitMilliseconds: number,
    signal: AbortSignal,
  ): Promise<readonly StoredEvent[] | null> {
    const { source, partition } = this.#subscription;
    try {
      return await source.receive(partition.partitionId, after, most, waitMilliseconds, signal);
    } catch (error) {
      if (signal.aborted) return [];
      await this.#reportAndPause('cannot be read', error);
      return null;
    }
  }

  async #process(batch: readonly StoredEvent[]): Promise<void> {
    const { registered, options, host, partition } = this.#subscription;
    const invocationId = randomUUID();
    const payload = () =>
      options.cardinality === 'many'
        ? batchPayload(batch, partition, options.dataType)
        : eventPayload(batch[0]!, partition, options.dataType);
    const outcome = await withRetries(
      registered.metadata.retryOptions,
      (context) => host.invoker.run(registered, invocationId, payload, context),
      host,
    );
    if (outcome.status === 'interrupted') return;
    // A batch that failed is done with as well: the function has to keep what it cannot process.
    this.#after = batch.at(-1)!.sequenceNumber;
    await this.#checkpoint(this.#after);
  }

  async #readCheckpoint(): Promise<void> {
    const { source, partition } = this.#subscription;
    while (!this.#stopping.aborted) {
      try {
        this.#after = await source.readCheckpoint(partition.consumerGroup, partition.partitionId);
        return;
      } catch (error) {
        await this.#reportAndPause('has no readable checkpoint', error);
      }
    }
  }

  /** A checkpoint that cannot be written is made up for by the next one. */
  async #checkpoint(sequenceNumber: number): Promise<void> {
    const { source, partition, settings } = this.#subscription;
    this.#batchesSinceCheckpoint++;
    if (this.#batchesSinceCheckpoint < settings.batchCheckpointFrequency) return;
    this.#batchesSinceCheckpoint = 0;
    try {
      await source.writeCheckpoint(partition.consumerGroup, partition.partitionId, sequenceNumber);
    } catch (error) {
      this.#report('cannot be checkpointed', error);
    }
  }

  async #reportAndPause(what: string, error: unknown): Promise<void> {
    this.#report(what, error);
    await this.#subscription.host.clock.delay(RECONNECT_MILLISECONDS, this.#stopping);
  }

  #report(what: string, error: unknown): void {
    const { registered, host, partition } = this.#subscription;
    host.log({
      level: 'error',
      category: 'host',
      functionName: registered.metadata.name,
      message: `Partition ${partition.partitionId} of ${partition.eventHubName} ${what}: ${toError(error).message}`,
    });
  }

  #releaseWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
