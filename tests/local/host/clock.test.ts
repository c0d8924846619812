import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SystemHostClock, VirtualHostClock } from '../../../local/host/clock.ts';

const never = new AbortController().signal;

describe('virtual time', () => {
  it('runs what is due in order of time, each at its own time', async () => {
    const clock = new VirtualHostClock(1000);
    const ran: string[] = [];
    const note = (name: string) => async () => void ran.push(`${name} at ${clock.now()}`);
    clock.runAt(3000, note('late'), never);
    clock.runAt(2000, note('early'), never);
    clock.runAt(5000, note('later'), never);
    await clock.advanceTo(4000);
    assert.deepEqual(ran, ['early at 2000', 'late at 3000']);
    assert.equal(clock.now(), 4000);
  });

  it('lets an action end, and arm another on the way, before the next one', async () => {
    const clock = new VirtualHostClock(0);
    const ran: string[] = [];
    const tick = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ran.push(`tick ${clock.now()}`);
      clock.runAt(clock.now() + 10, tick, never);
    };
    clock.runAt(10, tick, never);
    clock.runAt(15, async () => void ran.push('between'), never);
    await clock.advanceTo(30);
    assert.deepEqual(ran, ['tick 10', 'between', 'tick 20', 'tick 30']);
  });

  it('runs at once what is overdue, and never goes back', async () => {
    const clock = new VirtualHostClock(1000);
    let ranAt = 0;
    clock.runAt(500, async () => void (ranAt = clock.now()), never);
    await clock.advanceTo(0);
    assert.equal(ranAt, 1000);
    assert.equal(clock.now(), 1000);
  });

  it('does not run what was given up', async () => {
    const clock = new VirtualHostClock(0);
    const stop = new AbortController();
    let ran = false;
    clock.runAt(10, async () => void (ran = true), stop.signal);
    stop.abort();
    await clock.advanceTo(20);
    assert.equal(ran, false);
  });

  it('passes a retry delay of an hour in a moment', async () => {
    const clock = new VirtualHostClock(0);
    const startedAt = performance.now();
    await clock.delay(3_600_000, never);
    assert.ok(performance.now() - startedAt < 1000);
    assert.equal(clock.now(), 0);
  });
});

describe('system time', () => {
  it('runs an action when its time has come, not before', async () => {
    const clock = new SystemHostClock();
    const due = Date.now() + 30;
    const ranAt = await new Promise<number>((resolve) => {
      clock.runAt(due, async () => resolve(Date.now()), never);
    });
    assert.ok(ranAt >= due && ranAt < due + 1000, `${ranAt - due} ms late`);
  });

  it('does not run an action of the far future at once, nor one given up', async () => {
    const clock = new SystemHostClock();
    const stop = new AbortController();
    let ran = false;
    clock.runAt(Date.now() + 2 ** 33, async () => void (ran = true), stop.signal);
    await clock.delay(20, never);
    stop.abort();
    await clock.delay(5, never);
    assert.equal(ran, false);
  });

  it('cuts a delay short', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 10);
    const startedAt = performance.now();
    await new SystemHostClock().delay(60_000, stop.signal);
    assert.ok(performance.now() - startedAt < 5000);
  });
});
