import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { HOUR_MS, PIECE_MS } from '../../../shared/domain/window/window.ts';
import { closeWindow, judgeUnheard } from '../../../shared/pipeline/windows/close-window.ts';
import { IN_FLIGHT_MS } from '../../../shared/pipeline/windows/progress.ts';
import { keepRegisteredDevices } from '../../../shared/pipeline/windows/registered-devices.ts';
import type { WindowTask } from '../../../shared/pipeline/windows/window-plan.ts';
import { NOTHING_JUDGED } from '../../../shared/pipeline/windows/window-summary.ts';
import { forgetFolds, removeOldRuns } from '../../../shared/pipeline/rebuild.ts';
import type { RunsState } from '../../../shared/pipeline/windows/runs-state.ts';
import { altered } from '../../support/ingest-world.ts';
import { groupOf, timeWindowRule } from '../../domain/security-group/groups.ts';
import { MINUTE, PARTITION, START } from '../log/logs.ts';
import { GRACE_MS, filesOf, happened, histories } from './histories.ts';
import { PartitionsWorld, on, windowLines } from './partitions-world.ts';
import { WindowWorld } from './window-world.ts';

const WINDOW: WindowTask = { start: START + PIECE_MS, end: START + 2 * PIECE_MS, generation: 0 };
const talks = groupOf('default', timeWindowRule({ minThreshold: 1, maxThreshold: 2 }));

/** Device `a` spoke before the window, `b` in it; the window is due. */
async function due(): Promise<WindowWorld> {
  const world = new WindowWorld();
  await world.declare(talks);
  await world.commit(
    happened({ at: START + MINUTE, deviceId: 'a', peers: [0] }),
    happened({ at: START + 6 * MINUTE, deviceId: 'b', peers: [0] }),
  );
  world.passEndOf(WINDOW.end);
  assert.deepEqual(await world.due(), [WINDOW]);
  return world;
}

const alertsOf = async (world: WindowWorld) =>
  (await world.allAlerts()).map(({ deviceId, facts }) => `${deviceId} ${String(facts!['count'])}`);

