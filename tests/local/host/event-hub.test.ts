import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import type { InvocationContext } from '@azure/functions';
import { VirtualHostClock } from '../../../local/host/clock.ts';
import { type FunctionsHost, startFunctionsHost } from '../../../local/host/functions-host.ts';
import { on } from '../../fixtures/host-app/probe.ts';
import { MemoryEventSource } from './memory-event-source.ts';
import { appDirectory, Log, until } from './support.ts';

const GROUPS = ['binary', 'text', 'json', 'one', 'fixedDelay', 'forEver'] as const;
type Group = (typeof GROUPS)[number];

/** Each function reads a consumer group of its own name, and here a stream of its own. */
const sources = Object.fromEntries(
  GROUPS.map((group) => [group, new MemoryEventSource(['0', '1'])]),
) as Record<Group, MemoryEventSource>;
const log = new Log();
const opened: object[] = [];
const seenAtStart: unknown[] = [];
let host: FunctionsHost;

before(async () => {
  on('text', (texts: unknown[]) => void seenAtStart.push(...texts));
  sources.text.append('0', {}, {}, { body: Buffer.from('after the checkpoint') });
  sources.text.checkpoints.set('text/0', 1);
  host = await startFunctionsHost({
    appDirectory: appDirectory('stream'),
    settings: { STREAM_HUB: 'stream-hub' },
    clock: new VirtualHostClock(0),
    openEventSource: async (address) => {
      opened.push(address);
      return {
        source: sources[address.consumerGroup as Group],
        fullyQualifiedNamespace: 'stream.example.com',
      };
    },
    log: log.add,
  });
});
after(async () => host.stop());

const bodies = (given: Buffer[]) => given.map((body) => body.toString());

