import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MemoryActivityLog } from '../../../shared/adapters/memory/activity-log.ts';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { DAY_MS, HOUR_MS, PIECE_MS, alignedDown } from '../../../shared/domain/window/window.ts';
import { RunReader } from '../../../shared/format/run/read-run.ts';
import {
  RunLostError,
  folderOf,
  knownName,
  stampOf,
} from '../../../shared/pipeline/windows/run-files.ts';
import {
  type RunServices,
  type RunsState,
  mayHaveLost,
  runsCheckpoint,
} from '../../../shared/pipeline/windows/runs-state.ts';
import { RunsTakenError, writeRuns } from '../../../shared/pipeline/windows/write-runs.ts';
import { LogFileGoneError } from '../../../shared/ports/activity-log.ts';
import type { Runs } from '../../../shared/ports/runs.ts';
import { windowActivity } from '../../../shared/pipeline/windows/window-activity.ts';
import { altered } from '../../support/ingest-world.ts';
import { nextFileName } from '../../../shared/pipeline/log/file-name.ts';
import { MINUTE, START } from '../log/logs.ts';
import {
  rowOf,
  shown,
  RUNS,
  GRACE_MS,
  type Happened,
  endOf,
  filesOf,
  happened,
  histories,
  runServices,
  writeHistory,
} from './histories.ts';

async function stateOf({ checkpoints }: RunServices): Promise<RunsState | null> {
  const stored = await checkpoints.read(runsCheckpoint(RUNS));
  return stored === null ? null : (stored.value as RunsState);
}

