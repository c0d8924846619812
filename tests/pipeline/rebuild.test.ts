import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryAlertStore } from '../../shared/adapters/memory/alert-store.ts';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import { HOUR_MS, PIECE_MS } from '../../shared/domain/window/window.ts';
import { forgetFolds, removeOldRuns } from '../../shared/pipeline/rebuild.ts';
import { foldCheckpoint } from '../../shared/pipeline/fold.ts';
import { PUBLICATIONS } from '../../shared/pipeline/hunt/hunt-publications.ts';
import { IN_FLIGHT_MS } from '../../shared/pipeline/windows/progress.ts';
import type { WindowPlan } from '../../shared/pipeline/windows/window-plan.ts';
import { altered } from '../support/ingest-world.ts';
import { closeWindow } from '../../shared/pipeline/windows/close-window.ts';
import {
  type WindowRecord,
  finishWindow,
  windowRecordName,
  windowsMadeAgain,
} from '../../shared/pipeline/windows/due-windows.ts';
import { groupOf, timeWindowRule } from '../domain/security-group/groups.ts';
import { MINUTE, PARTITION, START } from './log/logs.ts';
import { filesOf } from './windows/histories.ts';
import { PartitionsWorld, on, windowLines } from './windows/partitions-world.ts';
import { WindowWorld } from './windows/window-world.ts';

const QUARTER = 15 * MINUTE;
const quarters = (maxThreshold: number) =>
  groupOf('default', timeWindowRule({ maxThreshold, timeWindowSize: 'PT15M', windowMs: QUARTER }));

async function runAll(world: WindowWorld): Promise<string[]> {
  while ((await world.run()).length > 0);
  return windowLines(await world.allAlerts());
}

/** The alerts are lost; everything is made again. */
async function remade(world: WindowWorld): Promise<string[]> {
  const alerts = new MemoryAlertStore();
  Object.assign(world, { alerts });
  Object.assign(world.services, { alerts });
  await forgetFolds(world.services);
  return runAll(world);
}

/** Device a stands outside in the first quarter. */
async function quarterWorld(): Promise<WindowWorld> {
  const world = new WindowWorld();
  await world.declare(quarters(1));
  await world.commit(on(0, { peers: [0] }), on(1, { peers: [0, 1, 2] }), on(40, { peers: [0] }));
  world.passEndOf(START + QUARTER);
  assert.deepEqual(await runAll(world), ['a 0-15 3']);
  return world;
}

