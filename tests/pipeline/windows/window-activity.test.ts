import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  DAY_MS,
  HOUR_MS,
  PIECE_MS,
  type Window,
  alignedDown,
} from '../../../shared/domain/window/window.ts';
import { mergeActivities } from '../../../shared/pipeline/windows/merge-activities.ts';
import {
  LEVELS,
  fewestRuns,
  readRun,
  runsOfWindow,
} from '../../../shared/pipeline/windows/run-files.ts';
import { knownDevices, windowActivity } from '../../../shared/pipeline/windows/window-activity.ts';
import { writeRuns } from '../../../shared/pipeline/windows/write-runs.ts';
import { MINUTE, START } from '../log/logs.ts';
import {
  RUNS,
  GRACE_MS,
  type Happened,
  countedInWindow,
  endOf,
  happened,
  histories,
  knownAt,
  runServices,
  sameDevices,
  shown,
  writeHistory,
  windowAt,
} from './histories.ts';

const SIZES = [1, 3, 5, 10, 15, 60, 90, 120, 395, 1435, 1440, 2880].map(
  (minutes) => minutes * MINUTE,
);

/** Of each size those windows that hold an event's IoT Hub time, and the ones after; at most so many. */
function windowsOf(history: readonly Happened[], size: number, most: number): readonly Window[] {
  const starts = new Set(
    history.flatMap((e) => [0, size].map((s) => windowAt(e.hubTime + s, size).start)),
  );
  const all = [...starts];
  const step = Math.max(1, Math.floor(all.length / most));
  return all.filter((_, i) => i % step === 0).map((start) => ({ start, end: start + size }));
}

async function written(history: readonly Happened[]) {
  const { log } = await writeHistory(history);
  const services = runServices(log);
  await writeRuns(services, RUNS, endOf(history));
  return services;
}

