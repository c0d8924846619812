import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import { VirtualHostClock } from '../../../../local/host/clock.ts';
import { type FunctionsHost, startFunctionsHost } from '../../../../local/host/functions-host.ts';
import { on } from '../../../fixtures/host-app/probe.ts';
import { appDirectory, Log } from '../support.ts';

const START = Date.parse('2026-03-07T10:30:00Z');
const HOUR = 3_600_000;
const KEY = 'a key';
const clock = new VirtualHostClock(START);
const log = new Log();
let host: FunctionsHost;

before(async () => {
  host = await startFunctionsHost({
    appDirectory: appDirectory('durable'),
    settings: { HUB: 'FromSetting' },
    http: { port: 0, keys: [KEY] },
    clock,
    openEventSource: () => Promise.reject(new Error('no function reads a stream')),
    log: log.add,
  });
});
after(async () => host.stop());
beforeEach(() => {
  on('work', (input: unknown) => input);
  on('story', function* (context: any): any {
    const input = context.df.getInput();
    const event = yield context.df.waitForExternalEvent('go');
    return { input, event, worked: yield context.df.callActivity('work', 1) };
  } as any);
});

/** What a function does with its client. */
async function use<T>(work: (client: DurableClient, request: any) => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  on('control', (async (request: any, client: DurableClient) => {
    resolve(work(client, request));
    await promise.catch(() => {});
    return { status: 200 };
  }) as any);
  assert.equal((await fetch(`${host.httpAddress}/api/control`)).status, 200);
  const result = await promise;
  await host.idle();
  return result;
}

/** The API as others than the library use it. */
const call = (method: string, path: string, body?: string) => {
  const url = new URL(`${host.httpAddress}/runtime/webhooks/durabletask/${path}`);
  url.searchParams.set('code', KEY);
  return fetch(url, { method, ...(body === undefined ? {} : { body }) });
};
const statusOf = async (method: string, path: string, body?: string) =>
  (await call(method, path, body)).status;
const start = (id: string, input = 'null') => call('POST', `orchestrators/story/${id}`, input);

describe('a host with durable functions', () => {
  it('lists them, and wakes no entity', () => {
    const detail = (name: string) => host.functions.find((found) => found.name === name)?.detail;
    assert.equal(detail('story'), 'durable orchestrator');
    assert.equal(detail('work'), 'durable activity');
    assert.equal(detail('counter'), 'not supported by the local host');
    assert.ok(log.has(/does not support entityTrigger yet: nothing wakes "counter"/));
  });
});

