import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import type { DurableClient } from 'durable-functions';
import { VirtualHostClock } from '../../../../local/host/clock.ts';
import { type FunctionsHost, startFunctionsHost } from '../../../../local/host/functions-host.ts';
import { on } from '../../../fixtures/host-app/probe.ts';
import { appDirectory, Log } from '../support.ts';

const clock = new VirtualHostClock(Date.parse('2026-03-07T10:30:00Z'));
const log = new Log();
let directory: string;
let host: FunctionsHost;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'host-no-listener-'));
  host = await startFunctionsHost({
    appDirectory: appDirectory('durable'),
    settings: { HUB: 'Hub' },
    clock,
    durableStateDirectory: directory,
    openEventSource: () => Promise.reject(new Error('no function reads a stream')),
    log: log.add,
    stopWithinMilliseconds: 200,
  });
});
after(async () => {
  await host.stop();
  await rm(directory, { recursive: true });
});

describe('a host without an HTTP listener', () => {
  it('gives its functions a client all the same, whose URLs lead somewhere', async () => {
    on('story', function* (context: any): any {
      return yield context.df.callActivity('work', 'x');
    } as any);
    on('work', (input: unknown) => input);
    let statusUrl = '';
    on('starter', (async (_timer: unknown, client: DurableClient) => {
      await client.startNew('story', { instanceId: 'a' });
      statusUrl = client.createHttpManagementPayload('a').statusQueryGetUri;
    }) as any);
    assert.equal(host.httpAddress, null);
    await host.runTimer('starter');
    await host.idle();
    const status: any = await (await fetch(statusUrl)).json();
    assert.deepEqual([status.runtimeStatus, status.output], ['Completed', 'x']);
    assert.equal(new URL(statusUrl).host, process.env['WEBSITE_HOSTNAME']);
    const elsewhere = new URL('/runtime/webhooks/durabletask/instances', statusUrl);
    assert.equal((await fetch(elsewhere)).status, 404);
  });

  it('keeps its orchestrations in the directory, and stops with an activity that does not end', async () => {
    const entered = Promise.withResolvers<void>();
    const never = Promise.withResolvers<void>();
    on('work', () => {
      entered.resolve();
      return never.promise;
    });
    on('starter', (async (_timer: unknown, client: DurableClient) => {
      await client.startNew('story', { instanceId: 'b' });
    }) as any);
    await host.runTimer('starter');
    await entered.promise;
    await host.stop();
    assert.ok(log.has(/Stopped while invocations were running/));
    // Its end comes to nothing: the next host runs it again.
    const journal = () => readFile(join(directory, 'task-hub.jsonl'), 'utf8');
    const before = await journal();
    assert.match(before, /"instanceId":"b"/);
    never.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await journal(), before);
    assert.ok(!log.has(/task hub is closed/));
  });
});
