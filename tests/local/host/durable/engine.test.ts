import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { InvocationContext } from '@azure/functions';
import { EventType } from '../../../../local/host/durable/history.ts';
import { on } from '../../../fixtures/host-app/probe.ts';
import { Harness, log, START, stillness } from './harness.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What the orchestrators of this app do; `context` is the library's. */
type Story = (context: any) => Generator<unknown, unknown>;
const tell = (story: Story) => on('story', story as any);
const tellChapter = (story: Story) => on('chapter', story as any);
const after = (context: any, milliseconds: number) =>
  new Date(context.df.currentUtcDateTime.getTime() + milliseconds);
const retrying = (attempts: number, more: object = {}) => ({
  firstRetryIntervalInMilliseconds: 1000,
  maxNumberOfAttempts: attempts,
  ...more,
});

/** Event types in the order of the history, without the frame of the episodes. */
const kindsOf = (host: Harness, instanceId: string) =>
  host
    .get(instanceId)
    .history.filter(
      ({ EventType: type }) =>
        type !== EventType.OrchestratorStarted && type !== EventType.OrchestratorCompleted,
    )
    .map(({ EventType: type, EventId }) => [type, EventId]);

let host: Harness;
let worked: unknown[] = [];
beforeEach(() => {
  host = Harness.virtual();
  worked = [];
  log.entries.length = 0;
  on('work', (input: unknown) => {
    worked.push(input);
    return input;
  });
});