describe('a durable client', () => {
  it('starts an orchestration, which gets its input', async () => {
    const id = await use((client) => client.startNew('story', { input: { a: 1 } }));
    assert.match(id, /^[0-9a-f]{32}$/);
    await use((client) => client.raiseEvent(id, 'go', [2]));
    const { output, runtimeStatus } = await use((client) => client.getStatus(id));
    assert.deepEqual(output, { input: { a: 1 }, event: [2], worked: 1 });
    assert.equal(runtimeStatus, 'Completed');
  });

  it('that gives no input gives an empty text', async () => {
    await use((client) => client.startNew('story', { instanceId: 'no-input' }));
    await use((client) => client.raiseEvent('no-input', 'go', null));
    const { output } = await use((client) => client.getStatus('no-input'));
    assert.deepEqual(output, { input: '', event: null, worked: 1 });
  });

  it('sees the status, with the input if it asks, and times to the second', async () => {
    await use((client) => client.startNew('story', { instanceId: 'seen', input: 7 }));
    const status = await use((client) => client.getStatus('seen'));
    assert.deepEqual(
      [status.name, status.instanceId, status.runtimeStatus, status.output, status.input],
      ['story', 'seen', 'Running', null, 7],
    );
    assert.equal(status.createdTime.toISOString(), '2026-03-07T10:30:00.000Z');
    await assert.rejects(
      use((client) => client.getStatus('nobody')),
      /404/,
    );
  });

  it('is refused an event without data', async () => {
    await use((client) => client.startNew('story', { instanceId: 'dataless' }));
    await assert.rejects(
      use((client) => client.raiseEvent('dataless', 'go', undefined)),
      /400/,
    );
  });

  it('is refused an unknown orchestrator, an unfit id and an id that lives', async () => {
    const starting = (name: string, instanceId: string) =>
      use((client) => client.startNew(name, { instanceId }));
    await assert.rejects(starting('absent', 'x'), /400.*'absent' is not an orchestrator/);
    await assert.rejects(starting('work', 'x'), /400/);
    await assert.rejects(starting('story', '@x'), /400/);
    await assert.rejects(starting('story', 'x'.repeat(257)), /400/);
    await starting('story', 'twice');
    await assert.rejects(starting('story', 'twice'), /500/);
    await use((client) => client.terminate('twice', 'enough'));
    await starting('story', 'twice');
  });

  it('suspends, resumes and terminates', async () => {
    await use((client) => client.startNew('story', { instanceId: 'told' }));
    const status = async () => (await use((client) => client.getStatus('told'))).runtimeStatus;
    await use((client) => client.suspend('told', 'wait'));
    assert.equal(await status(), 'Suspended');
    await use((client) => client.resume('told', 'go on'));
    assert.equal(await status(), 'Running');
    await use((client) => client.terminate('told', 'enough'));
    assert.equal(await status(), 'Terminated');
    assert.equal((await use((client) => client.getStatus('told'))).output, 'enough');
    // 410 is nothing to it.
    await use((client) => client.terminate('told', 'again'));
    await use((client) => client.raiseEvent('told', 'go', 1));
    await assert.rejects(
      use((client) => client.terminate('nobody', 'x')),
      /No instance/,
    );
  });

  it('finds and purges instances', async () => {
    await clock.advanceTo(Date.parse('2026-03-07T10:40:00Z'));
    const from = new Date(clock.now());
    for (const instanceId of ['list-1', 'list-2'])
      await use((client) => client.startNew('story', { instanceId }));
    await use((client) => client.terminate('list-1', ''));
    const find = async (...runtimeStatus: string[]) =>
      (
        await use((client) =>
          client.getStatusBy({
            createdTimeFrom: from,
            runtimeStatus: runtimeStatus as OrchestrationRuntimeStatus[],
          }),
        )
      ).map(({ instanceId }) => instanceId);
    assert.deepEqual(await find(), ['list-1', 'list-2']);
    assert.deepEqual(await find('Running', 'Pending'), ['list-2']);
    assert.deepEqual(await find('Terminated'), ['list-1']);
    const before = (await use((client) => client.getStatusAll())).length;
    const purge = () => use((client) => client.purgeInstanceHistoryBy({ createdTimeFrom: from }));
    assert.equal((await purge()).instancesDeleted, 1);
    assert.equal((await purge()).instancesDeleted, 0);
    assert.equal((await use((client) => client.getStatusAll())).length, before - 1);
    const one = () => use((client) => client.purgeInstanceHistory('list-2'));
    assert.equal((await one()).instancesDeleted, 0, 'it lives');
    await use((client) => client.terminate('list-2', ''));
    assert.equal((await one()).instancesDeleted, 1);
    assert.equal((await one()).instancesDeleted, 0);
  });

  it('waits for the end, or answers with where to look', async () => {
    const wait = { timeoutInMilliseconds: 40, retryIntervalInMilliseconds: 10 };
    await use((client) => client.startNew('story', { instanceId: 'waited' }));
    const look = () =>
      use((client, request) =>
        client.waitForCompletionOrCreateCheckStatusResponse(request, 'waited', wait),
      );
    const pending = await look();
    assert.equal(pending.status, 202);
    const links: Record<string, string> = JSON.parse(
      await new Response(pending.body as any).text(),
    );
    assert.equal(links['id'], 'waited');
    assert.equal((await fetch(links['statusQueryGetUri']!)).status, 202);
    const raise = links['sendEventPostUri']!.replace('{eventName}', 'go');
    assert.equal((await fetch(raise, { method: 'POST', body: '5' })).status, 202);
    await host.idle();
    const done = await look();
    assert.equal(done.status, 200);
  });

  it('is not given to a function that has not asked for one', async () => {
    let inputs = -1;
    on('plain', (_, context) => {
      inputs = context.options.extraInputs.length;
      return {};
    });
    await fetch(`${host.httpAddress}/api/plain`);
    assert.equal(inputs, 0);
  });

  it('cannot signal entities, rewind or restart', async () => {
    await use((client) => client.startNew('story', { instanceId: 'limits' }));
    await assert.rejects(
      use((client) => client.signalEntity({ name: 'counter', key: 'k' } as any, 'add', 1)),
      /501/,
    );
    await assert.rejects(
      use((client) => client.rewind('limits', 'x')),
      /does not model rewind/,
    );
    assert.equal(await statusOf('POST', 'instances/limits/restart'), 501);
  });
});

