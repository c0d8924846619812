import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { InvocationContext } from '@azure/functions';
import { type FunctionsHost, startFunctionsHost } from '../../../local/host/functions-host.ts';
import { hooks } from '../../fixtures/host-app/hooks/recorder.ts';
import { on } from '../../fixtures/host-app/probe.ts';
import { MemoryEventSource } from './memory-event-source.ts';
import { appDirectory, Log } from './support.ts';

const log = new Log();
const source = new MemoryEventSource();
const untouched = { ...hooks };
const appData: unknown[] = [];
let host: FunctionsHost;

before(async () => {
  hooks.onAppStart = (context) => {
    appData.push(context.hookData);
  };
  host = await startFunctionsHost({
    appDirectory: appDirectory('hooks'),
    settings: {},
    http: { port: 0 },
    openEventSource: async () => ({ source, fullyQualifiedNamespace: 'stream.example.com' }),
    log: log.add,
    stopWithinMilliseconds: 200,
  });
});
after(async () => host.stop());
beforeEach(() => Object.assign(hooks, untouched));

const ask = () => fetch(`${host.httpAddress}/hooked`);

describe('hooks around an invocation', () => {
  it('run in order, share their data, and see inputs and result', async () => {
    const seen: unknown[] = [];
    hooks.onPreInvocation = (context) => {
      context.hookData['n'] = 1;
      seen.push(['first', context.invocationContext.functionName, context.inputs.length]);
    };
    hooks.onSecondPreInvocation = (context) => void seen.push(['second', context.hookData['n']]);
    hooks.onPostInvocation = (context) => {
      seen.push(['post', context.hookData['n'], context.result, context.error]);
    };
    on('hooked', () => ({ status: 201 }));
    assert.equal((await ask()).status, 201);
    assert.deepEqual(seen, [
      ['first', 'hooked', 1],
      ['second', 1],
      ['post', 1, { status: 201 }, null],
    ]);
  });

  it('may replace the inputs, the handler and the result', async () => {
    let given: unknown;
    hooks.onPreInvocation = (context) => {
      context.inputs = ['other'];
      const handler = context.functionHandler;
      context.functionHandler = async (input, invocation) => {
        given = input;
        return await handler(input, invocation);
      };
    };
    hooks.onPostInvocation = (context) => {
      context.result = { status: 203 };
    };
    on('hooked', () => ({ status: 201 }));
    assert.equal((await ask()).status, 203);
    assert.equal(given, 'other');
  });

  it('may clear an error, or raise one', async () => {
    on('hooked', () => {
      throw new Error('of the handler');
    });
    let error: unknown;
    hooks.onPostInvocation = (context) => {
      ({ error } = context);
      context.error = null;
      context.result = { status: 299 };
    };
    assert.equal((await ask()).status, 299);
    assert.equal((error as Error).message, 'of the handler');

    hooks.onPostInvocation = () => {
      throw new Error('of the hook');
    };
    assert.equal((await ask()).status, 500);
    assert.ok(log.has(/Exception: of the hook/, { functionName: 'hooked' }));
  });

  it('cannot replace their data object', async () => {
    let refused: unknown;
    hooks.onPreInvocation = (context) => {
      try {
        (context as { hookData: unknown }).hookData = {};
      } catch (error) {
        refused = error;
      }
    };
    on('hooked', () => ({}));
    await ask();
    assert.ok(refused instanceof Error);
  });
});

describe('what an app logs', () => {
  it('comes with its function, invocation, level and category', async () => {
    let invocationId = '';
    on('hooked', (_: unknown, context: InvocationContext) => {
      ({ invocationId } = context);
      context.warn('batch %d of %s', 3, 'dev-1', { a: 1 });
      return {};
    });
    await ask();
    assert.ok(
      log.entries.some(
        (entry) =>
          entry.message === 'batch 3 of dev-1 { a: 1 }' &&
          entry.level === 'warning' &&
          entry.category === 'user' &&
          entry.functionName === 'hooked' &&
          entry.invocationId === invocationId,
      ),
    );
  });

  it('can be changed by a log hook, which may log itself', async () => {
    hooks.onLog = (context) => {
      context.level = 'critical';
      context.message += ' (seen)';
      (context.invocationContext as InvocationContext).log('from the hook');
    };
    on('hooked', (_: unknown, context: InvocationContext) => {
      context.log('plain');
      return {};
    });
    await ask();
    assert.ok(log.has(/^plain \(seen\)$/, { level: 'critical' }));
    assert.ok(log.has(/^from the hook$/, { level: 'information' }));
  });
});

describe('an app that does what it should not', () => {
  it('fails by a throw that is no error', async () => {
    on('hooked', () => {
      // oxlint-disable-next-line typescript/only-throw-error
      throw 'a text';
    });
    assert.equal((await ask()).status, 500);
    assert.ok(log.has(/Exception: a text/));
  });

  it('is cut off at functionTimeout: the batch fails, is checkpointed and not retried', async () => {
    let attempts = 0;
    on('slow', async () => {
      attempts++;
      await wait(400);
    });
    source.append('0', {});
    await host.idle();
    assert.deepEqual([attempts, source.checkpoints.get('$Default/0')], [1, 0]);
    assert.ok(log.has(/Timeout value of 0.2 s was exceeded/, { functionName: 'slow' }));
  });

  it('registers functions too late', async () => {
    const { app } = await import('@azure/functions');
    assert.throws(
      () => app.timer('late', { schedule: '0 * * * * *', handler: () => {} }),
      /"late" is registered after the app has started/,
    );
    assert.throws(() => app.setup({ enableHttpStream: true }), /after app startup/);
  });
});

describe('the life of an app', () => {
  it('begins with appStart hooks', () => {
    assert.deepEqual(appData, [{}]);
  });

  it('ends with appTerminate hooks, after a bounded wait for what still runs', async () => {
    const entered = Promise.withResolvers<void>();
    on('slow', async () => {
      entered.resolve();
      await new Promise(() => {});
    });
    hooks.onAppTerminate = (context) => {
      appData.push(context.hookData);
      throw new Error('at the end');
    };
    source.append('0', {});
    await entered.promise;
    const startedAt = performance.now();
    await host.stop();
    assert.ok(performance.now() - startedAt < 2000);
    assert.ok(log.has(/Stopped while invocations were running, after 200 ms/));
    assert.ok(log.has(/appTerminate hook failed: at the end/, { level: 'error' }));
    assert.equal(appData.length, 2);
    assert.equal(appData[0], appData[1]);
    assert.equal(source.checkpoints.get('$Default/0'), 0);
  });
});