async function wholeFrom(history: readonly Happened[]) {
  const { log } = await writeHistory(history);
  const services = runServices(log);
  await writeRuns(services, RUNS, endOf(history));
  return { log, files: await filesOf(services.runs), state: await stateOf(services) };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** The services, of whose writes those of these numbers die: half of them before anything is written, half after it was. */
function dyingAt(services: RunServices, deaths: ReadonlyMap<number, 'before' | 'after'>) {
  let writes = 0;
  const dying = async <T>(write: () => Promise<T>): Promise<T> => {
    const death = deaths.get(writes++);
    if (death === 'before') throw new Error('died');
    const result = await write();
    if (death === 'after') throw new Error('died');
    return result;
  };
  return {
    ...services,
    runs: altered<Runs>(services.runs, {
      write: (name, pieces) => dying(() => services.runs.write(name, pieces)),
    }),
    checkpoints: altered(services.checkpoints, {
      write: (name, value, version) =>
        dying(() => services.checkpoints.write(name, value, version)),
    }),
    writes: () => writes,
  };
}

describe('runs of a partition', () => {
  it('are the same whether they are written at once or as the log grows, and again', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.array(fc.boolean()), async (history, pauses) => {
        let services: RunServices | null = null;
        let block = 0;
        await writeHistory(history, async ({ log }, lastAt) => {
          services ??= runServices(log);
          if (pauses[block++ % (pauses.length || 1)] === true) return;
          await writeRuns(services, RUNS, alignedDown(lastAt - GRACE_MS, PIECE_MS));
        });
        const stepwise = services!;
        await writeRuns(stepwise, RUNS, endOf(history));
        const whole = await wholeFrom(history);
        assert.deepEqual(await filesOf(stepwise.runs), whole.files);
        assert.deepEqual(await stateOf(stepwise), whole.state);
        await writeRuns(stepwise, RUNS, endOf(history));
        await writeRuns(stepwise, RUNS, endOf(history) - DAY_MS);
        assert.deepEqual(await filesOf(stepwise.runs), whole.files);
        assert.deepEqual(await stateOf(stepwise), whole.state);
      }),
      { numRuns: 60 },
    );
  });

  it('are the same when their writer died before or after any write, and another went on', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.array(fc.tuple(fc.nat(60), fc.constantFrom('before' as const, 'after' as const)), {
          maxLength: 12,
        }),
        async (history, deaths) => {
          const { log, files, state } = await wholeFrom(history);
          const services = runServices(log);
          for (const death of deaths) {
            await writeRuns(dyingAt(services, new Map([death])), RUNS, endOf(history)).catch(
              (error: Error) => assert.equal(error.message, 'died'),
            );
          }
          await writeRuns(services, RUNS, endOf(history));
          assert.deepEqual(await filesOf(services.runs), files);
          assert.deepEqual(await stateOf(services), state);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are the same when their writer dies at every write of them in turn', async () => {
    const midnight = alignedDown(START, DAY_MS) + DAY_MS;
    const history = Array.from({ length: 30 }, (_, i) =>
      happened({
        at: midnight + (i - 20) * 4 * MINUTE,
        deviceId: `device-${i % 3}`,
        peers: [i % 5],
      }),
    );
    const { log } = await writeHistory(history);
    const end = midnight + 20 * MINUTE;
    const whole = runServices(log);
    const counter = dyingAt(whole, new Map());
    await writeRuns(counter, RUNS, end);
    const [files, state] = [await filesOf(whole.runs), await stateOf(whole)];
    for (let write = 0; write < counter.writes(); write++) {
      for (const when of ['before', 'after'] as const) {
        const services = runServices(log);
        const dying = dyingAt(services, new Map([[write, when]]));
        await assert.rejects(writeRuns(dying, RUNS, end), /died/);
        await writeRuns(services, RUNS, end);
        assert.deepEqual(await filesOf(services.runs), files);
        assert.deepEqual(await stateOf(services), state);
      }
    }
  });

  it('are the same when several write them at once', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.array(fc.nat(3), { minLength: 1 }), async (history, waits) => {
        const { log, files, state } = await wholeFrom(history);
        const services = runServices(log);
        let calls = 0;
        const slow = (): RunServices => ({
          ...services,
          checkpoints: altered(services.checkpoints, {
            write: async (name, value, version) => {
              for (let i = waits[calls++ % waits.length]!; i > 0; i--) await tick();
              return services.checkpoints.write(name, value, version);
            },
          }),
        });
        await Promise.all(
          [slow(), slow(), slow()].map((each) => writeRuns(each, RUNS, endOf(history))),
        );
        assert.deepEqual(await filesOf(services.runs), files);
        assert.deepEqual(await stateOf(services), state);
      }),
      { numRuns: 60 },
    );
  });

  it('are given up where their checkpoint is refused and nobody is ahead', async () => {
    const { log } = await writeHistory([happened()]);
    const services = runServices(log);
    const refusing = altered(services.checkpoints, { write: async () => null });
    const end = START + HOUR_MS;
    const written = writeRuns({ ...services, checkpoints: refusing }, RUNS, end);
    await assert.rejects(written, RunsTakenError);
    await writeRuns(services, RUNS, START + PIECE_MS);
    const stuck = writeRuns({ ...services, checkpoints: refusing }, RUNS, end);
    await assert.rejects(stuck, RunsTakenError);
  });

  it('stop at the slice that they are asked for, and are not written of an empty log', async () => {
    const history = [happened(), happened({ at: START + HOUR_MS })];
    const { log } = await writeHistory(history);
    const services = runServices(log);
    await writeRuns(services, RUNS, START + 2 * PIECE_MS);
    assert.equal((await stateOf(services))!.sliceEnd, START + 2 * PIECE_MS);
    // 11:59:59 by IoT Hub, read in the slice that ends at 12:00; nothing of the second message.
    assert.deepEqual(Object.keys(await filesOf(services.runs)), [
      `${folderOf(RUNS)}1h/20260822T1100/20260822T1200`,
      `${folderOf(RUNS)}5m/20260822T1155/20260822T1200`,
      `${folderOf(RUNS)}known/20260822T1200`,
    ]);
    const empty = runServices(new MemoryActivityLog());
    await writeRuns(empty, RUNS, START);
    assert.deepEqual([await stateOf(empty), await filesOf(empty.runs)], [null, {}]);
  });

  it('tell of themselves in their headers', async () => {
    const history = [
      happened({ at: START + 10 * MINUTE, hubTime: START + 9 * MINUTE }),
      happened({ at: START + 11 * MINUTE, hubTime: START - MINUTE }),
      happened({ at: START + HOUR_MS, begins: 'epoch' }),
    ];
    const { log } = await writeHistory(history);
    const services = runServices(log);
    await writeRuns(services, RUNS, START + HOUR_MS);
    const headerOf = async (name: string) => {
      const reader = new RunReader(codec);
      for await (const piece of (await services.runs.read(folderOf(RUNS) + name))!) {
        reader.push(piece);
      }
      return reader.header;
    };
    const { stream, partition } = RUNS;
    const of = { stream, partition, position: { epoch: 0, sequence: 1 }, groupsRevision: 0 };
    const sliceEnd = START + 10 * MINUTE;
    assert.deepEqual(await headerOf('5m/20260822T1155/20260822T1210'), {
      ...of,
      piece: { start: START - PIECE_MS, end: START },
      sliceEnd,
    });
    assert.deepEqual(await headerOf('known/20260822T1300'), {
      ...of,
      piece: null,
      sliceEnd: START + HOUR_MS,
      position: { epoch: 1, sequence: 0 },
    });
  });

  it('have a file of known devices at midnight though nothing came, and none of idle hours', async () => {
    const history = [happened({ at: START + GRACE_MS })];
    const { log } = await writeHistory(history);
    const services = runServices(log);
    await writeRuns(services, RUNS, START + 2 * DAY_MS);
    const known = await services.runs.list(`${folderOf(RUNS)}known/`);
    const midnight = alignedDown(START, DAY_MS);
    assert.deepEqual(
      known,
      [START + HOUR_MS, midnight + DAY_MS, midnight + 2 * DAY_MS].map((time) =>
        knownName(RUNS, time),
      ),
    );
  });

  it('fail where one that they merge is gone: an hour is never written without it', async () => {
    const history = [happened(), happened({ at: START + 6 * MINUTE })];
    const { log } = await writeHistory(history);
    const services = runServices(log);
    await writeRuns(services, RUNS, START + 30 * MINUTE);
    await services.runs.remove(`${folderOf(RUNS)}5m/${stampOf(START + PIECE_MS)}`);
    await assert.rejects(writeRuns(services, RUNS, START + HOUR_MS), RunLostError);
    const hour = await services.runs.list(`${folderOf(RUNS)}1h/${stampOf(START)}`);
    assert.deepEqual(hour, []);
  });
});