describe('an Event Hub function', () => {
  it('is bound to the hub that its settings name', () => {
    assert.deepEqual(opened[0], {
      eventHubName: 'stream-hub',
      connection: 'STREAM_CONNECTION',
      consumerGroup: 'binary',
    });
    assert.deepEqual(host.functions[0], {
      name: 'binary',
      trigger: 'eventHubTrigger',
      detail: 'stream-hub (binary), partitions: 2, cardinality: many',
    });
  });

  it('continues after the checkpoint that it finds', async () => {
    await host.idle();
    assert.deepEqual(seenAtStart, ['after the checkpoint']);
    assert.equal(sources.text.checkpoints.get('text/0'), 2);
  });

  it('sees bodies as Buffers, and metadata with lower first letters', async () => {
    const calls: { given: Buffer[]; context: InvocationContext }[] = [];
    on('binary', (given, context) => void calls.push({ given, context }));
    sources.binary.append(
      '1',
      { properties: { Level: 'low' }, body: Buffer.from([0, 255]) },
      { systemProperties: { 'iothub-connection-device-id': 'dev-1' }, body: Buffer.alloc(0) },
    );
    await host.idle();
    assert.equal(calls.length, 1);
    const { given, context } = calls[0]!;
    assert.ok(given.every((body) => Buffer.isBuffer(body)));
    assert.deepEqual(given, [Buffer.from([0, 255]), Buffer.alloc(0)]);
    const metadata = context.triggerMetadata!;
    assert.deepEqual(metadata['sequenceNumberArray'], [
      { low: 0, high: 0, unsigned: false },
      { low: 1, high: 0, unsigned: false },
    ]);
    assert.deepEqual(metadata['partitionContext'], {
      fullyQualifiedNamespace: 'stream.example.com',
      eventHubName: 'stream-hub',
      consumerGroup: 'binary',
      partitionId: '1',
      isCheckpointingAfterInvocation: true,
    });
    assert.deepEqual(metadata['propertiesArray'], [{ level: 'low' }, {}]);
    assert.deepEqual(metadata['offsetArray'], [0, 100]);
    assert.deepEqual(metadata['partitionKeyArray'], []);
    const [, second] = metadata['systemPropertiesArray'] as Record<string, unknown>[];
    assert.equal(second?.['sequenceNumber'], 1);
    assert.equal(second?.['iothub-connection-device-id'], 'dev-1');
    assert.equal(second?.['enqueuedTimeUtc'], '2026-03-07T19:09:08.121');
    assert.equal(context.retryContext, undefined);
    assert.equal(context.functionName, 'binary');
  });

  it('gets its events in order, in batches of maxEventBatchSize at most', async () => {
    const batches: string[][] = [];
    on('binary', (given) => void batches.push(bodies(given)));
    const texts = Array.from({ length: 10 }, (_, i) => `event ${i}`);
    sources.binary.append('0', ...texts.map((text) => ({ body: Buffer.from(text) })));
    await host.idle();
    assert.deepEqual(batches.flat(), texts);
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [4, 4, 2],
    );
    assert.equal(sources.binary.checkpoints.get('binary/0'), 9);
  });

  it('runs once at a time per partition, and partitions beside each other', async () => {
    const running = { '0': 0, '1': 0 };
    let mostTogether = 0;
    let overlapped = false;
    on('binary', async (_given, context: InvocationContext) => {
      const { partitionId } = context.triggerMetadata!['partitionContext'] as {
        partitionId: '0' | '1';
      };
      overlapped ||= ++running[partitionId] > 1;
      mostTogether = Math.max(mostTogether, running['0'] + running['1']);
      await wait(10);
      running[partitionId]--;
    });
    for (const partition of ['0', '1'])
      sources.binary.append(partition, ...Array.from({ length: 12 }, () => ({})));
    await host.idle();
    assert.deepEqual([overlapped, mostTogether], [false, 2]);
  });

  it('loses a batch that fails: it is checkpointed, and the next one comes', async () => {
    const seen: string[][] = [];
    on('binary', (given) => {
      seen.push(bodies(given));
      throw new Error('no luck');
    });
    const written = sources.binary.checkpointWrites.length;
    sources.binary.append('1', { body: Buffer.from('a') });
    await host.idle();
    sources.binary.append('1', { body: Buffer.from('b') });
    await host.idle();
    assert.deepEqual(seen, [['a'], ['b']]);
    assert.equal(sources.binary.checkpointWrites.length, written + 2);
    assert.ok(
      log.has(/Result: Failure\nException: no luck\nStack: Error: no luck/, {
        level: 'error',
        functionName: 'binary',
      }),
    );
  });

  it('that is text drops empty bodies, and shows JSON parsed', async () => {
    const seen: unknown[] = [];
    on('text', (texts: unknown[]) => seen.push(texts));
    sources.text.append(
      '1',
      ...['{"a":1}', '', 'plain', '42'].map((t) => ({ body: Buffer.from(t) })),
    );
    await host.idle();
    assert.deepEqual(seen, [[{ a: 1 }, 'plain', 42]]);
  });

  it('without dataType never sees a body that is not JSON: the batch fails before', async () => {
    let calls = 0;
    on('json', () => void calls++);
    sources.json.append('0', { body: Buffer.from('not JSON') });
    await host.idle();
    assert.deepEqual([calls, sources.json.checkpoints.get('json/0')], [0, 0]);
    assert.ok(log.has(/not JSON/, { functionName: 'json', level: 'error' }));
  });

  it('of cardinality one gets one event after the other', async () => {
    const seen: unknown[] = [];
    on('one', (event, { triggerMetadata }) =>
      seen.push([event, triggerMetadata?.['sequenceNumber'], triggerMetadata?.['name']]),
    );
    sources.one.append('0', { body: Buffer.from('{"Name":"x"}') }, { body: Buffer.from('plain') });
    await host.idle();
    assert.deepEqual(seen, [
      [{ Name: 'x' }, 0, 'x'],
      ['plain', 1, undefined],
    ]);
    assert.deepEqual(
      sources.one.checkpointWrites.map((write) => write.sequenceNumber),
      [0, 1],
    );
  });

  it('goes on when the event hub was away for a moment', async () => {
    let calls = 0;
    on('binary', () => void calls++);
    sources.binary.failNextReceive = true;
    await host.idle();
    sources.binary.append('0', {});
    await host.idle();
    assert.equal(calls, 1);
    assert.ok(log.has(/cannot be read: the event hub is away/, { level: 'error' }));
  });

  it('may feed a partition that was found empty, and the host is not idle before that is done', async () => {
    const seen: string[] = [];
    on('binary', async (given: Buffer[]) => {
      const [text] = bodies(given);
      seen.push(text!);
      await wait(20);
      if (text === 'first') sources.one.append('1', { body: Buffer.from('second') });
    });
    on('one', async () => {
      await wait(20);
      seen.push('second');
    });
    sources.binary.append('1', { body: Buffer.from('first') });
    await host.idle();
    assert.deepEqual(seen, ['first', 'second']);
  });
});

