import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { type FunctionsHost, startFunctionsHost } from '../../../local/host/functions-host.ts';
import { on } from '../../fixtures/host-app/probe.ts';
import { MemoryEventSource } from './memory-event-source.ts';
import { appDirectory, Log, until } from './support.ts';

const MANY_PARTITIONS = Array.from({ length: 32 }, (_, i) => String(i));
const sources = new Map<string, MemoryEventSource>();
const log = new Log();
let host: FunctionsHost;
let warnings = 0;

before(async () => {
  process.on('warning', () => warnings++);
  host = await startFunctionsHost({
    appDirectory: appDirectory('stream'),
    settings: { STREAM_HUB: 'stream-hub' },
    overrides: {
      eventHubs: { minEventBatchSize: 3, maxWaitTime: '00:00:00.6', batchCheckpointFrequency: 2 },
    },
    openEventSource: async ({ consumerGroup }) => {
      const source = new MemoryEventSource(consumerGroup === 'text' ? MANY_PARTITIONS : undefined);
      sources.set(consumerGroup, source);
      return { source, fullyQualifiedNamespace: 'stream.example.com' };
    },
    log: log.add,
  });
});
after(async () => host.stop());

describe('a batch', () => {
  it('is delivered as soon as it has minEventBatchSize events', async () => {
    const source = sources.get('binary')!;
    const batches: { size: number; at: number }[] = [];
    on(
      'binary',
      (given: Buffer[]) => void batches.push({ size: given.length, at: performance.now() }),
    );
    const startedAt = performance.now();
    source.append('0', {}, {});
    await wait(40);
    assert.equal(batches.length, 0);
    source.append('0', {});
    await until(() => batches.length > 0);
    const [first] = batches;
    assert.equal(first?.size, 3);
    assert.ok(first.at - startedAt < 500, 'long before maxWaitTime');
  });

  it('is delivered smaller once maxWaitTime has passed, and the host is not idle until then', async () => {
    const source = sources.get('fixedDelay')!;
    const sizes: number[] = [];
    on('fixedDelay', (given: Buffer[]) => void sizes.push(given.length));
    source.append('0', {});
    const startedAt = performance.now();
    await host.idle();
    const took = performance.now() - startedAt;
    assert.deepEqual(sizes, [1]);
    assert.ok(took >= 590 && took < 3000, `${took} ms`);
  });

  it('is checkpointed every batchCheckpointFrequency times', async () => {
    const source = sources.get('forEver')!;
    on('forEver', () => {});
    source.append('0', ...Array.from({ length: 12 }, () => ({})));
    await host.idle();
    assert.deepEqual(
      source.checkpointWrites.map((write) => write.sequenceNumber),
      [7],
    );
  });

  it('comes from each of many partitions, without a warning of Node about listeners', async () => {
    const source = sources.get('text')!;
    const seen = new Set<unknown>();
    on('text', (_: unknown, { triggerMetadata }) => {
      seen.add((triggerMetadata!['partitionContext'] as { partitionId: string }).partitionId);
    });
    for (const partition of MANY_PARTITIONS) source.append(partition, {}, {}, {});
    await host.idle();
    assert.equal(seen.size, 32);
    assert.equal(warnings, 0);
  });
});