describe('the HTTP API', () => {
  it('asks for a key', async () => {
    const url = `${host.httpAddress}/runtime/webhooks/durabletask/instances`;
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await fetch(url, { headers: { 'x-functions-key': KEY } })).status, 200);
  });

  it('answers a start with 202, links and when to look', async () => {
    const response = await start('linked', '{"a":1}');
    assert.equal(response.status, 202);
    assert.equal(response.headers.get('retry-after'), '10');
    const body: any = await response.json();
    assert.deepEqual(Object.keys(body), [
      'id',
      'statusQueryGetUri',
      'sendEventPostUri',
      'terminatePostUri',
      'purgeHistoryDeleteUri',
      'restartPostUri',
      'suspendPostUri',
      'resumePostUri',
    ]);
    assert.equal(response.headers.get('location'), body.statusQueryGetUri);
    assert.match(
      body.statusQueryGetUri,
      /linked\?taskHub=FromSetting&connection=Storage&code=a%20key$/,
    );
    await host.idle();
    const found = await fetch(body.statusQueryGetUri);
    assert.deepEqual([found.status, found.headers.get('retry-after')], [202, '5']);
    assert.deepEqual(((await found.json()) as any).input, { a: 1 });
    const hidden: any = await (await fetch(`${body.statusQueryGetUri}&showInput=false`)).json();
    assert.equal(hidden.input, null);
  });

  it('answers 200 for an instance that has ended, also if it failed', async () => {
    // oxlint-disable-next-line require-yield
    on('story', function* (): any {
      throw new Error('at once');
    } as any);
    await start('failed');
    await host.idle();
    const response = await call('GET', 'instances/failed?showHistory=true');
    const body: any = await response.json();
    assert.deepEqual([response.status, body.runtimeStatus], [200, 'Failed']);
    assert.deepEqual(
      body.historyEvents.map((event: any) => event.EventType),
      ['OrchestratorStarted', 'ExecutionStarted', 'ExecutionCompleted', 'OrchestratorCompleted'],
    );
  });

  it('answers 404, 410 and 400', async () => {
    await start('codes');
    assert.equal(await statusOf('POST', 'instances/codes/raiseEvent/go', 'no json'), 400);
    assert.equal(await statusOf('POST', 'instances/codes/raiseEvent/go', ''), 400);
    assert.equal(await statusOf('POST', 'instances/codes/terminate?reason=x', ''), 202);
    await host.idle();
    for (const operation of ['raiseEvent/go', 'terminate', 'suspend', 'resume']) {
      assert.equal(await statusOf('POST', `instances/codes/${operation}`, '1'), 410, operation);
      assert.equal(await statusOf('POST', `instances/nobody/${operation}`, '1'), 404, operation);
    }
    assert.equal(await statusOf('POST', 'orchestrators/story/bad-input', '{'), 400);
    assert.equal(await statusOf('GET', 'instances/nobody'), 404);
    assert.equal(await statusOf('DELETE', 'instances/nobody'), 404);
    assert.equal(await statusOf('DELETE', 'instances'), 400);
    assert.equal(await statusOf('GET', 'instances?runtimeStatus=Asleep'), 400);
    assert.equal(await statusOf('POST', 'instances/codes/dance'), 404);
    assert.equal(await statusOf('GET', 'elsewhere'), 404);
  });
});

describe('under a virtual clock', () => {
  it('a durable timer fires when time passes it, and what follows is done before time goes on', async () => {
    const seen: string[] = [];
    on('work', (input: string) => {
      seen.push(`${input} ${new Date(clock.now()).toISOString().slice(11, 16)}`);
      return input;
    });
    on('story', function* (context: any): any {
      for (const step of ['first', 'second', 'third']) {
        const at = context.df.currentUtcDateTime.getTime() + 10 * 60_000;
        yield context.df.createTimer(new Date(at));
        yield context.df.callActivity('work', step);
      }
    } as any);
    const startedAt = clock.now();
    await start('timed');
    await host.idle();
    await clock.advanceTo(startedAt + 10 * 60_000 - 1);
    assert.deepEqual(seen, []);
    await clock.advanceTo(startedAt + 40 * 60_000);
    assert.deepEqual(seen, ['first 10:50', 'second 11:00', 'third 11:10']);
    assert.equal(await statusOf('GET', 'instances/timed'), 200);
  });

  it('a timer function starts an orchestration, and idle waits for it', async () => {
    const hour = Math.ceil((clock.now() + 1) / HOUR) * HOUR;
    on('starter', (async (_timer: unknown, client: DurableClient) => {
      await client.startNew('story', { instanceId: 'hourly' });
      await client.raiseEvent('hourly', 'go', 'tick');
    }) as any);
    await clock.advanceTo(hour);
    await host.idle();
    const status: any = await (await call('GET', 'instances/hourly')).json();
    assert.deepEqual(status.output, { input: '', event: 'tick', worked: 1 });
    await call('DELETE', 'instances/hourly');
    await host.runTimer('starter');
    await host.idle();
    assert.equal(await statusOf('GET', 'instances/hourly'), 200);
  });
});