describe('a retry policy on an Event Hub function', () => {
  it('checkpoints after the attempt that succeeds, and not before', async () => {
    const seen: { id: string; context: unknown; bodies: string[]; checkpoint: unknown }[] = [];
    on('fixedDelay', (given: Buffer[], context: InvocationContext) => {
      const { retryCount, maxRetryCount, exception } = context.retryContext!;
      const checkpoint = sources.fixedDelay.checkpoints.get('fixedDelay/0');
      seen.push({
        id: context.invocationId,
        context: [retryCount, maxRetryCount, exception?.message?.split('\nStack')[0]],
        bodies: bodies(given),
        checkpoint,
      });
      given[0]!.fill(0);
      if (retryCount < 2) throw new Error(`attempt ${retryCount}`);
    });
    sources.fixedDelay.append('0', { body: Buffer.from('kept') });
    await host.idle();
    assert.deepEqual(
      seen.map(({ context }) => context),
      [
        [0, 2, undefined],
        [1, 2, 'Result: Failure\nException: attempt 0'],
        [2, 2, 'Result: Failure\nException: attempt 1'],
      ],
    );
    assert.equal(new Set(seen.map(({ id }) => id)).size, 1);
    assert.ok(seen.every((attempt) => attempt.checkpoint === undefined));
    assert.ok(
      seen.every((attempt) => attempt.bodies[0] === 'kept'),
      'each attempt has the payload',
    );
    assert.equal(sources.fixedDelay.checkpoints.get('fixedDelay/0'), 0);
  });

  it('that is exhausted leaves the batch checkpointed', async () => {
    let attempts = 0;
    on('fixedDelay', () => {
      attempts++;
      throw new Error('never');
    });
    sources.fixedDelay.append('1', {}, {});
    await host.idle();
    assert.deepEqual([attempts, sources.fixedDelay.checkpoints.get('fixedDelay/1')], [3, 1]);
  });

  it('blocks its own partition only', async () => {
    const seen: string[] = [];
    on('forEver', (given: Buffer[], context: InvocationContext) => {
      const [text] = bodies(given);
      seen.push(text!);
      if (text === 'stuck' && context.retryContext!.retryCount < 3) throw new Error('down');
    });
    sources.forEver.append('0', { body: Buffer.from('stuck') });
    await until(() => seen.includes('stuck'));
    sources.forEver.append('0', { body: Buffer.from('behind') });
    sources.forEver.append('1', { body: Buffer.from('beside') });
    await host.idle();
    assert.equal(seen.filter((text) => text === 'stuck').length, 4);
    assert.ok(seen.indexOf('beside') < seen.lastIndexOf('stuck'));
    assert.ok(seen.indexOf('behind') > seen.lastIndexOf('stuck'));
  });
});

describe('stopping', () => {
  it('gives up a batch that waits for its retry, without a checkpoint', async () => {
    let attempts = 0;
    on('forEver', () => {
      attempts++;
      throw new Error('down');
    });
    const before = sources.forEver.checkpoints.get('forEver/1');
    sources.forEver.append('1', {});
    await until(() => attempts >= 2);
    const idle = host.idle();
    await host.stop();
    await idle;
    const made = attempts;
    await wait(120);
    assert.equal(attempts, made, 'no attempt after the stop');
    assert.equal(sources.forEver.checkpoints.get('forEver/1'), before);
    await host.stop();
    await host.idle();
  });

  it('leaves the process unable to start another app', async () => {
    const again = startFunctionsHost({
      appDirectory: appDirectory('stream'),
      settings: {},
      openEventSource: () => Promise.reject(new Error('not reached')),
      log: log.add,
    });
    await assert.rejects(again, /started in this process already/);
  });
});