describe('closing a window', () => {
  it('writes what devices did and tells who stands outside', async () => {
    const world = await due();
    const summary = await closeWindow(world.services, PARTITION, WINDOW);
    assert.deepEqual(summary, { devices: 2, alerts: 1, mayHaveLost: false, late: 0 });
    assert.deepEqual(await alertsOf(world), ['a 0']);
    assert.ok(Object.keys(await filesOf(world.services.runs)).length > 0);
  });

  it('does nothing while a message waits, hours later too; then it counts that message', async () => {
    const world = await due();
    const waiting = happened({
      at: WINDOW.end + GRACE_MS - 1,
      hubTime: WINDOW.end - 1,
      peers: [1],
    });
    world.wait(waiting.at);
    world.now += 5 * HOUR_MS;
    assert.equal(await closeWindow(world.services, PARTITION, WINDOW), null);
    assert.deepEqual(await filesOf(world.services.runs), {});
    assert.deepEqual(await alertsOf(world), []);
    await world.append(waiting);
    const summary = await closeWindow(world.services, PARTITION, WINDOW);
    assert.deepEqual(summary, { devices: 2, alerts: 0, mayHaveLost: false, late: 0 });
  });

  it('does nothing before the clock has passed the grace period, though nothing waits', async () => {
    const world = await due();
    world.now--;
    assert.equal(await closeWindow(world.services, PARTITION, WINDOW), null);
  });

  it('closes one that ends inside five minutes with them', async () => {
    const world = new WindowWorld();
    const rule = timeWindowRule({ minThreshold: 2, windowMs: 3 * MINUTE });
    await world.declare(groupOf('default', rule));
    await world.commit(
      happened({ at: START + MINUTE }),
      happened({ at: START + 7 * MINUTE, peers: [0] }),
    );
    const window = { start: START + 6 * MINUTE, end: START + 9 * MINUTE, generation: 0 };
    const isDue = async () => (await world.due()).some(({ end }) => end === window.end);
    world.passEndOf(START + 10 * MINUTE);
    world.now--;
    assert.equal(await isDue(), false);
    world.now++;
    assert.equal(await isDue(), true);
    world.passEndOf(window.end);
    assert.equal(await closeWindow(world.services, PARTITION, window), null);
    world.passEndOf(START + 10 * MINUTE);
    assert.deepEqual(await closeWindow(world.services, PARTITION, window), {
      devices: 1,
      alerts: 1,
      mayHaveLost: false,
      late: 0,
    });
    assert.deepEqual(await alertsOf(world), ['a 1']);
  });

  it('tells how many messages came too late for their window, also a second time', async () => {
    const world = new WindowWorld();
    await world.declare(talks);
    const at = START + 21 * MINUTE;
    await world.commit(
      happened({ at: START + MINUTE }),
      happened({ at, hubTime: START + 9 * MINUTE }),
      happened({ at: at + 1, hubTime: START + 12 * MINUTE }),
      happened({ at: at + 2, hubTime: START + 16 * MINUTE }),
      happened({ at: at + 3, hubTime: START + 2 * MINUTE, kind: 'repeat' }),
      happened({ at: at + 5 * MINUTE, hubTime: START + 2 * MINUTE }),
    );
    world.passEndOf(START + 25 * MINUTE);
    const late = async () => {
      const found: Record<string, number> = {};
      for (const window of await world.due()) {
        const closed = await closeWindow(world.services, PARTITION, window);
        found[(window.start - START) / MINUTE] = closed!.late;
      }
      return found;
    };
    // Windows wait five minutes: what was dated 9 and 12 came in the slice that ends with 20, that of 16 was in time.
    const expected = { 5: 0, 10: 0, 15: 2, 20: 1 };
    assert.deepEqual(await late(), expected);
    assert.deepEqual(await late(), expected);
    const rule = timeWindowRule({
      maxThreshold: 9,
      timeWindowSize: 'PT10M',
      windowMs: 10 * MINUTE,
    });
    await world.declare(groupOf('default', rule));
    const ten = { start: START + 10 * MINUTE, end: START + 20 * MINUTE, generation: 0 };
    await world.checkpoints.write(
      'windows/10m/20260822T1210',
      { groups: await world.groups.current() },
      null,
    );
    assert.equal((await closeWindow(world.services, PARTITION, ten))!.late, 0);
  });

  it('gives the same a second time, and to two at once', async () => {
    const world = await due();
    const once = await closeWindow(world.services, PARTITION, WINDOW);
    const files = await filesOf(world.services.runs);
    const twice = await Promise.all(
      [1, 2].map(() => closeWindow(world.services, PARTITION, WINDOW)),
    );
    assert.deepEqual(twice, [once, once]);
    assert.deepEqual(await filesOf(world.services.runs), files);
    assert.equal((await world.allAlerts()).length, 1);
  });

  it('closes none that was never begun', async () => {
    const world = await due();
    world.passEndOf(WINDOW.end + PIECE_MS);
    const next = { ...WINDOW, start: WINDOW.end, end: WINDOW.end + PIECE_MS };
    await assert.rejects(closeWindow(world.services, PARTITION, next), /never begun/);
  });

  it('tells nothing of devices of a partition that has no log', async () => {
    const world = await due();
    const stream = 'test~ended';
    const summary = await closeWindow(world.services, { stream, partition: '9' }, WINDOW);
    assert.deepEqual(summary, { devices: 0, alerts: 0, mayHaveLost: false, late: 0 });
  });

  it('tells of silence nothing where the stream has ended: devices speak in another one', async () => {
    const world = await due();
    await world.commit(happened({ at: WINDOW.end - 1, deviceId: 'c', peers: [0, 1, 2] }));
    const moved = { ...world.services, streamName: 'test~others' };
    const summary = await closeWindow(moved, PARTITION, WINDOW);
    assert.deepEqual(summary, { devices: 2, alerts: 1, mayHaveLost: false, late: 0 });
    assert.deepEqual(await alertsOf(world), ['c 3']);
  });
});