describe('what devices did in a window', () => {
  it('is what the rows of it say that came in time, for windows of every size', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const services = await written(history);
        for (const size of SIZES) {
          for (const window of windowsOf(history, size, 6)) {
            const found = await shown(await windowActivity(services, RUNS, window));
            const [a, b] = sameDevices(found, countedInWindow(history, window));
            assert.deepEqual(a, b, `${size / MINUTE} minutes from ${window.start}`);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same from five minutes, from hours and from the day', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const services = await written(history);
        for (const day of windowsOf(history, DAY_MS, 3)) {
          const [pieces, hours, days] = await Promise.all(
            LEVELS.map(async (level) => {
              const names = await runsOfWindow(services.runs, RUNS, level, day);
              const { runs, codec } = services;
              return shown(mergeActivities(names.map(({ name }) => readRun(runs, name, codec))));
            }),
          );
          const groupless = (all: typeof days) =>
            Object.entries(all!).map(([id, one]) =>
              one.seen === null ? [id, { ...one, groups: [] }] : [id, one],
            );
          assert.deepEqual(groupless(hours), groupless(pieces));
          assert.deepEqual(groupless(days), groupless(pieces));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('leaves out what came at the end of the grace period, and counts what came a millisecond before', async () => {
    const hubTime = START + PIECE_MS - 1;
    const lateAt = START + PIECE_MS + GRACE_MS;
    const history = [
      happened({ at: hubTime + 1, hubTime }),
      happened({ at: lateAt - 1, hubTime, deviceId: 'just' }),
      happened({ at: lateAt, hubTime, deviceId: 'late' }),
    ];
    const services = await written(history);
    const window = windowAt(hubTime, PIECE_MS);
    const found = await shown(await windowActivity(services, RUNS, window));
    assert.deepEqual(Object.keys(found), ['a', 'just']);
    const hour = await shown(await windowActivity(services, RUNS, windowAt(hubTime, HOUR_MS)));
    assert.deepEqual(Object.keys(hour), ['a', 'just', 'late']);
  });

  it('ends within an hour: what came late in that hour of an hour before counts nowhere', async () => {
    const hubTime = START + 30 * MINUTE;
    const end = START + 95 * MINUTE;
    const history = [
      happened({ at: hubTime + 1000, hubTime }),
      happened({ at: START + 70 * MINUTE, hubTime, deviceId: 'timely' }),
      happened({ at: end + GRACE_MS - 1, hubTime, deviceId: 'just' }),
      happened({ at: end + GRACE_MS, hubTime, deviceId: 'late' }),
    ];
    const services = await written(history);
    const window = { start: START, end };
    const found = await shown(await windowActivity(services, RUNS, window));
    assert.deepEqual(Object.keys(found), ['a', 'just', 'timely']);
  });

  it('that is read from the log misses nothing that IoT Hub dated ahead, in an earlier file', async () => {
    const start = START + HOUR_MS;
    const history = [
      happened({ at: start - MINUTE, hubTime: start + 10_000, deviceId: 'ahead' }),
      happened({ at: start - 30_000, begins: 'file' }),
      happened({ at: start + 20_000 }),
    ];
    const services = await written(history);
    const window = { start, end: start + MINUTE };
    const found = await shown(await windowActivity(services, RUNS, window));
    assert.deepEqual(Object.keys(found), ['a', 'ahead']);
  });

  it('is read from few runs: hours and days stand for their five minutes', async () => {
    const history = Array.from({ length: 3 * 24 * 30 }, (_, i) =>
      happened({ at: START + i * 2 * MINUTE }),
    );
    const services = await written(history);
    const countOf = async (fromMinutes: number, toMinutes: number) => {
      const window = { start: START + fromMinutes * MINUTE, end: START + toMinutes * MINUTE };
      return (await fewestRuns(services.runs, RUNS, window)).length;
    };
    // Each piece has two runs: the slice before it reads its beginning.
    assert.equal(await countOf(15, 20), 2);
    assert.equal(await countOf(60, 120), 2);
    assert.equal(await countOf(12 * 60, 36 * 60), 2);
    const day = await countOf(12 * 60 + 5, 36 * 60);
    assert.ok(day < 22 + 2 * 23 + 5, `${day} runs`);
  });

  it('is nothing where nothing was written', async () => {
    const services = await written([happened()]);
    const before = { start: START - DAY_MS, end: START - DAY_MS + PIECE_MS };
    assert.deepEqual(await shown(await windowActivity(services, RUNS, before)), {});
    const other = { ...RUNS, partition: '00' };
    const window = windowAt(START, HOUR_MS);
    assert.deepEqual(await shown(await windowActivity(services, other, window)), {});
  });
});

describe('the devices that are known', () => {
  it('are those of the rows that were read in time, late ones from the next hour on', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const services = await written(history);
        const instants = new Set(
          history.flatMap(({ at, hubTime }) =>
            [hubTime, at, at + GRACE_MS, at + HOUR_MS, at + 7 * HOUR_MS].map((time) =>
              alignedDown(time, PIECE_MS),
            ),
          ),
        );
        const all = [...instants].filter((time) => time <= endOf(history));
        const step = Math.max(1, Math.floor(all.length / 25));
        for (const at of all.filter((_, i) => i % step === 0)) {
          const found = await shown(await knownDevices(services, RUNS, at));
          const [a, b] = sameDevices(found, knownAt(history, at));
          assert.deepEqual(a, b, new Date(at).toISOString());
        }
      }),
      { numRuns: 200 },
    );
  });

  it('stay known through days of silence, and until they are deleted', async () => {
    const later = START + 3 * DAY_MS + 7 * MINUTE;
    const history = [
      happened({ deviceId: 'a' }),
      happened({ deviceId: 'b' }),
      happened({ at: later, deviceId: 'b', kind: 'deviceDeleted' }),
    ];
    const services = await written(history);
    const known = async (at: number) =>
      Object.keys(await shown(await knownDevices(services, RUNS, at)));
    for (const days of [1, 2, 3]) {
      assert.deepEqual(await known(START + days * DAY_MS), ['a', 'b'], `after ${days} days`);
      assert.deepEqual(await known(alignedDown(START + days * DAY_MS, DAY_MS)), ['a', 'b']);
    }
    assert.deepEqual(await known(alignedDown(later, PIECE_MS)), ['a', 'b']);
    assert.deepEqual(await known(alignedDown(later, PIECE_MS) + PIECE_MS), ['a']);
    assert.deepEqual(await known(START - HOUR_MS), []);
  });
});
