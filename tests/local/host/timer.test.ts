import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { InvocationContext, Timer } from '@azure/functions';
import { VirtualHostClock } from '../../../local/host/clock.ts';
import { type FunctionsHost, startFunctionsHost } from '../../../local/host/functions-host.ts';
import { writeStatus } from '../../../local/host/timer-status.ts';
import { on } from '../../fixtures/host-app/probe.ts';
import { appDirectory, Log } from './support.ts';

const at = (text: string) => Date.parse(`2026-03-07T${text}Z`);
const clock = new VirtualHostClock(at('10:30:00'));
/** How long a run has taken, in virtual time. */
let elapsed = 0;
const log = new Log();
let directory: string;
let host: FunctionsHost;

/** Every run of every timer: its function, the virtual time, and what it was given. */
let runs: { name: string; at: string; timer: Timer }[] = [];
const runsOf = (name: string) => runs.filter((run) => run.name === name).map((run) => run.at);

const NAMES = [
  'hourly',
  'fromSetting',
  'everyTenMinutes',
  'frequent',
  'atStart',
  'unmonitored',
  'retried',
];
const noteRun = (name: string) =>
  on(name, (timer: Timer) => {
    runs.push({ name, at: new Date(clock.now()).toISOString().slice(11, 19), timer });
  });

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'host-timers-'));
  // The host that ran before missed the run of 10:00.
  await writeStatus(join(directory, 'hourly.json'), {
    last: at('09:00:00'),
    next: at('10:00:00'),
    lastUpdated: at('09:00:00'),
  });
  host = await startFunctionsHost({
    appDirectory: appDirectory('timers'),
    settings: { SCHEDULE: '0 45 * * * *' },
    clock: {
      now: () => clock.now() + elapsed,
      runAt: (time, action, signal) => clock.runAt(time, action, signal),
      delay: (milliseconds, signal) => clock.delay(milliseconds, signal),
    },
    timerStateDirectory: directory,
    openEventSource: () => Promise.reject(new Error('no function reads a stream')),
    log: log.add,
  });
});
after(async () => {
  await host.stop();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  runs = [];
  NAMES.forEach(noteRun);
});

describe('a timer function', () => {
  it('runs at the start if it asks for that, or has missed a run', async () => {
    await clock.advanceTo(at('10:30:00'));
    assert.deepEqual(
      runs.map(({ name, timer }) => [name, timer.isPastDue]),
      [
        ['hourly', true],
        ['atStart', false],
      ],
    );
  });

  it('runs as its schedule says, all in order of time', async () => {
    await clock.advanceTo(at('11:00:00'));
    assert.deepEqual(runsOf('hourly'), ['11:00:00']);
    assert.deepEqual(runsOf('fromSetting'), ['10:45:00']);
    assert.deepEqual(runsOf('everyTenMinutes'), ['10:40:00', '10:50:00', '11:00:00']);
    assert.equal(runsOf('frequent').length, 90);
    assert.deepEqual(runsOf('atStart'), []);
    assert.deepEqual(
      runs.map((run) => run.at),
      runs.map((run) => run.at).sort(),
    );
  });

  it('is told its schedule and status in camel case, times with an offset', async () => {
    await clock.advanceTo(at('12:00:00'));
    const given = (name: string) => runs.find((run) => run.name === name)?.timer;
    assert.deepEqual(given('hourly'), {
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: '2026-03-07T11:00:00+00:00',
        next: '2026-03-07T12:00:00+00:00',
        lastUpdated: '2026-03-07T11:00:00+00:00',
      },
      isPastDue: false,
    });
    assert.equal(given('everyTenMinutes')?.schedule.adjustForDST, false);
  });

  it('has no status if it is not monitored, or fires more than once a minute', async () => {
    await clock.advanceTo(at('13:00:00'));
    for (const name of ['unmonitored', 'frequent']) {
      assert.equal(runs.find((run) => run.name === name)!.timer.scheduleStatus, null, name);
      await assert.rejects(readFile(join(directory, `${name}.json`)), /ENOENT/);
    }
  });

  it('leaves its status for the next host', async () => {
    const status = JSON.parse(await readFile(join(directory, 'hourly.json'), 'utf8'));
    assert.deepEqual(status, {
      Last: '2026-03-07T13:00:00+00:00',
      Next: '2026-03-07T14:00:00+00:00',
      LastUpdated: '2026-03-07T13:00:00+00:00',
    });
  });

  it('that fails is reported, and runs again the next time', async () => {
    on('hourly', () => {
      throw new Error('feed is down');
    });
    await clock.advanceTo(at('14:00:00'));
    assert.ok(log.has(/feed is down/, { level: 'error', functionName: 'hourly' }));
    noteRun('hourly');
    await clock.advanceTo(at('15:00:00'));
    assert.deepEqual(runsOf('hourly'), ['15:00:00']);
  });

  it('can be run now, and a failure is the caller’s', async () => {
    await host.runTimer('atStart');
    assert.deepEqual(runsOf('atStart'), ['15:00:00']);
    on('atStart', () => {
      throw new Error('not now');
    });
    await assert.rejects(host.runTimer('atStart'), /Exception: not now/);
    await assert.rejects(host.runTimer('absent'), /no timer function named "absent"/);
  });

  it('never overlaps itself', async () => {
    let running = 0;
    let most = 0;
    on('hourly', async () => {
      most = Math.max(most, ++running);
      await wait(15);
      running--;
    });
    await Promise.all([
      host.runTimer('hourly'),
      host.runTimer('hourly'),
      clock.advanceTo(at('16:00:00')),
    ]);
    assert.equal(most, 1);
  });

  it('is retried by its policy, with one invocation id', async () => {
    const seen: [string, number | undefined][] = [];
    on('retried', (_timer: Timer, context: InvocationContext) => {
      seen.push([context.invocationId, context.retryContext?.retryCount]);
      throw new Error('again');
    });
    await assert.rejects(host.runTimer('retried'), /again/);
    assert.deepEqual(
      seen.map(([, retryCount]) => retryCount),
      [0, 1],
    );
    assert.equal(new Set(seen.map(([id]) => id)).size, 1);
  });

  it('skips what falls into a long run: the next occurrence is computed after it', async () => {
    const ran: string[] = [];
    on('hourly', () => {
      ran.push(new Date(clock.now()).toISOString().slice(11, 16));
      elapsed = 150 * 60_000;
    });
    await clock.advanceTo(at('17:00:00'));
    assert.deepEqual(ran, ['17:00']);
    elapsed = 0;
    await clock.advanceTo(at('20:00:00'));
    assert.deepEqual(ran, ['17:00', '20:00']);
    elapsed = 0;
  });

  it('does not run after the stop', async () => {
    await host.stop();
    await clock.advanceTo(at('23:00:00'));
    assert.deepEqual(runs, []);
    await assert.rejects(host.runTimer('hourly'), /host stopped/);
  });
});