describe('everything made again', () => {
  it('has the windows of sizes that no rule asks for any more: with the groups lost, or another rule', async () => {
    const lost = await quarterWorld();
    await lost.groups.remove('default', (await lost.groups.read('default'))!.version);
    assert.deepEqual(await remade(lost), ['a 0-15 3']);
    const other = await quarterWorld();
    await other.declare(groupOf('default', timeWindowRule({ maxThreshold: 5 })));
    assert.deepEqual(await remade(other), ['a 0-15 3']);
    // And again, while nobody asks for them.
    assert.deepEqual(await remade(other), ['a 0-15 3']);
  });

  it('goes on with what was not due yet when it began', async () => {
    const world = await quarterWorld();
    await world.commit(on(44, { deviceId: 'late', peers: [0, 1] }), on(60));
    await forgetFolds(world.services);
    world.passEndOf(START + 45 * MINUTE);
    assert.deepEqual(await runAll(world), ['a 0-15 3', 'late 30-45 2']);
  });

  it('has no window of a time in which no rule asked for it', async () => {
    const world = new WindowWorld();
    const alerts = async (minutes: number) => {
      world.passEndOf(START + minutes * MINUTE);
      return runAll(world);
    };
    await world.declare(quarters(1));
    await world.commit(on(0, { peers: [0] }));
    await alerts(15);
    await world.declare(groupOf('default'));
    await world.commit(on(20, { peers: [0, 1, 2] }), on(50, { peers: [0] }));
    await alerts(45);
    await world.declare(quarters(1));
    await world.commit(on(100, { peers: [0] }));
    assert.deepEqual(await alerts(90), []);
    assert.deepEqual(await remade(world), []);
  });

  it('has what a window told that was on its way when it began', async () => {
    const world = new WindowWorld();
    await world.declare(groupOf('default', timeWindowRule({ maxThreshold: 1 })));
    await world.commit(on(0, { peers: [0, 1, 2] }), on(20, { peers: [0] }));
    world.passEndOf(START + PIECE_MS);
    const [window] = await world.due();
    const closed = await closeWindow(world.services, PARTITION, window!);
    Object.assign(world.services, { alerts: new MemoryAlertStore() });
    Object.assign(world, { alerts: world.services.alerts });
    await forgetFolds(world.services);
    // The orchestration ends after the rebuild has begun, and after the window was made again.
    await finishWindow(world.services, window!, closed!);
    assert.deepEqual(await runAll(world), ['a 0-5 3']);
    const record = async () =>
      (await world.checkpoints.read(windowRecordName(window!)))!.value as WindowRecord;
    const again = await record();
    await finishWindow(world.services, window!, closed!);
    assert.equal(again.done!.generation, 1);
    assert.deepEqual(await record(), again);
    assert.deepEqual(await world.due(), []);
  });

  it('is the same when it is asked for again half way', async () => {
    const world = await quarterWorld();
    await world.declare(groupOf('default', timeWindowRule({ maxThreshold: 5 })));
    await forgetFolds(world.services);
    assert.deepEqual(await remade(world), ['a 0-15 3']);
    assert.equal(await windowsMadeAgain(world.services), null);
  });

  it('has five-minute windows whose records are lost too, by the groups of now', async () => {
    const world = new WindowWorld();
    await world.declare(groupOf('default', timeWindowRule({ maxThreshold: 1 })));
    await world.commit(on(0, { peers: [0, 1] }), on(20, { peers: [0] }));
    world.passEndOf(START + PIECE_MS);
    assert.deepEqual(await runAll(world), ['a 0-5 2']);
    await world.checkpoints.remove(windowRecordName({ start: START, end: START + PIECE_MS }));
    assert.deepEqual(await remade(world), ['a 0-5 2']);
  });

  it('begins where the log does', async () => {
    const world = await quarterWorld();
    const rest = new WindowWorld();
    await rest.commit(on(16), on(40));
    await forgetFolds({ ...world.services, log: rest.services.log });
    const { next } = (await world.checkpoints.read('windows/plan'))!.value as WindowPlan;
    assert.deepEqual(next, {
      [PIECE_MS]: formatInstant(START + 20 * MINUTE),
      [QUARTER]: formatInstant(START + 30 * MINUTE),
    });
  });

  it('forgets nothing by halves: where somebody else plans at the same moment it asks to be tried again', async () => {
    const world = await quarterWorld();
    const racing = altered(world.checkpoints, {
      write: async (name, value, version) => {
        if (name === 'windows/plan') await world.due();
        return world.checkpoints.write(name, value, version);
      },
    });
    const failed = forgetFolds({ ...world.services, checkpoints: racing });
    await assert.rejects(failed, { code: 'PLAN_TAKEN' });
    await forgetFolds(world.services);
    // And who finds nothing because of that does not take it for the end.
    const found = await windowsMadeAgain({ ...world.services, checkpoints: racing });
    assert.deepEqual(found, []);
    assert.equal((await windowsMadeAgain(world.services))!.length, 4);
  });

  it('forgets how far folds and hunts have come', async () => {
    const world = await quarterWorld();
    const names = [foldCheckpoint(PARTITION), PUBLICATIONS];
    for (const name of names) await world.checkpoints.write(name, {}, null);
    await forgetFolds(world.services);
    for (const name of names) assert.equal(await world.checkpoints.read(name), null);
  });

  it('is not done behind a stretch in which no rule asked, however long', async () => {
    const world = new WindowWorld();
    const rule = { maxThreshold: 1, timeWindowSize: 'PT1M', windowMs: MINUTE };
    const minutes = groupOf('default', timeWindowRule(rule));
    const until = async (minute: number) => {
      world.passEndOf(START + minute * MINUTE);
      return runAll(world);
    };
    await world.declare(minutes);
    await world.commit(on(0, { peers: [0] }));
    await until(60);
    await world.declare(groupOf('default'));
    await until(80);
    await world.commit(on(700, { peers: [0] }));
    await until(700);
    await world.declare(minutes);
    await world.due();
    await world.commit(on(730, { peers: [0, 1, 2] }), on(800));
    assert.deepEqual(await until(790), ['a 730-731 3']);
    Object.assign(world.services, { alerts: new MemoryAlertStore() });
    Object.assign(world, { alerts: world.services.alerts });
    await forgetFolds(world.services);
    for (;;) {
      const due = await windowsMadeAgain(world.services);
      if (due === null) break;
      for (const window of due) {
        const closed = await closeWindow(world.services, PARTITION, window);
        await finishWindow(world.services, window, closed!);
      }
    }
    assert.deepEqual(windowLines(await world.allAlerts()), ['a 730-731 3']);
  });

  it('comes to an end where messages were destroyed unread and nothing came since', async () => {
    const world = new WindowWorld();
    await world.declare(groupOf('default', timeWindowRule({ minThreshold: 1 })));
    await world.commit(on(1, { peers: [0] }));
    world.stream.recreate();
    world.passEndOf(START + HOUR_MS);
    world.now += IN_FLIGHT_MS;
    await runAll(world);
    await forgetFolds(world.services);
    for (let round = 0; (await windowsMadeAgain(world.services)) !== null; round++) {
      assert.ok(round < 20);
      await world.run();
      world.now += 30_000;
    }
  });

  it('is nothing that messages wait for', async () => {
    const world = await quarterWorld();
    world.passEndOf(START + 10 * HOUR_MS);
    await runAll(world);
    await forgetFolds(world.services);
    world.wait(START + 10 * HOUR_MS);
    await world.due();
    const lag = (await world.allAlerts()).find(({ alertType }) => alertType === 'TW_IngestLag');
    assert.equal(lag!.status, 'resolved');
  });

  it('tells nobody silent of a window of which retention took the beginning', async () => {
    const both = new PartitionsWorld('0', '1');
    const { services, checkpoints } = both.world;
    const rule = { minThreshold: 3, timeWindowSize: 'PT1H', windowMs: HOUR_MS };
    await both.world.declare(groupOf('default', timeWindowRule(rule)));
    // A partition that was silent since keeps its last file; of the other one, the second hour is cut.
    await both.commit('1', on(0, { deviceId: 'b', peers: [0, 1, 2] }));
    await both.begin('0', '20260822T13-000000.log');
    await both.commit('0', on(115, { peers: [0] }), on(130, { peers: [0, 1] }), on(240));
    const times = (minutes: number) => formatInstant(START + minutes * MINUTE);
    const sizes = (time: string) => ({ [PIECE_MS]: time, [HOUR_MS]: time });
    const plan = {
      from: times(0),
      until: null,
      begun: sizes(times(0)),
      next: sizes(times(180)),
      generation: 4,
      again: {},
    };
    await checkpoints.write('windows/plan', plan, null);
    const windows = [0, 60, 120].map((minute) => `windows/60m/${stampAt(minute)}`);
    for (const name of windows) {
      const groups = await services.groups.current();
      await checkpoints.write(name, { groups, done: null }, null);
    }
    await forgetFolds(services);
    both.world.passEndOf(START + 180 * MINUTE);
    const told = (await both.run()).filter((line) => line.startsWith('a '));
    assert.deepEqual(told, ['a 120-180 2']);
  });

  it('removes the runs of before once the new ones are there', async () => {
    const world = await quarterWorld();
    const before = await filesOf(world.services.runs);
    await remade(world);
    const names = Object.keys(before);
    const both = await filesOf(world.services.runs);
    const again = names.map((name) => name.replace(/^0\//, '1/'));
    assert.deepEqual(Object.keys(both).sort(), [...names, ...again].sort());
    for (const [i, name] of names.entries()) assert.equal(both[again[i]!], before[name]);
    assert.equal(await removeOldRuns(world.services), names.length);
    assert.equal(await removeOldRuns(world.services), 0);
    assert.deepEqual(Object.keys(await filesOf(world.services.runs)), again);
    assert.equal(await world.checkpoints.read('runs/0/test~devices/0'), null);
    assert.notEqual(await world.checkpoints.read('runs/1/test~devices/0'), null);
  });
});

function stampAt(minute: number): string {
  return formatInstant(START + minute * MINUTE)
    .slice(0, 16)
    .replaceAll(/[-:]/g, '');
}