describe('where messages were destroyed unread', () => {
  const silent = happened({ at: START + MINUTE, deviceId: 'silent' });
  const firstAt = START + 11 * MINUTE;
  const speaks = happened({ at: firstAt, deviceId: 'b', peers: [0, 1, 2], begins: 'epoch' });

  async function closeAll(world: WindowWorld) {
    const closed: Record<string, unknown> = {};
    for (const window of await world.due()) {
      const summary = await closeWindow(world.services, PARTITION, window);
      closed[(window.start - START) / MINUTE] = summary;
    }
    return closed;
  }
  const toldAt = async (world: WindowWorld) =>
    (await world.allAlerts())
      .filter(({ subject }) => subject.kind === 'window')
      .map(({ deviceId, facts, subject }) => {
        const start = Date.parse((subject as { start: string }).start);
        return `${(start - START) / MINUTE} ${deviceId} ${String(facts!['count'])}`;
      })
      .sort();

  it('as the log tells, nobody sent too little; too much is too much; afterwards all is as ever', async () => {
    for (const again of [false, true]) {
      const world = new WindowWorld();
      await world.declare(talks);
      await world.commit(silent);
      world.stream.send('0', { enqueuedTime: firstAt });
      if (again) world.writer.startEpoch(firstAt);
      await world.append(
        speaks,
        again ? {} : { lost: { from: 1, to: 7 }, fromSequence: 8, toSequence: 8 },
      );
      world.wait(START + 30 * MINUTE);
      await world.append(happened({ at: START + 30 * MINUTE, deviceId: 'b' }));
      world.passEndOf(START + 25 * MINUTE);
      const closed = await closeAll(world);
      assert.deepEqual(closed, {
        5: { devices: 1, alerts: 0, mayHaveLost: true, late: 0 },
        10: { devices: 2, alerts: 1, mayHaveLost: true, late: 0 },
        15: { devices: 2, alerts: 2, mayHaveLost: false, late: 0 },
        20: { devices: 2, alerts: 2, mayHaveLost: false, late: 0 },
      });
      const late = ['15 b 0', '15 silent 0', '20 b 0', '20 silent 0'];
      assert.deepEqual(await toldAt(world), ['10 b 3', ...late]);
    }
  });

  it('as only the empty stream tells, it is the same; what was received before may still be committed', async () => {
    const world = new WindowWorld();
    await world.declare(talks);
    await world.commit(silent);
    world.wait(firstAt);
    world.stream.deleteBefore('0', 2);
    world.passEndOf(START + 20 * MINUTE);
    assert.deepEqual(await closeAll(world), { 5: null, 10: null, 15: null });
    world.now += IN_FLIGHT_MS;
    const closed = await closeAll(world);
    const lost = { devices: 1, alerts: 0, mayHaveLost: true, late: 0 };
    assert.deepEqual([closed[5], closed[10]], [lost, lost]);
    assert.deepEqual(closed[15], { devices: 1, alerts: 1, mayHaveLost: false, late: 0 });
    assert.deepEqual(await toldAt(world), ['15 silent 0']);
  });

  it('because the stream was made again, nobody is told silent before somebody speaks in the new one', async () => {
    const world = new WindowWorld();
    await world.declare(talks);
    await world.commit(silent);
    world.stream.recreate();
    world.passEndOf(START + 15 * MINUTE);
    world.now += IN_FLIGHT_MS;
    const lost = { devices: 1, alerts: 0, mayHaveLost: true, late: 0 };
    const { 5: first, 10: second } = await closeAll(world);
    assert.deepEqual([first, second], [lost, lost]);
    const at = START + 2 * HOUR_MS;
    world.stream.send('0', { enqueuedTime: at });
    world.writer.startEpoch(at);
    await world.append(happened({ at, deviceId: 'b' }));
    world.passEndOf(at + 2 * PIECE_MS);
    while ((await world.run()).length > 0);
    assert.deepEqual(await toldAt(world), ['120 b 0', '120 silent 0', '125 b 0', '125 silent 0']);
  });

  it('and it stays empty, devices are silent again from when it was first seen empty', async () => {
    const both = new PartitionsWorld('0', '1');
    const { services } = both.world;
    await both.world.declare(talks);
    const registered = [{ deviceId: 'unheard', securityGroup: 'default' }];
    await keepRegisteredDevices(services, registered, START);
    await both.commit('0', on(1, { peers: [0] }));
    await both.commit('1', on(1, { deviceId: 'b', peers: [0] }));
    both.stream.recreate();
    both.world.passEndOf(START + 30 * MINUTE);
    both.world.now += IN_FLIGHT_MS;
    assert.deepEqual(await both.run(), []);
    both.world.passEndOf(START + 80 * MINUTE);
    both.world.now += IN_FLIGHT_MS;
    // It was first seen empty at 12:50 and some seconds.
    const silent = [50, 55, 60, 65, 70, 75].flatMap((minute) =>
      ['a', 'b', 'unheard'].map((device) => `${device} ${minute}-${minute + 5} 0`),
    );
    const told = await both.run();
    assert.deepEqual(
      told.filter((line) => !/ 5\d-/.test(line)),
      silent.filter((line) => !/ 5\d-/.test(line)).sort((a, b) => (a < b ? -1 : 1)),
    );
    assert.ok(!told.some((line) => / (?:[0-9]|[1-4][0-9])-/.test(line)), told.join());
  });

  it('of a partition of which nothing was ever read, no device that was never heard is told silent', async () => {
    const both = new PartitionsWorld('0', '1');
    const { services } = both.world;
    await both.world.declare(talks);
    await keepRegisteredDevices(services, [{ deviceId: 'x', securityGroup: 'default' }], START);
    await both.commit('0', ...[0, 7, 60].map((m) => on(m, { deviceId: 'b', peers: [0] })));
    both.stream.send('1', { enqueuedTime: START + 2 * MINUTE });
    both.stream.deleteBefore('1', 1);
    both.world.passEndOf(START + 10 * MINUTE);
    both.world.now += IN_FLIGHT_MS;
    const told = (await both.run()).filter((line) => line.startsWith('x'));
    assert.deepEqual(told, ['x 5-10 0']);
  });

  it('is told once, whoever looks how often', async () => {
    const world = new WindowWorld();
    await world.declare(talks);
    await world.commit(silent);
    world.stream.recreate();
    for (const minute of [20, 40, 60]) {
      world.passEndOf(START + minute * MINUTE);
      world.now += IN_FLIGHT_MS;
      while ((await world.run()).length > 0);
    }
    const { gaps } = (await world.checkpoints.read('runs/0/test~devices/0'))!.value as RunsState;
    assert.deepEqual(gaps, [
      { start: silent.at, end: START + 20 * MINUTE + GRACE_MS + IN_FLIGHT_MS },
    ]);
  });

  it('no device that was never heard is told silent', async () => {
    const world = await due();
    const devices = ['a', 'b', 'unheard'].map((deviceId) => ({
      deviceId,
      securityGroup: 'default',
    }));
    await keepRegisteredDevices(world.services, devices, START);
    const closed = await closeWindow(world.services, PARTITION, WINDOW);
    const lost = { ...closed!, mayHaveLost: true };
    assert.deepEqual(await judgeUnheard(world.services, [PARTITION], WINDOW, lost), NOTHING_JUDGED);
    assert.deepEqual(await alertsOf(world), ['a 0']);
    const judged = await judgeUnheard(world.services, [PARTITION], WINDOW, closed!);
    assert.deepEqual(judged, { devices: 1, alerts: 1, mayHaveLost: false, late: 0 });
    assert.deepEqual((await alertsOf(world)).sort(), ['a 0', 'unheard 0']);
    await keepRegisteredDevices(world.services, devices.slice(0, 2), START);
    assert.deepEqual((await judgeUnheard(world.services, [PARTITION], WINDOW, closed!)).devices, 0);
  });

  it('where no registry was read, or zero is within the bounds, only who was heard is judged', async () => {
    const world = await due();
    const judged = await judgeUnheard(world.services, [PARTITION], WINDOW, NOTHING_JUDGED);
    assert.deepEqual(judged, NOTHING_JUDGED);
    const free = new WindowWorld();
    await free.declare(groupOf('default', timeWindowRule({ minThreshold: 0, maxThreshold: 2 })));
    await free.commit(happened({ at: START + MINUTE }));
    const unheard = [{ deviceId: 'unheard', securityGroup: 'default' }];
    await keepRegisteredDevices(free.services, unheard, START);
    free.passEndOf(WINDOW.end);
    assert.deepEqual(await free.due(), [WINDOW]);
    await closeWindow(free.services, PARTITION, WINDOW);
    assert.deepEqual(
      await judgeUnheard(free.services, [PARTITION], WINDOW, NOTHING_JUDGED),
      NOTHING_JUDGED,
    );
  });
});

