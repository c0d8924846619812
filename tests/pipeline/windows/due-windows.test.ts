import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveAlert } from '../../../shared/domain/alert/alert.ts';
import { DAY_MS, HOUR_MS, PIECE_MS, type Window } from '../../../shared/domain/window/window.ts';
import {
  type WindowRecord,
  dueWindows,
  finishWindow,
  groupsOfWindow,
  windowRecordName,
} from '../../../shared/pipeline/windows/due-windows.ts';
import { allWindowsDone, judgeBetween } from '../../../shared/pipeline/windows/window-plan.ts';
import { CLOCK_SLACK_MS } from '../../../shared/pipeline/windows/progress.ts';
import { NOTHING_JUDGED } from '../../../shared/pipeline/windows/window-summary.ts';
import { groupOf, groupSet, timeWindowRule } from '../../domain/security-group/groups.ts';
import { altered } from '../../support/ingest-world.ts';
import { MINUTE, START } from '../log/logs.ts';
import { GRACE_MS, happened } from './histories.ts';
import { WindowWorld } from './window-world.ts';

const ruleOf = (minutes: number, fields = {}) =>
  timeWindowRule({ windowMs: minutes * MINUTE, timeWindowSize: `PT${minutes}M`, ...fields });
const DONE = NOTHING_JUDGED;

/** `minutes from START` + `minutes long` of each window. */
const shown = (windows: readonly Window[]) =>
  windows.map(({ start, end }) => `${(start - START) / MINUTE}+${(end - start) / MINUTE}`);

/** A world with one message at 12:01. */
async function begun(): Promise<WindowWorld> {
  const world = new WindowWorld();
  await world.commit(happened({ at: START + MINUTE }));
  return world;
}

