// Who counts zero: devices that are known, be it from their messages or from the registry.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepRegisteredDevices } from '../../../shared/pipeline/windows/registered-devices.ts';
import {
  type WindowRecord,
  windowRecordName,
} from '../../../shared/pipeline/windows/due-windows.ts';
import { groupOf, timeWindowRule } from '../../domain/security-group/groups.ts';
import { MINUTE, START } from '../log/logs.ts';
import { happened } from './histories.ts';
import { PartitionsWorld, on } from './partitions-world.ts';

const speaks = groupOf('default', timeWindowRule({ minThreshold: 1 }));

/** Device b speaks all the time: windows are closed by what was read of it. */
async function worldWith(...ids: readonly string[]): Promise<PartitionsWorld> {
  const world = new PartitionsWorld(...ids);
  await world.world.declare(speaks);
  return world;
}

describe('a device', () => {
  it('that speaks on another partition, of a stream that was made again with fewer, is not silent on the old one', async () => {
    const world = await worldWith('1');
    await world.commit('0', on(0, { peers: [0] }));
    for (let minute = 5; minute <= 30; minute += 2)
      await world.commit('1', on(minute, { peers: [0] }));
    world.world.passEndOf(START + 20 * MINUTE);
    assert.deepEqual(await world.run(), []);
  });

  it('whose only message was late across an hour is known from the next window on', async () => {
    const world = await worldWith('0');
    await world.commit('0', on(50, { deviceId: 'b', peers: [0] }));
    for (let minute = 52; minute <= 100; minute += 2) {
      await world.commit('0', on(minute, { deviceId: 'b', peers: [0] }));
      if (minute !== 66) continue;
      const hubTime = START + 58 * MINUTE;
      await world.commit('0', happened({ at: START + minute * MINUTE, hubTime, peers: [0] }));
    }
    world.world.passEndOf(START + 80 * MINUTE);
    // It was read in time for the window of 12:00 to 12:05, not for its own.
    const silent = [60, 65, 70, 75].map((minute) => `a ${minute}-${minute + 5} 0`);
    assert.deepEqual(await world.run(), silent);
  });

  it('is known and deleted to the minute where windows are of minutes', async () => {
    const world = new PartitionsWorld('0');
    const rule = timeWindowRule({ minThreshold: 1, timeWindowSize: 'PT1M', windowMs: MINUTE });
    await world.world.declare(groupOf('default', rule));
    const b = { deviceId: 'b', peers: [0] };
    await world.commit('0', on(0, b), on(1, b), on(1, { peers: [0] }));
    for (let minute = 2; minute <= 40; minute++) {
      await world.commit('0', on(minute, b));
      if (minute === 11) await world.commit('0', on(minute, { kind: 'deviceDeleted' }));
    }
    world.world.passEndOf(START + 20 * MINUTE);
    const silent = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((m) => `a ${m}-${m + 1} 0`);
    assert.deepEqual(
      await world.run(),
      silent.sort((a, b) => (a < b ? -1 : 1)),
    );
  });
});

describe('a device that the registry names', () => {
  /** Half an hour in which b speaks, and what else happens to `a` in it. */
  async function halfHour(readAt: number, ...events: readonly ReturnType<typeof on>[]) {
    const world = await worldWith('0');
    const registered = [{ deviceId: 'a', securityGroup: 'default' }];
    await keepRegisteredDevices(world.world.services, registered, START + readAt * MINUTE);
    const spoken = Array.from({ length: 16 }, (_, i) => on(2 * i, { deviceId: 'b', peers: [0] }));
    const all = [...spoken, ...events].sort((x, y) => x.at - y.at);
    await world.commit('0', ...all);
    world.world.passEndOf(START + 15 * MINUTE);
    return world.run();
  }

  it('counts zero though nothing was ever heard of it, or only of its twin', async () => {
    const silent = ['a 0-5 0', 'a 10-15 0', 'a 5-10 0'];
    assert.deepEqual(await halfHour(0), silent);
    assert.deepEqual(await halfHour(0, on(7, { kind: 'twinUpdate' })), silent);
  });

  it('is judged by what it sent once it sends', async () => {
    assert.deepEqual(await halfHour(0, on(7, { peers: [0] })), ['a 0-5 0', 'a 10-15 0']);
  });

  it('counts nothing once it was deleted, be it that it had spoken or not', async () => {
    assert.deepEqual(await halfHour(0, on(2, { kind: 'deviceDeleted' })), []);
    const spoken = [on(1, { peers: [0] }), on(7, { kind: 'deviceDeleted' })];
    assert.deepEqual(await halfHour(0, ...spoken), []);
  });

  it('counts zero again where the registry was read after it was deleted: it was registered again', async () => {
    const deleted = on(2, { kind: 'deviceDeleted' });
    assert.deepEqual(await halfHour(3, deleted), ['a 0-5 0', 'a 10-15 0', 'a 5-10 0']);
  });

  it('is told of too much once, of too little beside it', async () => {
    const twins = (minThreshold: number, maxThreshold: number) =>
      groupOf(
        'default',
        timeWindowRule({ ruleType: 'TwinUpdatesNotInAllowedRange', minThreshold, maxThreshold }),
      );
    const world = new PartitionsWorld('0');
    await world.world.declare(twins(1, 1));
    await keepRegisteredDevices(
      world.world.services,
      [{ deviceId: 'a', securityGroup: 'default' }],
      START,
    );
    const twin = (minute: number) => on(minute, { kind: 'twinUpdate' });
    await world.commit('0', twin(1), twin(6), twin(7), on(30, { deviceId: 'b' }));
    world.world.passEndOf(START + 15 * MINUTE);
    assert.deepEqual(await world.run(), ['a 10-15 0', 'a 5-10 2']);
    const window = { start: START + 5 * MINUTE, end: START + 10 * MINUTE };
    const stored = await world.world.checkpoints.read(windowRecordName(window));
    assert.equal((stored!.value as WindowRecord).done!.alerts, 1);
  });
});