describe('runs of a log of which retention took the beginning', () => {
  /** The log without the files before `first`. */
  async function without(log: MemoryActivityLog, first: number): Promise<MemoryActivityLog> {
    const rest = new MemoryActivityLog();
    for (const { name, sizeBytes } of (await log.files(RUNS)).slice(first)) {
      await rest.create(RUNS, name);
      await rest.append(RUNS, name, 0, await log.read(RUNS, name, 0, sizeBytes));
    }
    return rest;
  }

  it('are the same where the files before the checkpoint’s are gone', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const lastAt = history.at(-1)!.at;
        const after = [...history, happened({ at: lastAt + HOUR_MS, begins: 'file' })];
        const expected = await wholeFrom(after);
        const { log } = await writeHistory(history);
        const services = runServices(log);
        await writeRuns(services, RUNS, alignedDown(lastAt - GRACE_MS, PIECE_MS));
        const names = (await log.files(RUNS)).map(({ name }) => name);
        const place = (await stateOf(services))?.place;
        const rest = await without(expected.log, place ? names.indexOf(place.file) : 0);
        await writeRuns({ ...services, log: rest }, RUNS, endOf(after));
        assert.deepEqual(await filesOf(services.runs), expected.files);
      }),
      { numRuns: 30 },
    );
  });

  it('have a gap where retention took what they had not read, and none where they had', async () => {
    const events = [
      happened({ at: START + 6 * MINUTE, deviceId: 'read' }),
      happened({ at: START + 20 * MINUTE, deviceId: 'lost', begins: 'block' }),
      happened({ at: START + 40 * MINUTE, deviceId: 'left', begins: 'file' }),
      happened({ at: START + 70 * MINUTE, deviceId: 'last', begins: 'file' }),
    ];
    const gapsAfter = async (readUntil: number, without_: number) => {
      const { log } = await writeHistory(events);
      const services = runServices(log);
      await writeRuns(services, RUNS, START + readUntil * MINUTE);
      const rest = await without(log, without_);
      await writeRuns({ ...services, log: rest }, RUNS, START + 2 * HOUR_MS);
      return (await stateOf(services))!.gaps.map(({ start, end }) =>
        [start, end].map((time) => (time - START) / MINUTE),
      );
    };
    assert.deepEqual(await gapsAfter(5, 1), [[10, 40]]);
    assert.deepEqual(await gapsAfter(35, 2), [[40, 70]]);
    assert.deepEqual(await gapsAfter(60, 2), []);
  });

  it('have no gap where retention takes a file that was read to its end', async () => {
    const writer = await writeHistory([happened({ at: START + 6 * MINUTE })]);
    const next = nextFileName(writer.file, '20260822T13');
    await writer.close(next);
    await writer.open(next, '20260822T13');
    const services = runServices(writer.log);
    await writeRuns(services, RUNS, START + HOUR_MS);
    await writer.append([rowOf(happened({ at: START + 70 * MINUTE }))]);
    const rest = await without(writer.log, 1);
    await writeRuns({ ...services, log: rest }, RUNS, START + 2 * HOUR_MS);
    const { gaps, sliceEnd } = (await stateOf(services))!;
    assert.deepEqual([gaps, sliceEnd], [[], START + 2 * HOUR_MS]);
  });

  it('keep the gaps of a long time, also where another one is told of later', async () => {
    const { log } = await writeHistory(
      Array.from({ length: 12 }, (_, i) =>
        happened({ at: START + 20 * i * MINUTE, begins: i === 0 ? null : 'epoch' }),
      ),
    );
    const services = runServices(log);
    const state = await writeRuns(services, RUNS, START + 4 * HOUR_MS);
    const lost = { start: START + 300 * MINUTE, end: START + 301 * MINUTE, isExact: true };
    for (let i = 0; i < 11; i++) {
      const at = START + (20 * i + 10) * MINUTE;
      const window = { start: at, end: at + PIECE_MS };
      assert.equal(mayHaveLost(state, window, GRACE_MS, lost), true, `gap ${i}`);
    }
    const later = { start: lost.start, end: lost.start + PIECE_MS };
    assert.equal(mayHaveLost(state, later, GRACE_MS, null), false);
    assert.equal(mayHaveLost(state, later, GRACE_MS, lost), true);
  });

  it('count no row twice where the grace period is shorter than it was', async () => {
    const { log } = await writeHistory([
      happened({ at: START - MINUTE }),
      happened({ at: START + 6 * MINUTE }),
      happened({ at: START + 12 * MINUTE }),
    ]);
    const services = runServices(log);
    await writeRuns({ ...services, graceMs: 10 * MINUTE }, RUNS, START);
    const shorter = { ...services, graceMs: 0 };
    for (const slices of [1, 2, 3]) await writeRuns(shorter, RUNS, START + slices * PIECE_MS);
    const all = { start: START - HOUR_MS, end: START + 3 * PIECE_MS };
    const { a } = await shown(await windowActivity(shorter, RUNS, all));
    assert.equal(a!.messages, 3);
  });

  it('go on with what is left where the place of the checkpoint is gone', async () => {
    const history = [
      happened({ at: START + 6 * MINUTE, deviceId: 'read' }),
      happened({ at: START + 20 * MINUTE, deviceId: 'lost', begins: 'block' }),
      happened({ at: START + 40 * MINUTE, deviceId: 'left', begins: 'file' }),
    ];
    const { log } = await writeHistory(history);
    const services = runServices(log);
    await writeRuns(services, RUNS, START + PIECE_MS);
    assert.equal((await stateOf(services))!.place!.file, (await log.files(RUNS))[0]!.name);
    const rest = await without(log, 1);
    await writeRuns({ ...services, log: rest }, RUNS, START + HOUR_MS);
    const names = await services.runs.list(`${folderOf(RUNS)}5m/`);
    assert.deepEqual(
      names.map((name) => name.split('/').at(-2)),
      [START + PIECE_MS, START + 35 * MINUTE].map(stampOf),
    );
  });

  it('go on where retention takes the file between the list and the read, or are read again', async () => {
    const history = [
      happened({ at: START + 6 * MINUTE }),
      happened({ at: START + 20 * MINUTE, begins: 'block' }),
      happened({ at: START + 40 * MINUTE, begins: 'file' }),
    ];
    const { log } = await writeHistory(history);
    const services = runServices(log);
    await writeRuns(services, RUNS, START + PIECE_MS);
    const rest = await without(log, 1);
    let lists = 0;
    const shrinking = altered(rest, {
      files: (ref, fromName) => (lists++ < 2 ? log : rest).files(ref, fromName),
    });
    await writeRuns({ ...services, log: shrinking }, RUNS, START + HOUR_MS);
    const reached = (await stateOf(services))!;
    assert.equal(reached.sliceEnd, START + HOUR_MS);
    assert.deepEqual(reached.gaps, [{ start: START + 10 * MINUTE, end: START + 40 * MINUTE }]);
    // A file that goes once others were read is another matter: nothing is skipped behind what was read.
    const first = (await log.files(RUNS))[0]!.name;
    const torn = altered(log, {
      read: async (ref, file, from, to) => {
        if (file !== first) throw new LogFileGoneError(file);
        return log.read(ref, file, from, to);
      },
    });
    const fresh = runServices(torn);
    await assert.rejects(writeRuns(fresh, RUNS, START + HOUR_MS), LogFileGoneError);
    await writeRuns({ ...fresh, log }, RUNS, START + HOUR_MS);
    const whole = runServices(log);
    await writeRuns(whole, RUNS, START + HOUR_MS);
    assert.deepEqual(await filesOf(fresh.runs), await filesOf(whole.runs));
  });
});