describe('the windows that are due', () => {
  it('are none before there is a message, and none that is not over', async () => {
    const empty = new WindowWorld();
    empty.now = START + DAY_MS;
    assert.deepEqual(await empty.due(), []);
    const world = await begun();
    world.now = START + 2 * PIECE_MS + GRACE_MS + CLOCK_SLACK_MS - 1;
    assert.deepEqual(await world.due(), []);
    world.now++;
    assert.deepEqual(shown(await world.due()), ['5+5']);
  });

  it('begin with the first that is whole: at or after the first message by IoT Hub’s time', async () => {
    const world = new WindowWorld();
    const first = START + 6 * MINUTE;
    await world.commit(happened({ at: START + 20 * MINUTE, hubTime: first }));
    await world.declare(groupOf('default', ruleOf(15), ruleOf(3)));
    world.passEndOf(START + 30 * MINUTE);
    const due = shown(await world.due());
    assert.deepEqual(
      due,
      [
        '12+3',
        '10+5',
        '15+3',
        '15+5',
        '18+3',
        '21+3',
        '20+5',
        '24+3',
        '15+15',
        '25+5',
        '27+3',
      ].sort(byEnd),
    );
  });

  it('are of no more than a day at once: what is written ahead of the first one is bounded', async () => {
    const world = await begun();
    const sizes = [ruleOf(1440), ruleOf(60)].map((rule, i) => groupOf(`group-${i}`, rule));
    for (const group of sizes) await world.declare(group);
    world.passEndOf(START + 5 * DAY_MS);
    const due = await world.due();
    const count = (size: number) => due.filter(({ start, end }) => end - start === size).length;
    assert.deepEqual([DAY_MS, HOUR_MS, PIECE_MS].map(count), [1, 24, 24]);
  });

  it('are those of one run where two planned the first ones at once', async () => {
    const world = await begun();
    world.passEndOf(START + 2 * PIECE_MS);
    const [read, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = altered(world.checkpoints, {
      write: async (name, value, version) => {
        if (name !== 'windows/plan') return world.checkpoints.write(name, value, version);
        read.resolve();
        await seen.promise;
        return world.checkpoints.write(name, value, version);
      },
    });
    const late = dueWindows({ ...world.services, checkpoints: slow });
    await read.promise;
    assert.deepEqual(shown(await world.due()), ['5+5']);
    seen.resolve();
    assert.deepEqual(await late, []);
    assert.deepEqual(shown(await world.due()), ['5+5']);
  });

  it('lie between what a replay says, as long as no window was judged', async () => {
    const world = await begun();
    await judgeBetween(world.services, 0, 0);
    world.passEndOf(START + 60 * MINUTE);
    assert.deepEqual(await world.due(), []);
    assert.equal(await allWindowsDone(world.services), true);
    await judgeBetween(world.services, START + 17 * MINUTE, START + 33 * MINUTE);
    assert.deepEqual(shown(await world.due()), ['20+5', '25+5']);
    assert.equal(await allWindowsDone(world.services), false);
    await judgeBetween(world.services, START - DAY_MS, START + DAY_MS);
    assert.deepEqual(shown(await world.due()), ['20+5', '25+5']);
    await world.run();
    assert.deepEqual(await world.due(), []);
    assert.equal(await allWindowsDone(world.services), true);
    assert.deepEqual(await world.allAlerts(), []);
  });

  it('are of every size that an enabled rule asks for, and always of five minutes', async () => {
    const world = await begun();
    await world.declare(
      groupOf(
        'pumps',
        ruleOf(10),
        ruleOf(15, { isEnabled: false }),
        ruleOf(5, { windowMs: 90_000 }),
      ),
    );
    await world.declare(
      groupOf('other', ruleOf(20, { ruleType: 'FailedLocalLoginsNotInAllowedRange' })),
    );
    world.passEndOf(START + 20 * MINUTE);
    const sizes = new Set((await world.due()).map(({ start, end }) => (end - start) / 1000));
    assert.deepEqual(
      [...sizes].sort((a, b) => a - b),
      [90, 300, 600],
    );
  });

  it('of a size that a new rule asks for begin with the window that is open', async () => {
    const world = await begun();
    world.passEndOf(START + 40 * MINUTE);
    await world.run();
    await world.declare(groupOf('default', ruleOf(15)));
    // 12:45 and a grace period: the window from 12:45 is open.
    await world.run();
    world.passEndOf(START + 90 * MINUTE);
    const due = shown(await world.due()).filter((text) => text.endsWith('+15'));
    assert.deepEqual(due, ['45+15', '60+15', '75+15']);
  });

  it('of a size that no rule asked for meanwhile begin with the open one again', async () => {
    const world = await begun();
    await world.declare(groupOf('default', ruleOf(15)));
    world.passEndOf(START + 30 * MINUTE);
    assert.ok(shown(await world.run()).includes('15+15'));
    await world.declare(groupOf('default'));
    world.passEndOf(START + 90 * MINUTE);
    await world.run();
    await world.declare(groupOf('default', ruleOf(15)));
    await world.due();
    world.passEndOf(START + 120 * MINUTE);
    const due = shown(await world.due()).filter((text) => text.endsWith('+15'));
    assert.deepEqual(due, ['90+15', '105+15']);
  });

  it('are not due again once done; of those that are not, each is', async () => {
    const world = await begun();
    world.passEndOf(START + 25 * MINUTE);
    const due = await world.due();
    assert.deepEqual(shown(due), ['5+5', '10+5', '15+5', '20+5']);
    await finishWindow(world.services, due[2]!, DONE);
    assert.deepEqual(shown(await world.due()), ['5+5', '10+5', '20+5']);
    await finishWindow(world.services, due[0]!, DONE);
    assert.deepEqual(shown(await world.due()), ['10+5', '20+5']);
    await finishWindow(world.services, due[1]!, { ...DONE, devices: 7 });
    await finishWindow(world.services, due[1]!, DONE);
    assert.deepEqual(shown(await world.due()), ['20+5']);
    const record = await world.checkpoints.read(windowRecordName(due[1]!));
    const { done } = record!.value as WindowRecord;
    assert.deepEqual(done, { ...DONE, devices: 7, generation: 0 });
  });

  it('after a day’s outage come in order, at most 24 of a size at a time', async () => {
    const world = await begun();
    await world.declare(groupOf('default', ruleOf(60), ruleOf(1)));
    world.passEndOf(START + DAY_MS);
    await world.commit(happened({ at: world.now }));
    const done: Window[] = [];
    for (let run = 0; run < 100; run++) {
      const due = await world.due();
      if (due.length === 0) break;
      const ends = due.map(({ end }) => end);
      assert.deepEqual(
        ends,
        ends.toSorted((a, b) => a - b),
      );
      for (const size of new Set(due.map(({ start, end }) => end - start))) {
        const ofSize = due.filter(({ start, end }) => end - start === size);
        assert.ok(ofSize.length <= 24);
        const last = done.findLast(({ start, end }) => end - start === size);
        assert.ok(last === undefined || last.end === ofSize[0]!.start);
      }
      done.push(...(await world.run()));
    }
    const count = (size: number) => done.filter(({ start, end }) => end - start === size).length;
    assert.deepEqual(
      [1, 5, 60].map((minutes) => count(minutes * MINUTE)),
      [1435, 287, 23],
    );
    assert.equal(new Set(shown(done)).size, done.length);
  });

  it('are told to one of two runs at once, and judged once whoever judges', async () => {
    const world = await begun();
    await world.declare(groupOf('default', ruleOf(5, { maxThreshold: 0 })));
    await world.commit(happened({ at: START + 7 * MINUTE, peers: [0] }));
    world.passEndOf(START + 60 * MINUTE);
    const [a, b] = await Promise.all([world.due(), world.due()]);
    assert.deepEqual(
      [a.length, b.length].sort((x, y) => x - y),
      [0, 11],
    );
    await Promise.all([world.run(), world.run()]);
    assert.deepEqual(await world.due(), []);
    assert.equal((await world.allAlerts()).filter(({ deviceId }) => deviceId === 'a').length, 1);
  });

  it('go on after a run that died at any write', async () => {
    for (const dies of [0, 1, 2, 3]) {
      const world = await begun();
      world.passEndOf(START + 20 * MINUTE);
      let writes = 0;
      const checkpoints = altered(world.checkpoints, {
        write: async (...args: Parameters<typeof world.checkpoints.write>) => {
          if (writes++ === dies) throw new Error('died');
          return world.checkpoints.write(...args);
        },
      });
      await assert.rejects(dueWindows({ ...world.services, checkpoints }), /died/);
      assert.deepEqual(shown(await world.run()), ['5+5', '10+5', '15+5']);
    }
  });
});

describe('the groups of a window', () => {
  it('are those that it was begun with, whatever became of them', async () => {
    const world = await begun();
    await world.declare(groupOf('default', ruleOf(5, { maxThreshold: 1 })));
    await world.commit(happened({ at: START + 6 * MINUTE, peers: [0, 1] }));
    world.passEndOf(START + 10 * MINUTE);
    const [window] = await world.due();
    await world.declare(groupOf('default', ruleOf(5, { maxThreshold: 9 })));
    await world.due();
    const pinned = await groupsOfWindow(world.services, window!);
    assert.equal(pinned.groups[0]!.timeWindowRules[0]!.maxThreshold, 1);
    await world.run();
    assert.equal((await world.allAlerts()).length, 1);
    await world.commit(happened({ at: START + 11 * MINUTE, peers: [0, 1] }));
    world.passEndOf(START + 15 * MINUTE);
    await world.run();
    assert.equal((await world.allAlerts()).length, 1);
  });

  it('are kept by name, with no more of their rules than concern the window', async () => {
    const world = await begun();
    const own = ruleOf(5);
    const lists = { ruleType: 'ConnectionToIpNotAllowed', isEnabled: true, values: ['192.0.2.1'] };
    await world.declare({
      ...groupOf('Pumps', ruleOf(60), own, ruleOf(5, { isEnabled: false })),
      allowlistRules: [lists],
    });
    await world.declare(groupOf('quiet'));
    world.passEndOf(START + 10 * MINUTE);
    const [window] = await world.due();
    assert.deepEqual(await groupsOfWindow(world.services, window!), {
      ...groupSet(groupOf('Pumps', own), groupOf('quiet')),
      revision: 2,
    });
  });

  it('are nobody’s of a window that was never begun', async () => {
    const world = await begun();
    const window = { start: START, end: START + PIECE_MS, generation: 0 };
    await assert.rejects(groupsOfWindow(world.services, window), /never begun/);
    await assert.rejects(finishWindow(world.services, window, DONE), /never begun/);
  });

  it('stand under one name for each size and start', () => {
    const names = [MINUTE, PIECE_MS, HOUR_MS].flatMap((size) =>
      [0, 7 * MINUTE, HOUR_MS].map((from) =>
        windowRecordName({ start: START + from, end: START + from + size }),
      ),
    );
    assert.equal(new Set(names).size, names.length);
    assert.equal(names[1], 'windows/1m/20260822T1207');
  });
});

describe('the alert that messages wait', () => {
  const first = { start: START + PIECE_MS, end: START + 2 * PIECE_MS };
  const late = first.end + GRACE_MS + CLOCK_SLACK_MS + 20 * MINUTE;
  const lagOf = async (world: WindowWorld) =>
    (await world.allAlerts()).find(({ alertType }) => alertType === 'TW_IngestLag');

  it('is raised twenty minutes after a window was due, once, and resolves when they are closed', async () => {
    const world = await begun();
    world.wait(START + 2 * MINUTE);
    world.now = late;
    await world.run();
    assert.equal(await lagOf(world), undefined);
    world.now = late + 1;
    assert.deepEqual(await world.run(), []);
    const alert = await lagOf(world);
    assert.deepEqual([alert!.status, alert!.severity, alert!.deviceId], ['active', 'medium', null]);
    assert.deepEqual(alert!.facts, { since: '2026-08-22T12:05:00.000Z' });
    world.now = late + HOUR_MS;
    await world.run();
    assert.deepEqual(await lagOf(world), alert);
    world.stream.recreate(); // Nothing waits any more.
    await world.run();
    await world.run();
    await world.run();
    assert.equal((await lagOf(world))!.status, 'resolved');
    assert.equal((await world.allAlerts()).length, 1);
  });

  it('opens again at the next time, also when a person resolved it while messages waited', async () => {
    const world = await begun();
    world.wait(START + 2 * MINUTE);
    world.now = late + 1;
    await world.run();
    const { id } = (await lagOf(world))!;
    const stored = await world.alerts.read('platform', id);
    await world.alerts.replace('platform', resolveAlert(stored!.alert, late)!, stored!.version);
    await world.run();
    const again = (await lagOf(world))!;
    assert.deepEqual([again.id, again.status, again.revision], [id, 'active', 3]);
  });

  it('stays dismissed', async () => {
    const world = await begun();
    world.wait(START + 2 * MINUTE);
    world.now = late + 1;
    await world.run();
    const stored = (await world.alerts.read('platform', (await lagOf(world))!.id))!;
    const dismissed = { ...stored.alert, status: 'dismissed' as const };
    await world.alerts.replace('platform', dismissed, stored.version);
    world.now += HOUR_MS;
    await world.run();
    world.stream.recreate();
    await world.run();
    await world.run();
    assert.deepEqual(await lagOf(world), dismissed);
  });

  it('is not raised of a fleet that is silent', async () => {
    const world = await begun();
    for (let minutes = 10; minutes < 24 * 60; minutes += 5) {
      world.passEndOf(START + minutes * MINUTE);
      assert.equal((await world.run()).length, 1);
    }
    assert.deepEqual(await world.allAlerts(), []);
  });
});

function byEnd(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => text.split('+').map(Number) as [number, number]);
  return x![0] + x![1] - (y![0] + y![1]) || x![0] - y![0];
}