describe('a window of an earlier generation', () => {
  /** Device a speaks all the time; a window is on its way when a rebuild begins, and is made again. */
  async function atRemoval() {
    const world = new WindowWorld();
    await world.declare(talks);
    const registered = [{ deviceId: 'a', securityGroup: 'default' }];
    await keepRegisteredDevices(world.services, registered, START);
    for (let minute = 0; minute <= 130; minute += 2) await world.commit(on(minute, { peers: [0] }));
    world.passEndOf(START + 115 * MINUTE);
    while ((await world.run()).length > 0);
    world.passEndOf(START + 120 * MINUTE);
    const [old] = await world.due();
    const closed = await closeWindow(world.services, PARTITION, old!);
    await forgetFolds(world.services);
    while ((await world.run()).length > 0);
    const close = async () => {
      await closeWindow(world.services, PARTITION, old!);
      await judgeUnheard(world.services, [PARTITION], old!, closed!);
      return windowLines(await world.allAlerts());
    };
    return { world, old: old!, close };
  }

  it('tells nobody silent while its runs are removed', async () => {
    const { world, close } = await atRemoval();
    const { runs } = world.services;
    assert.ok((await runs.list('0/')).length > 10);
    while ((await runs.remove('0/', 5)) > 0) assert.deepEqual(await close(), []);
    while ((await removeOldRuns(world.services)) > 0);
    assert.deepEqual(await close(), []);
    assert.deepEqual(await runs.list('0/'), []);
  });

  it('tells nobody silent if the rebuild begins while it is judged', async () => {
    const { world } = await atRemoval();
    world.passEndOf(START + 125 * MINUTE);
    const [window] = await world.due();
    const checkpoints = altered(world.checkpoints, {
      read: async (name: string) => {
        if (name.startsWith('windows/5m/')) {
          await forgetFolds(world.services);
          // Who was known still stands there.
          await world.services.runs.remove('1/test~devices/0/1h');
          await world.services.runs.remove('1/test~devices/0/5m');
        }
        return world.checkpoints.read(name);
      },
    });
    const racing = { ...world.services, checkpoints };
    assert.deepEqual(await closeWindow(racing, PARTITION, window!), NOTHING_JUDGED);
    assert.deepEqual(windowLines(await world.allAlerts()), []);
  });
});

