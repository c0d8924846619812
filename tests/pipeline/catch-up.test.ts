import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IngestWorld, LISTED, MINUTE, START, STREAM, altered } from '../support/ingest-world.ts';

async function newWorld(): Promise<IngestWorld> {
  const world = new IngestWorld();
  await world.list(LISTED);
  return world;
}

describe('catching up', () => {
  it('commits what has waited five minutes behind a tail that does not move', async () => {
    const world = await newWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}));
    world.send({}, {}); // the host checkpointed them, and nothing follows
    assert.equal((await instance.catchUp.run(STREAM)).waiting, 1);
    world.now += 4 * MINUTE;
    assert.equal((await instance.catchUp.run(STREAM)).committedEvents, 0);
    world.now += 2 * MINUTE;
    assert.equal((await instance.catchUp.run(STREAM)).committedEvents, 2);
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/2']);
    assert.equal((await instance.catchUp.run(STREAM)).waiting, 0);
    await world.fold();
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 3/3 3/6']);
  });

  it('commits what waits with the millisecond of the last committed event', async () => {
    const world = await newWorld();
    const instance = world.instance();
    const [first] = world.send({ at: START }, { at: START });
    await instance.deliver([first!]);
    await instance.catchUp.run(STREAM);
    world.now += 6 * MINUTE;
    assert.equal((await instance.catchUp.run(STREAM)).committedEvents, 1);
    assert.deepEqual(await world.rows(), ['0/0', '0/1']);
  });

  it('keeps its hands off while ingest makes progress', async () => {
    const world = await newWorld();
    const instance = world.instance();
    const events = world.send({}, {}, {}, {});
    for (const event of events.slice(0, 3)) {
      await instance.deliver([event]);
      await instance.catchUp.run(STREAM);
      world.now += 4 * MINUTE;
    }
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/2']);
  });

  it('reads a partition whose very first batch was skipped', async () => {
    const world = await newWorld();
    const { catchUp } = world.instance();
    world.send({}, {});
    await catchUp.run(STREAM);
    world.now += 6 * MINUTE;
    await catchUp.run(STREAM);
    assert.deepEqual(await world.rows(), ['0/0', '0/1']);
  });

  it('sees a stream that was created anew, with smaller numbers or larger ones', async () => {
    for (const later of [1, 4]) {
      const world = await newWorld();
      const instance = world.instance();
      await instance.deliver(world.send({}, {}));
      world.stream.recreate();
      world.send(...Array.from({ length: later }, () => ({})));
      await instance.catchUp.run(STREAM);
      world.now += 6 * MINUTE;
      await instance.catchUp.run(STREAM);
      const anew = Array.from({ length: later }, (_, i) => `1/${i}`);
      assert.deepEqual((await world.rows()).slice(2), anew);
      assert.deepEqual(await world.gaps(), []);
    }
  });

  it('raises a provisional gap when what waited has expired, and resolves it if it is committed after all', async () => {
    const world = await newWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}));
    const waiting = world.send({}, {});
    world.stream.deleteBefore('0', 3);
    await instance.catchUp.run(STREAM);
    world.now += 6 * MINUTE;
    await instance.catchUp.run(STREAM);
    await instance.catchUp.run(STREAM);
    assert.deepEqual(await world.gaps(), [{ range: '0/1-2', provisional: true, status: 'active' }]);
    // A slower owner had them in hand.
    await world.instance().deliver(waiting);
    await instance.catchUp.run(STREAM);
    assert.deepEqual(await world.gaps(), [
      { range: '0/1-2', provisional: true, status: 'resolved' },
    ]);
  });

  it('turns a provisional gap into a definite one when the next block says so', async () => {
    const world = await newWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}));
    world.send({}, {});
    world.stream.deleteBefore('0', 3);
    await instance.catchUp.run(STREAM);
    world.now += 6 * MINUTE;
    await instance.catchUp.run(STREAM);
    await instance.deliver(world.send({}));
    await instance.catchUp.run(STREAM);
    assert.deepEqual(await world.gaps(), [
      { range: '0/1-2', provisional: false, status: 'active' },
    ]);
  });

  it('leaves a definite gap open that was thought to be over', async () => {
    const world = await newWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}));
    world.send({}, {});
    world.stream.deleteBefore('0', 3);
    await instance.catchUp.run(STREAM);
    world.now += 6 * MINUTE;
    await instance.catchUp.run(STREAM);
    const dying = world.instance({
      alerts: altered(world.alerts, {
        read: async () => {
          throw new Error('the process is gone');
        },
      }),
    });
    await assert.rejects(dying.deliver(world.send({})), /gone/);
    await instance.catchUp.run(STREAM); // sees the range passed
    await world.fold(); // reads the header that calls it lost
    assert.deepEqual(await world.gaps(), [
      { range: '0/1-2', provisional: false, status: 'active' },
    ]);
  });

  it('says nothing of an empty stream that was read to its end', async () => {
    const world = await newWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}, {}));
    world.stream.deleteBefore('0', 2);
    await instance.catchUp.run(STREAM);
    world.now += 60 * MINUTE;
    assert.equal((await instance.catchUp.run(STREAM)).waiting, 0);
    assert.deepEqual(await world.gaps(), []);
  });
});
