import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { HostClock } from '../../../local/host/clock.ts';
import type { RetryContext, RetryOptions } from '../../../local/host/core-module.ts';
import type { InvocationOutcome } from '../../../local/host/invoker.ts';
import { retryDelay, withRetries } from '../../../local/host/retry.ts';

const succeeded: InvocationOutcome = {
  status: 'succeeded',
  response: { invocationId: 'i', outputData: [] },
};
const failed = (message: string, timedOut = false): InvocationOutcome => ({
  status: 'failed',
  exception: { message, stackTrace: '', source: '' },
  error: new Error(message),
  timedOut,
});

/** Runs attempts that end as given; tells the contexts they saw and the delays between them. */
async function attempts(policy: RetryOptions | undefined, ...ends: InvocationOutcome[]) {
  const contexts: (RetryContext | null)[] = [];
  const delays: number[] = [];
  const stop = new AbortController();
  const clock: HostClock = {
    now: () => 0,
    runAt: () => {},
    delay: async (milliseconds) => {
      delays.push(milliseconds);
      if (contexts.length === ends.length) stop.abort();
    },
  };
  const outcome = await withRetries(
    policy,
    async (context) => {
      contexts.push(context);
      return ends[contexts.length - 1]!;
    },
    { clock, stopping: stop.signal, random: () => 0.5 },
  );
  return { outcome, contexts, delays };
}

const fixed: RetryOptions = {
  retryStrategy: 'fixedDelay',
  maxRetryCount: 2,
  delayInterval: { seconds: 5 },
};
const backoff: RetryOptions = {
  retryStrategy: 'exponentialBackoff',
  maxRetryCount: -1,
  minimumInterval: { seconds: 2 },
  maximumInterval: { seconds: 60 },
};

describe('a retry policy', () => {
  it('is not asked when the first attempt succeeds', async () => {
    const run = await attempts(fixed, succeeded);
    assert.equal(run.outcome.status, 'succeeded');
    assert.deepEqual(run.contexts, [{ retryCount: 0, maxRetryCount: 2 }]);
    assert.deepEqual(run.delays, []);
  });

  it('shows each further attempt its number and the failure before it', async () => {
    const run = await attempts(fixed, failed('one'), failed('two'), succeeded);
    assert.equal(run.outcome.status, 'succeeded');
    assert.deepEqual(
      run.contexts.map((context) => [context?.retryCount, context?.exception?.message]),
      [
        [0, undefined],
        [1, 'one'],
        [2, 'two'],
      ],
    );
    assert.deepEqual(run.delays, [5000, 5000]);
  });

  it('gives up after maxRetryCount further attempts', async () => {
    const run = await attempts(fixed, failed('one'), failed('two'), failed('three'));
    assert.deepEqual(run.outcome, failed('three'));
  });

  it('of -1 goes on until the host stops', async () => {
    const run = await attempts(backoff, ...Array.from({ length: 8 }, () => failed('again')));
    assert.deepEqual(run.outcome, { status: 'interrupted' });
    assert.deepEqual(run.delays, [2000, 4000, 6000, 10_000, 18_000, 34_000, 60_000, 60_000]);
  });

  it('does not retry an attempt that exceeded functionTimeout', async () => {
    const run = await attempts(backoff, failed('too long', true));
    assert.deepEqual(run.outcome, failed('too long', true));
  });
});

describe('a function without a retry policy', () => {
  it('has one attempt, without a retry context', async () => {
    const run = await attempts(undefined, failed('one'));
    assert.deepEqual(run.outcome, failed('one'));
    assert.deepEqual(run.contexts, [null]);
  });
});

describe('a host that is stopping', () => {
  it('begins no attempt', async () => {
    let ran = false;
    const attempt = async () => {
      ran = true;
      return succeeded;
    };
    const clock: HostClock = { now: () => 0, runAt: () => {}, delay: async () => {} };
    const outcome = await withRetries(undefined, attempt, { clock, stopping: AbortSignal.abort() });
    assert.deepEqual([outcome.status, ran], ['interrupted', false]);
  });

  it('counts even a success as interrupted', async () => {
    const stop = new AbortController();
    const attempt = async () => {
      stop.abort();
      return succeeded;
    };
    const clock: HostClock = { now: () => 0, runAt: () => {}, delay: async () => {} };
    const outcome = await withRetries(fixed, attempt, { clock, stopping: stop.signal });
    assert.equal(outcome.status, 'interrupted');
  });
});

describe('exponential backoff', () => {
  it('stays between its bounds, and within a fifth of doubling', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.nat({ max: 2000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (minimum, maximum, retryCount, random) => {
          const policy: RetryOptions = {
            ...backoff,
            minimumInterval: { seconds: minimum },
            maximumInterval: { seconds: maximum },
          };
          const delay = retryDelay(policy, retryCount, () => random);
          const most = maximum * 1000;
          if (retryCount === 0) assert.equal(delay, Math.min(minimum * 1000, most));
          const step = 2 ** (retryCount - 1) * minimum * 1000;
          if (retryCount > 0) {
            assert.ok(delay >= Math.min(minimum * 1000 + 0.8 * step - 1, most));
            assert.ok(delay <= Math.min(minimum * 1000 + 1.2 * step + 1, most));
          }
        },
      ),
    );
  });
});