describe('after an outage of our own', () => {
  /** Two devices speak every minute for four hours; nobody reads for three of them. */
  const spoken = Array.from({ length: 480 }, (_, i) =>
    happened({ at: START + 30_000 * i, deviceId: i % 2 === 0 ? 'a' : 'b', peers: [i % 2] }),
  );

  it('no device is told silent: windows wait for what was not read, and close in order', async () => {
    const world = new WindowWorld();
    await world.declare(talks);
    const done: WindowTask[] = [];
    const [before, backlog] = [spoken.slice(0, 120), spoken.slice(120)];
    await world.commit(...before);
    world.passEndOf(START + 50 * MINUTE);
    done.push(...(await world.run()));
    world.wait(...backlog.map(({ at }) => at));
    world.now = spoken.at(-1)!.at + 1000;
    for (let run = 0; run < 5; run++) done.push(...(await world.run()));
    assert.equal(done.at(-1)!.end, START + 50 * MINUTE);
    // The backlog is committed bit by bit while the timer goes on.
    for (let at = 0; at < backlog.length; at += 17) {
      for (const event of backlog.slice(at, at + 17)) await world.append(event);
      done.push(...(await world.run()));
    }
    for (let run = 0; run < 5; run++) done.push(...(await world.run()));
    const ends = done.map(({ end }) => end);
    assert.deepEqual(
      ends,
      Array.from({ length: ends.length }, (_, i) => START + (i + 1) * PIECE_MS),
    );
    assert.ok(ends.at(-1)! >= START + 230 * MINUTE);
    const alerts = await world.allAlerts();
    assert.deepEqual(
      alerts.map(({ alertType, status }) => `${alertType} ${status}`),
      ['TW_IngestLag resolved'],
    );
  });

  it('the alerts are those of an app that was never down', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 20 }), async (history, every) => {
        const end = history.at(-1)!.at + HOUR_MS;
        const found = async (timely: boolean) => {
          const world = new WindowWorld();
          await world.declare(
            groupOf('default', timeWindowRule({ minThreshold: 1, maxThreshold: 2 })),
          );
          await world.declare(
            groupOf('pumps', timeWindowRule({ maxThreshold: 1, windowMs: HOUR_MS })),
          );
          let count = 0;
          for (const event of history) {
            await world.commit(event);
            world.now = event.at;
            if (timely && count++ % every === 0) await world.run();
          }
          world.now = end;
          while ((await world.run()).length > 0);
          const ofDevices = (await world.allAlerts()).filter(({ deviceId }) => deviceId !== null);
          return ofDevices
            .map(({ id, facts, securityGroup }) => JSON.stringify([id, facts, securityGroup]))
            .sort((a, b) => (a < b ? -1 : 1));
        };
        assert.deepEqual(await found(false), await found(true));
      }),
      { numRuns: 25 },
    );
  });
});