describe('an activity', () => {
  const roundTrip = async (...inputs: unknown[]) => {
    tell(function* (context) {
      const results: unknown[] = [];
      for (const input of inputs) results.push(yield context.df.callActivity('work', input));
      return results;
    });
    return (await host.run('story', 'inputs')).output;
  };

  it('gets objects, arrays, numbers and texts as they are', async () => {
    const inputs = [{ a: [1, null] }, [], [1, 'x'], 0, -1.5, 'text', '', '"quoted"', '{"a":1}'];
    assert.deepEqual(await roundTrip(...inputs), inputs);
    assert.deepEqual(worked, inputs);
  });

  it('gets booleans as text, and null as undefined', async () => {
    await roundTrip(true, false, null, undefined);
    assert.deepEqual(worked, ['True', 'False', undefined, undefined]);
  });

  it('returns null for nothing, and base64 for bytes', async () => {
    const results = [undefined, null, Buffer.from('abc'), new Map(), 'text', 1.5];
    on('work', (index: number) => results[index]);
    assert.deepEqual(await roundTrip(0, 1, 2, 3, 4, 5), [null, null, 'YWJj', {}, 'text', 1.5]);
  });

  it('is told its instance, and the fields of its input', async () => {
    let metadata: InvocationContext['triggerMetadata'];
    on('work', (_: unknown, context: InvocationContext) => {
      metadata = context.triggerMetadata;
    });
    await roundTrip({ Name: 'x', size: 2, instanceId: 'hidden' });
    assert.equal(metadata?.['instanceId'], 'inputs');
    assert.equal(metadata?.['name'], 'x');
    assert.equal(metadata?.['size'], 2);
    assert.deepEqual(metadata?.['data'], { name: 'x', size: 2, instanceId: 'hidden' });
  });

  it('that fails gives the orchestrator a plain error with the message in it', async () => {
    on('work', () => {
      throw Object.assign(new RangeError('too far'), { code: 'FAR' });
    });
    let caught: any;
    tell(function* (context) {
      try {
        yield context.df.callActivity('work', 1);
      } catch (error) {
        caught = error;
      }
    });
    await host.run('story', 'fails');
    assert.match(
      caught.message,
      /^Activity function 'work' failed: {2}too far \n \{"\$type":.*"Message":"too far"/,
    );
    assert.deepEqual([caught.constructor, caught.code], [Error, undefined]);
  });

  it('that describes its failure gives a TaskFailedError', async () => {
    on('work', () => {
      throw new Error(
        JSON.stringify({
          errorType: 'QuotaError',
          errorMessage: 'too much',
          isNonRetriable: false,
          properties: { limit: 3 },
        }),
      );
    });
    tell(function* (context) {
      try {
        yield context.df.callActivity('work', 1);
      } catch (error: any) {
        return [error.name, error.message, error.failureDetails.properties];
      }
      return null;
    });
    const { output } = await host.run('story', 'described');
    assert.deepEqual(output, ['TaskFailedError', 'QuotaError: too much', { limit: 3 }]);
  });

  it('runs beside others, up to the limit', async () => {
    host = Harness.virtual(undefined, {
      maxConcurrentActivityFunctions: 3,
      maxConcurrentOrchestratorFunctions: 1,
    });
    let running = 0;
    let most = 0;
    on('work', async () => {
      most = Math.max(most, ++running);
      await stillness();
      running--;
    });
    tell(function* (context) {
      const calls = Array.from({ length: 10 }, (_, i) => context.df.callActivity('work', i));
      return (yield context.df.Task.all(calls)).length;
    });
    assert.equal((await host.run('story', 'many')).output, 10);
    assert.equal(most, 3);
  });

  it('that no function has is never called: the instance hangs, and the log says why', async () => {
    tell(function* (context) {
      yield context.df.callActivity('absent', 1);
    });
    assert.equal((await host.run('story', 'hangs')).status, 'Running');
    assert.ok(log.has(/"hangs".*no function is named "absent"/, { level: 'error' }));
    assert.deepEqual(kindsOf(host, 'hangs'), [[EventType.ExecutionStarted, -1]]);
  });
});

describe('an orchestration', () => {
  it('is Pending, then Running, then Completed with the output', async () => {
    const gate = Promise.withResolvers<string>();
    on('work', () => gate.promise);
    tell(function* (context) {
      return yield context.df.callActivity('work', 1);
    });
    host.start('story', 'states');
    assert.equal(host.status('states').status, 'Pending');
    await stillness();
    assert.equal(host.status('states').status, 'Running');
    gate.resolve('done');
    await host.engine.settled();
    assert.deepEqual(host.status('states'), {
      status: 'Completed',
      output: 'done',
      customStatus: null,
    });
  });

  it('is called once per episode, with the history so far and a flag for replay', async () => {
    const calls: boolean[] = [];
    tell(function* (context) {
      calls.push(context.df.isReplaying);
      yield context.df.callActivity('work', 1);
      yield context.df.callActivity('work', 2);
    });
    await host.run('story', 'episodes');
    assert.deepEqual(calls, [false, true, true]);
    assert.deepEqual(kindsOf(host, 'episodes'), [
      [EventType.ExecutionStarted, -1],
      [EventType.TaskScheduled, 0],
      [EventType.TaskCompleted, -1],
      [EventType.TaskScheduled, 1],
      [EventType.TaskCompleted, -1],
      [EventType.ExecutionCompleted, 2],
    ]);
  });

  it('that fails is Failed, with the message of the error', async () => {
    tell(function* (context) {
      yield context.df.callActivity('work', context.df.getInput());
      throw new Error('no way');
    });
    assert.deepEqual(await host.run('story', 'fails', 'a payload'), {
      status: 'Failed',
      output: "Orchestrator function 'story' failed: no way",
      customStatus: null,
    });
    assert.ok(log.has(/"fails" of "story": Failed.*no way/, { level: 'error' }));
    assert.ok(!log.has(/a payload/));
  });

  it('hangs if it throws an error without a message or what is no error, and the log says so', async () => {
    for (const [instanceId, thrown] of [
      ['mute', new Error('')],
      ['plain', 'a text'],
    ] as const) {
      // oxlint-disable-next-line require-yield
      tell(function* () {
        // oxlint-disable-next-line typescript/only-throw-error
        throw thrown;
      });
      assert.equal((await host.run('story', instanceId)).status, 'Running');
      assert.ok(
        log.has(new RegExp(`"${instanceId}".*error without a message`), { level: 'error' }),
      );
    }
  });

  it('fails if it yields what is no task, or asks for what is not modelled', async () => {
    tell(function* () {
      yield 1;
    });
    assert.match((await host.run('story', 'yields')).output, /constraint violation/);
    tell(function* (context) {
      yield context.df.callHttp({ method: 'GET', url: 'http://192.0.2.1/', enablePolling: false });
    });
    assert.match((await host.run('story', 'http')).output, /does not model callHttp/);
    tell(function* (context) {
      yield context.df.callEntity({ name: 'counter', key: 'k' }, 'add', 1);
    });
    assert.match((await host.run('story', 'entity')).output, /does not model callEntity/);
  });

  it('fails as non-deterministic when it does something else at a replay', async () => {
    let runs = 0;
    tell(function* (context) {
      if (runs++ === 0) yield context.df.callActivity('work', 1);
      else yield context.df.callActivity('other', 1);
    });
    const { status, output } = await host.run('story', 'fickle');
    assert.equal(status, 'Failed');
    assert.match(
      output,
      /^Non-Deterministic.*has the activity "work" as task 0, but this execution has the activity "other" there/,
    );
  });

  it('shows its custom status, which may not be long', async () => {
    tell(function* (context) {
      context.df.setCustomStatus({ step: 1 });
      yield context.df.waitForExternalEvent('go');
      context.df.setCustomStatus('x'.repeat(9000));
      yield context.df.waitForExternalEvent('go');
    });
    assert.deepEqual((await host.run('story', 'custom')).customStatus, { step: 1 });
    host.engine.raiseEvent('custom', 'go', 'null');
    await host.engine.settled();
    assert.match(host.status('custom').output, /custom status is longer than 16 KB/);
  });

  it('sees a time that never moves back', async () => {
    const times: string[] = [];
    tell(function* (context) {
      times.push(context.df.currentUtcDateTime.toISOString());
      yield context.df.waitForExternalEvent('go');
      times.push(context.df.currentUtcDateTime.toISOString());
    });
    await host.run('story', 'time');
    host.clock.now = () => START - HOUR;
    host.engine.raiseEvent('time', 'go', '1');
    await host.engine.settled();
    assert.deepEqual([...new Set(times)], ['2026-03-07T10:00:00.000Z']);
  });
});

describe('a retry', () => {
  const failing = (times: number) => {
    let failures = 0;
    on('work', (input: unknown) => {
      worked.push(input);
      if (failures++ < times) throw new Error(`failure ${failures}`);
      return 'at last';
    });
  };

  it('waits as its options say, with a timer of its own for each failure', async () => {
    failing(2);
    tell(function* (context) {
      return yield context.df.callActivityWithRetry(
        'work',
        retrying(3, { backoffCoefficient: 3 }),
        7,
      );
    });
    await host.run('story', 'retried');
    assert.equal(worked.length, 1);
    await host.advance(999);
    assert.equal(worked.length, 1);
    await host.advance(1);
    assert.equal(worked.length, 2);
    await host.advance(2999);
    assert.equal(worked.length, 2);
    await host.advance(1);
    assert.equal(host.status('retried').output, 'at last');
    assert.deepEqual(
      kindsOf(host, 'retried').filter(([, id]) => id! >= 0),
      [
        [EventType.TaskScheduled, 0],
        [EventType.TimerCreated, 1],
        [EventType.TaskScheduled, 2],
        [EventType.TimerCreated, 3],
        [EventType.TaskScheduled, 4],
        [EventType.ExecutionCompleted, 5],
      ],
    );
  });

  it('has one more timer after the last failure, due at once', async () => {
    failing(9);
    tell(function* (context) {
      try {
        yield context.df.callActivityWithRetry('work', retrying(2), 7);
      } catch (error: any) {
        return /failure \d/.exec(error.message)?.[0];
      }
      return null;
    });
    await host.run('story', 'exhausted');
    await host.advance(1000);
    assert.deepEqual(host.status('exhausted').output, 'failure 2');
    assert.deepEqual(
      kindsOf(host, 'exhausted').filter(([, id]) => id! >= 0),
      [
        [EventType.TaskScheduled, 0],
        [EventType.TimerCreated, 1],
        [EventType.TaskScheduled, 2],
        [EventType.TimerCreated, 3],
        [EventType.ExecutionCompleted, 4],
      ],
    );
  });

  it('of a sub-orchestration starts a new instance each time', async () => {
    let runs = 0;
    // oxlint-disable-next-line require-yield
    tellChapter(function* () {
      if (runs++ === 0) throw new Error('not yet');
      return 'read';
    });
    tell(function* (context) {
      return yield context.df.callSubOrchestratorWithRetry('chapter', retrying(2), 'x');
    });
    await host.run('story', 'book');
    await host.advance(1000);
    assert.equal(host.status('book').output, 'read');
    const { executionId } = host.get('book');
    assert.equal(host.status(`${executionId}:0`).status, 'Failed');
    assert.equal(host.status(`${executionId}:2`).status, 'Completed');
  });

  it('out of its total time leaves the library waiting for a timer, so the instance hangs', async () => {
    failing(9);
    tell(function* (context) {
      const options = retrying(5, { retryTimeoutInMilliseconds: 1500 });
      yield context.df.callActivityWithRetry('work', options, 7);
    });
    await host.run('story', 'late');
    await host.advance(10_000);
    assert.deepEqual([host.status('late').status, worked.length], ['Running', 3]);
    assert.ok(log.has(/"late".*retryTimeoutInMilliseconds/, { level: 'error' }));
  });

  it('that races a timer fails the instance once the timer is cancelled, if it has failed before', async () => {
    // A cancelled timer ends the race from the start of the walk, so what comes next takes the id of the retry's timer.
    failing(1);
    tell(function* (context) {
      const timer = context.df.createTimer(after(context, HOUR));
      yield context.df.Task.any([context.df.callActivityWithRetry('work', retrying(2), 7), timer]);
      timer.cancel();
      return yield context.df.callActivity('work', 8);
    });
    await host.run('story', 'race');
    await host.advance(1000);
    assert.match(host.status('race').output, /^Non-Deterministic.*a timer as task 2/);
  });
});

describe('a timer', () => {
  it('fires when time gets there', async () => {
    tell(function* (context) {
      yield context.df.createTimer(after(context, HOUR));
      return context.df.currentUtcDateTime.toISOString();
    });
    await host.run('story', 'timer');
    await host.advance(HOUR - 1);
    assert.equal(host.status('timer').status, 'Running');
    await host.advance(1);
    assert.equal(host.status('timer').output, '2026-03-07T11:00:00.000Z');
  });

  it('that is due already fires at once', async () => {
    tell(function* (context) {
      yield context.df.createTimer(after(context, -HOUR));
    });
    assert.equal((await host.run('story', 'due')).status, 'Completed');
  });

  it('that lost and is not cancelled keeps the instance Running until it fires', async () => {
    tell(function* (context) {
      const timer = context.df.createTimer(after(context, HOUR));
      yield context.df.Task.any([context.df.callActivity('work', 1), timer]);
      return 'won';
    });
    assert.equal((await host.run('story', 'lost')).status, 'Running');
    await host.advance(HOUR);
    assert.deepEqual(host.status('lost'), {
      status: 'Completed',
      output: 'won',
      customStatus: null,
    });
  });

  it('that is cancelled stands in the history, but keeps nothing', async () => {
    tell(function* (context) {
      const timer = context.df.createTimer(after(context, HOUR));
      yield context.df.Task.any([context.df.callActivity('work', 1), timer]);
      timer.cancel();
      return yield context.df.callActivity('work', 2);
    });
    assert.equal((await host.run('story', 'cancelled')).output, 2);
    const kinds = kindsOf(host, 'cancelled');
    assert.ok(kinds.some(([type, id]) => type === EventType.TimerCreated && id === 1));
  });

  it('of ten days runs in slices of three, and takes four ids', async () => {
    const seen: string[] = [];
    tell(function* (context) {
      yield context.df.createTimer(after(context, 10 * DAY));
      seen.push(context.df.currentUtcDateTime.toISOString());
      return yield context.df.callActivity('work', 'next');
    });
    await host.run('story', 'long');
    await host.advance(10 * DAY - 1);
    assert.deepEqual(seen, []);
    await host.advance(1);
    assert.equal(seen[0], '2026-03-17T10:00:00.000Z');
    const created = host
      .get('long')
      .history.filter((event) => event.EventType === EventType.TimerCreated);
    assert.deepEqual(
      created.map(({ EventId, FireAt }) => [EventId, FireAt.slice(0, 10)]),
      [
        [0, '2026-03-10'],
        [1, '2026-03-13'],
        [2, '2026-03-16'],
        [3, '2026-03-17'],
      ],
    );
    assert.ok(
      kindsOf(host, 'long').some(([type, id]) => type === EventType.TaskScheduled && id === 4),
    );
  });

  it('of up to six days is one', async () => {
    tell(function* (context) {
      yield context.df.createTimer(after(context, 6 * DAY));
    });
    await host.run('story', 'six');
    await host.advance(6 * DAY);
    assert.deepEqual(
      kindsOf(host, 'six').filter(([, id]) => id! >= 0),
      [
        [EventType.TimerCreated, 0],
        [EventType.ExecutionCompleted, 1],
      ],
    );
  });
});

describe('Task.all', () => {
  it('that has failed goes on in the library, but the host waits for the other members', async () => {
    const gate = Promise.withResolvers<void>();
    on('work', async (input: string) => {
      worked.push(input);
      if (input === 'bad') throw new Error('bad');
      if (input === 'slow') await gate.promise;
    });
    tell(function* (context) {
      const { df } = context;
      try {
        yield df.Task.all([df.callActivity('work', 'bad'), df.callActivity('work', 'slow')]);
      } catch {
        yield df.callActivity('work', 'after');
      }
    });
    host.start('story', 'all');
    await stillness();
    assert.deepEqual(worked, ['bad', 'slow']);
    gate.resolve();
    await host.engine.settled();
    assert.deepEqual(worked, ['bad', 'slow', 'after']);
    assert.equal(host.status('all').status, 'Completed');
  });
});

describe('an orchestrator that is ahead of the host', () => {
  it('gets results of other tasks if a retry still takes ids, and the log warns of it', async () => {
    let failures = 0;
    on('work', (input: string) => {
      worked.push(input);
      if (input === 'bad' || (input === 'retried' && failures++ === 0)) throw new Error(input);
      return input;
    });
    const results: unknown[] = [];
    tell(function* (context) {
      const { df } = context;
      try {
        yield df.Task.all([
          df.callActivity('work', 'bad'),
          df.callActivityWithRetry('work', retrying(2), 'retried'),
        ]);
      } catch {
        results.push(yield df.callActivity('work', 'after'));
      }
    });
    await host.run('story', 'ahead');
    assert.ok(log.has(/"ahead".*results reach the wrong tasks/, { level: 'error' }));
    await host.advance(1000);
    // The end of the retry's timer, which has the id that the library gave to the call.
    assert.deepEqual(results[0], undefined);
    assert.deepEqual(worked, ['bad', 'retried', 'retried', 'after']);
  });
});

describe('a task that is yielded again within another compound', () => {
  it('is called again, and the library has other ids from then on', async () => {
    const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    on('work', () => gates[worked.push('called') - 1]!.promise);
    const winners: number[] = [];
    tell(function* (context) {
      const { df } = context;
      const call = df.callActivity('work', 1);
      for (const hours of [1, 2]) {
        const timer = df.createTimer(after(context, hours * HOUR));
        winners.push((yield df.Task.any([call, timer])) === call ? 0 : 1);
      }
    });
    host.start('story', 'again');
    await stillness();
    const advanced = host.clock.advanceTo(START + HOUR);
    await stillness();
    assert.deepEqual(worked, ['called', 'called']);
    gates[1]!.resolve('second');
    await stillness();
    // The end of the second call comes to the library as that of the second timer.
    assert.deepEqual(winners.slice(-2), [1, 1]);
    gates[0]!.resolve('first');
    await advanced;
  });
});

describe('an external event', () => {
  it('wakes the newest wait, and is kept for a wait to come', async () => {
    tell(function* (context) {
      const { df } = context;
      const first = df.waitForExternalEvent('e');
      const second = df.waitForExternalEvent('e');
      yield df.Task.any([first, second]);
      const found = [first.isCompleted, second.isCompleted];
      return [
        found,
        yield df.waitForExternalEvent('later'),
        yield df.waitForExternalEvent('later'),
      ];
    });
    await host.run('story', 'events');
    host.engine.raiseEvent('events', 'later', '1');
    host.engine.raiseEvent('events', 'later', '2');
    await host.engine.settled();
    host.engine.raiseEvent('events', 'e', '0');
    await host.engine.settled();
    assert.deepEqual(host.status('events').output, [[false, true], 1, 2]);
  });

  it('whose name is the number of a task ends that task in the library', async () => {
    on('work', () => new Promise(() => {}));
    const results: unknown[] = [];
    tell(function* (context) {
      results.push(yield context.df.callActivity('work', 1));
    });
    host.start('story', 'numbered');
    await stillness();
    host.engine.raiseEvent('numbered', '0', '"from the event"');
    await stillness();
    assert.deepEqual(results, ['from the event']);
    assert.equal(host.status('numbered').status, 'Running', 'the call is open for the host');
  });

  it('may come before the first episode', async () => {
    tell(function* (context) {
      return yield context.df.waitForExternalEvent('early');
    });
    host.start('story', 'early');
    host.engine.raiseEvent('early', 'early', '{"a":1}');
    await host.engine.settled();
    assert.deepEqual(host.status('early').output, { a: 1 });
  });

  it('races a timer', async () => {
    tell(function* (context) {
      const { df } = context;
      const timer = df.createTimer(after(context, HOUR));
      const event = df.waitForExternalEvent('approval');
      const winner = yield df.Task.any([event, timer]);
      if (winner !== event) return 'timed out';
      timer.cancel();
      return [event.result, yield df.callActivity('work', 'approved')];
    });
    await host.run('story', 'approved');
    await host.run('story', 'overdue');
    host.engine.raiseEvent('approved', 'approval', 'true');
    await host.engine.settled();
    assert.deepEqual(host.status('approved').output, [true, 'approved']);
    await host.advance(HOUR);
    assert.equal(host.status('overdue').output, 'timed out');
    assert.equal(host.engine.raiseEvent('overdue', 'approval', 'true'), 'ended');
    assert.equal(host.engine.raiseEvent('nobody', 'approval', 'true'), 'absent');
  });
});

describe('a sub-orchestration', () => {
  it('has its parent, an id of its own, and an input that is not quoted twice', async () => {
    let parent: unknown;
    tellChapter(function* (context) {
      parent = context.df.parentInstanceId;
      return [context.df.getInput(), yield context.df.callActivity('work', 'x')];
    });
    tell(function* (context) {
      const { df } = context;
      return [
        yield df.callSubOrchestrator('chapter', 'text'),
        yield df.callSubOrchestrator('chapter', true, 'named'),
        yield df.callSubOrchestrator('chapter'),
      ];
    });
    const { output } = await host.run('story', 'parent');
    assert.deepEqual(output, [
      ['text', 'x'],
      [true, 'x'],
      [null, 'x'],
    ]);
    assert.equal(parent, 'parent');
    assert.equal(host.status('named').status, 'Completed');
    assert.equal(host.status(`${host.get('parent').executionId}:0`).status, 'Completed');
  });

  it('that fails gives the parent an error with the whole message', async () => {
    // oxlint-disable-next-line require-yield
    tellChapter(function* () {
      throw new Error('torn page');
    });
    tell(function* (context) {
      try {
        yield context.df.callSubOrchestrator('chapter');
      } catch (error: any) {
        return error.message;
      }
      return null;
    });
    assert.match(
      (await host.run('story', 'parent')).output,
      /^Orchestrator function 'chapter' failed: torn page \n Message: torn page/,
    );
  });

  it('that is terminated ends the parent: the library cannot read its failure', async () => {
    tellChapter(function* (context) {
      yield context.df.waitForExternalEvent('never');
    });
    tell(function* (context) {
      yield context.df.callSubOrchestrator('chapter', null, 'child');
    });
    await host.run('story', 'parent');
    host.engine.terminate('child', 'enough');
    await host.engine.settled();
    assert.equal(host.status('child').status, 'Terminated');
    assert.equal(host.status('parent').status, 'Failed');
    assert.match(host.status('parent').output, /could not parse its exception data/);
  });

  it('cannot have the id of its parent, or of an instance that goes on', async () => {
    tell(function* (context) {
      yield context.df.callSubOrchestrator('chapter', null, 'PARENT');
    });
    assert.equal((await host.run('story', 'parent')).status, 'Running');
    assert.ok(log.has(/"parent".*nothing is left/, { level: 'error' }));
    tell(function* (context) {
      yield context.df.callSubOrchestrator('chapter', null, 'parent');
    });
    assert.match((await host.run('story', 'second')).output, /'parent' is there already/);
    tell(function* (context) {
      const { df } = context;
      const twins = [1, 2].map((n) => df.callSubOrchestrator('chapter', n, 'twin'));
      yield df.Task.all(twins);
    });
    tellChapter(function* (context) {
      return yield context.df.callActivity('work', 1);
    });
    assert.match((await host.run('story', 'third')).output, /'twin' is there already/);
  });
});

describe('continueAsNew', () => {
  it('starts a new execution of the instance with a new history', async () => {
    const executions = new Set<string>();
    tell(function* (context) {
      const { n } = context.df.getInput();
      executions.add(host.get('eternal').executionId);
      yield context.df.callActivity('work', n);
      if (n < 3) context.df.continueAsNew({ n: n + 1 });
      return n;
    });
    assert.equal((await host.run('story', 'eternal', { n: 1 })).output, 3);
    assert.deepEqual(worked, [1, 2, 3]);
    assert.equal(executions.size, 3);
    assert.equal(kindsOf(host, 'eternal').length, 4);
    assert.deepEqual(host.get('eternal').input, '{"n":3}');
  });

  it('drops events that nobody has awaited, and keeps those that come after', async () => {
    tell(function* (context) {
      if (context.df.getInput() !== 1) return yield context.df.waitForExternalEvent('unread');
      yield context.df.waitForExternalEvent('go');
      context.df.continueAsNew(2);
      return null;
    });
    await host.run('story', 'dropped', 1);
    for (const [name, data] of [
      ['unread', '"lost"'],
      ['go', '0'],
      ['unread', '"kept"'],
    ] as const)
      host.engine.raiseEvent('dropped', name, data);
    await host.engine.settled();
    assert.deepEqual(host.status('dropped').output, 'kept');
  });

  it('quotes a bare text once more in each generation', async () => {
    tell(function* (context) {
      const input = context.df.getInput();
      yield context.df.callActivity('work', 0);
      if (input === 'a') context.df.continueAsNew('b');
      return input;
    });
    assert.equal((await host.run('story', 'quoted', 'a')).output, '"b"');
  });

  it('waits for what is open', async () => {
    tell(function* (context) {
      const { df } = context;
      if (df.getInput() === 2) return 'second';
      yield df.Task.any([df.callActivity('work', 1), df.createTimer(after(context, HOUR))]);
      df.continueAsNew(2);
      return null;
    });
    assert.equal((await host.run('story', 'open', 1)).status, 'Running');
    await host.advance(HOUR);
    assert.equal(host.status('open').output, 'second');
  });

  it('keeps the custom status until the next execution says something', async () => {
    tell(function* (context) {
      const { df } = context;
      if (df.getInput() === 1) {
        df.setCustomStatus('first');
        df.continueAsNew(2);
        return;
      }
      yield df.waitForExternalEvent('go');
    });
    assert.equal((await host.run('story', 'carried', 1)).customStatus, 'first');
  });
});

describe('an instance that is told to', () => {
  beforeEach(() => {
    tell(function* (context) {
      const first = yield context.df.waitForExternalEvent('go');
      return [first, yield context.df.callActivity('work', 'worked')];
    });
  });

  it('terminate ends at once, with the reason as output', async () => {
    await host.run('story', 'told');
    host.engine.terminate('told', 'enough');
    await host.engine.settled();
    assert.deepEqual(host.status('told'), {
      status: 'Terminated',
      output: 'enough',
      customStatus: null,
    });
    assert.equal(host.engine.terminate('told', 'again'), 'ended');
  });

  it('terminate forgets what its activities bring', async () => {
    const gate = Promise.withResolvers<void>();
    on('work', () => gate.promise);
    host.start('story', 'told');
    host.engine.raiseEvent('told', 'go', '1');
    await stillness();
    host.engine.terminate('told', null);
    gate.resolve();
    await host.engine.settled();
    assert.deepEqual([host.status('told').status, host.get('told').inbox], ['Terminated', []]);
  });

  it('suspend takes no events until it is resumed', async () => {
    await host.run('story', 'told');
    host.engine.suspend('told', 'wait');
    host.engine.raiseEvent('told', 'go', '1');
    await host.engine.settled();
    assert.deepEqual([host.status('told').status, worked], ['Suspended', []]);
    host.engine.resume('told', 'on');
    await host.engine.settled();
    assert.deepEqual(host.status('told').output, [1, 'worked']);
  });

  it('suspend keeps a timer that fires meanwhile', async () => {
    tell(function* (context) {
      yield context.df.createTimer(after(context, HOUR));
    });
    await host.run('story', 'told');
    host.engine.suspend('told', null);
    await host.advance(HOUR);
    assert.equal(host.status('told').status, 'Suspended');
    host.engine.resume('told', null);
    await host.engine.settled();
    assert.equal(host.status('told').status, 'Completed');
  });

  it('terminate ends a suspended one too', async () => {
    await host.run('story', 'told');
    host.engine.suspend('told', null);
    await host.engine.settled();
    host.engine.terminate('told', 'enough');
    await host.engine.settled();
    assert.equal(host.status('told').status, 'Terminated');
  });

  it('start again replaces one that has ended', async () => {
    await host.run('story', 'told');
    host.engine.terminate('told', null);
    await host.engine.settled();
    const { executionId } = host.get('told');
    assert.equal((await host.run('story', 'told', 'new')).status, 'Running');
    assert.notEqual(host.get('told').executionId, executionId);
  });
});
