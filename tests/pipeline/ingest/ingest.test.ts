import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { StreamEvent } from '../../../shared/ports/device-stream.ts';
import { IngestWorld, LISTED, MINUTE, SECOND, START, altered } from '../../support/ingest-world.ts';
import { encodeMessage } from '../../support/encode-message.ts';

const OTHER_ADDRESS = '198.51.100.30';

async function listedWorld(...settings: ConstructorParameters<typeof IngestWorld>) {
  const world = new IngestWorld(...settings);
  await world.list(LISTED);
  return world;
}

/** Nine messages of three devices; the last byte counts tell them apart. */
function fleet(world: IngestWorld): readonly StreamEvent[] {
  return world.send(
    ...Array.from({ length: 9 }, (_, i) => ({
      device: `cam-${i % 3}`,
      connections: [
        { remote: i % 2 === 0 ? LISTED : OTHER_ADDRESS, bytesIn: i, bytesOut: 10 * i },
        { remote: LISTED, bytesIn: 1, bytesOut: 1 },
      ],
    })),
  );
}

async function outcome(world: IngestWorld) {
  await world.fold();
  return { rows: (await world.rows()).sort(), shown: await world.shown() };
}

describe('ingesting a batch', () => {
  it('writes one block, opens the alerts at once and counts them in the fold', async () => {
    const world = await listedWorld();
    const summary = await world.instance().deliver(fleet(world));
    assert.deepEqual(
      { blocks: summary.blocks, counted: summary.counted, findings: summary.findings },
      { blocks: 1, counted: 9, findings: 14 },
    );
    assert.deepEqual(await world.shown(), [
      'cam-0 192.0.2.10 high 3/5 9/63',
      'cam-1 192.0.2.10 high 3/4 7/43',
      'cam-2 192.0.2.10 high 3/5 13/103',
    ]);
    const opened = await world.allAlerts();
    assert.ok(opened.every((alert) => alert.live === null && alert.revision === 1));
    await world.fold();
    assert.ok((await world.allAlerts()).every((alert) => alert.live !== null));
    assert.deepEqual((await world.shown())[0], 'cam-0 192.0.2.10 high 3/5 9/63');
  });

  it('leaves the same state when the same batch comes again, to the same or another instance', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const instance = world.instance();
    await instance.deliver(events);
    const once = await outcome(world);
    await instance.deliver(events);
    await world.instance().deliver(events);
    assert.deepEqual(await outcome(world), once);
    assert.equal((await world.dataHeaders()).length, 1);
  });

  it('gives the same rows and counts however batches are cut and repeated', async () => {
    const reference = await listedWorld();
    await reference.instance().deliver(fleet(reference));
    const want = await outcome(reference);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 9 }), fc.nat(2)), { maxLength: 12 }),
        async (deliveries) => {
          const world = await listedWorld();
          const events = fleet(world);
          const instances = [world.instance(), world.instance(), world.instance()];
          for (const [from, count, owner] of deliveries) {
            await instances[owner]!.deliver(events.slice(from, from + count));
          }
          await instances[0]!.deliver(events);
          assert.deepEqual(await outcome(world), want);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes 1, 2, 1, 2, 3 for three events, in one batch or in two', async () => {
    for (const cut of [1, 2, 3, 4]) {
      const world = await listedWorld();
      const [a, b, c] = fleet(world).slice(0, 3) as [StreamEvent, StreamEvent, StreamEvent];
      const delivered = [a, b, a, b, c];
      const instance = world.instance();
      await instance.deliver(delivered.slice(0, cut));
      await instance.deliver(delivered.slice(cut));
      assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/2']);
    }
  });

  it('skips what is no security message and keeps what cannot be decoded, with its bytes', async () => {
    const world = await listedWorld();
    const garbage = Uint8Array.of(1, 2, 3, 4, 5);
    const summary = await world
      .instance()
      .deliver(
        world.send(
          { properties: {}, body: new TextEncoder().encode(`{"peer":"${LISTED}"}`) },
          { body: garbage },
          { properties: { mti: '9.9-1-0-0' } },
          { device: '' },
          {},
        ),
      );
    assert.deepEqual(
      [summary.other, summary.quarantined, summary.counted, summary.findings],
      [1, 3, 1, 1],
    );
    assert.deepEqual(await world.rows(), ['0/0o', '0/1q', '0/2q', '0/3q', '0/4']);
  });

  it('never fails for what a device sent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }),
        async (bodies) => {
          const world = await listedWorld();
          const summary = await world
            .instance()
            .deliver(world.send(...bodies.map((body) => ({ body }))));
          assert.equal(summary.quarantined + summary.repeats + summary.counted, bodies.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('cuts a batch of large bodies into blocks', async () => {
    const world = await listedWorld();
    const body = new Uint8Array(3 * 1024 * 1024).fill(7);
    const events = world.send(...[1, 2, 3, 4, 5].map((i) => ({ body: body.with(0, i) })));
    const summary = await world.instance().deliver(events);
    assert.deepEqual([summary.blocks, summary.quarantined], [3, 5]);
  });
});

describe('a flood of findings', () => {
  it('is cut into blocks, and every one of them counts', async () => {
    const world = await listedWorld();
    const connections = Array.from({ length: 120 }, (_, i) => ({
      remote: LISTED,
      localPort: 40_000 + i,
      bytesIn: 1,
      bytesOut: 1,
    }));
    const events = world.send(...Array.from({ length: 100 }, () => ({ connections })));
    const summary = await world.instance().deliver(events);
    assert.deepEqual([summary.blocks, summary.findings], [3, 12_000]);
    await world.fold();
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 100/12000 12000/12000']);
  });
});

describe('a message that a device sent twice', () => {
  const twice = encodeMessage([{ remote: LISTED, bytesIn: 5, bytesOut: 5 }]);

  it('is marked within the horizon by IoT Hub time, before and after, and counts nowhere', async () => {
    const world = await listedWorld();
    const events = world.send(
      { body: twice, hubTime: START },
      { body: twice, hubTime: START - 5 * MINUTE },
      { body: twice, hubTime: START + 5 * MINUTE },
      { body: twice, hubTime: START + 5 * MINUTE + 1 },
      { body: twice, device: 'cam-2', hubTime: START },
    );
    await world.instance().deliver(events);
    assert.deepEqual(await world.rows(), ['0/0', '0/1r', '0/2r', '0/3', '0/4']);
    await world.fold();
    assert.deepEqual(await world.shown(), [
      'cam-1 192.0.2.10 high 2/2 10/10',
      'cam-2 192.0.2.10 high 1/1 5/5',
    ]);
  });

  it('is known by an instance that never saw the first copy, in an older file of another epoch', async () => {
    const world = await listedWorld({ maxFileBlocks: 1 });
    await world.instance().deliver(world.send({ body: twice }));
    await world.instance().deliver(world.send({}));
    world.stream.recreate();
    await world.instance().deliver(world.send({}, { body: twice }));
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '1/0', '1/1r']);
  });

  it('is known when a gap brings in a message older than the batch behind it', async () => {
    const world = await listedWorld();
    const instance = world.instance();
    await instance.deliver(world.send({ body: twice, hubTime: START - 30 * MINUTE }));
    await world.instance().deliver(world.send({})); // another owner goes on
    const fresh = world.instance();
    await fresh.deliver(world.send({}));
    world.send({ body: twice, hubTime: START - 27 * MINUTE }); // skipped by the host
    await fresh.deliver(world.send({}));
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/2', '0/3r', '0/4']);
  });
});

describe('two owners of one partition', () => {
  it('write every event once, whatever each of them believes', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const [a, b] = [world.instance({}, 'a'), world.instance({}, 'b')];
    await a.deliver(events.slice(0, 3));
    await b.deliver(events.slice(0, 5));
    await a.deliver(events.slice(2, 6));
    await Promise.all([a.deliver(events.slice(4, 8)), b.deliver(events)]);
    assert.deepEqual(
      await world.rows(),
      events.map((_, i) => `0/${i}`),
    );
    const writers = (await world.dataHeaders()).map((header) => header.writer);
    assert.deepEqual(writers.slice(0, 3), ['a', 'b', 'a']);
  });

  it('never write a block with an older snapshot behind one with a newer', async () => {
    const world = await listedWorld();
    const old = world.instance();
    await old.deliver(
      world.send({ connections: [{ remote: OTHER_ADDRESS, bytesIn: 1, bytesOut: 1 }] }),
    );
    await world.list(LISTED, OTHER_ADDRESS);
    await world.instance().deliver(world.send({}));
    // Checked less than a minute ago, but the log knows better.
    await old.deliver(
      world.send({ connections: [{ remote: OTHER_ADDRESS, bytesIn: 1, bytesOut: 1 }] }),
    );
    assert.deepEqual(
      (await world.dataHeaders()).map((header) => header.snapshot.ordinal),
      [1, 2, 2],
    );
    assert.ok((await world.shown()).includes('cam-1 198.51.100.30 high 1/1 1/1'));
  });

  it('refuse to go on while the pointer reads older than the log', async () => {
    const world = await listedWorld();
    const before = await world.snapshots.current();
    await world.list(LISTED, OTHER_ADDRESS);
    await world.instance().deliver(world.send({}));
    const stale = world.instance({
      snapshots: altered(world.snapshots, { current: async () => before }),
    });
    const events = world.send({});
    await assert.rejects(stale.deliver(events), { code: 'COMMIT_INTERRUPTED' });
    assert.equal((await world.rows()).length, 1);
  });

  it('use a snapshot that was checked within the last minute, and check again after it', async () => {
    const world = await listedWorld();
    let reads = 0;
    const instance = world.instance({
      snapshots: altered(world.snapshots, {
        current: async () => {
          reads++;
          return world.snapshots.current();
        },
      }),
    });
    await instance.deliver(world.send({}));
    await instance.deliver(world.send({}));
    assert.equal(reads, 1);
    world.now += 61 * SECOND;
    await instance.deliver(world.send({}));
    assert.equal(reads, 2);
  });
});

describe('an append with an unknown outcome', () => {
  it('that was done counts once', async () => {
    const world = await listedWorld();
    let failures = 0;
    const instance = world.instance({
      log: altered(world.log, {
        append: async (...args) => {
          const result = await world.log.append(...args);
          if (failures++ === 0) throw new Error('the answer was lost');
          return result;
        },
      }),
    });
    await instance.deliver(fleet(world));
    assert.equal((await world.rows()).length, 9);
    await world.fold();
    assert.equal((await world.shown())[0], 'cam-0 192.0.2.10 high 3/5 9/63');
  });

  it('that was not done is done again', async () => {
    const world = await listedWorld();
    let calls = 0;
    const instance = world.instance({
      log: altered(world.log, {
        append: async (...args) => {
          if (calls++ < 3) throw new Error('refused');
          return world.log.append(...args);
        },
      }),
    });
    await instance.deliver(fleet(world));
    assert.equal((await world.rows()).length, 9);
  });

  it('that is done long after its sender gave up changes nothing', async () => {
    const world = await listedWorld();
    const late: (() => Promise<unknown>)[] = [];
    const slow = world.instance({
      log: altered(world.log, {
        append: async (...args) => {
          late.push(() => world.log.append(...args));
          throw new Error('timeout');
        },
      }),
    });
    const events = fleet(world);
    await assert.rejects(slow.deliver(events), { code: 'COMMIT_INTERRUPTED' });
    await world.instance().deliver(events);
    for (const append of late) assert.equal(await append(), 'conflict');
    assert.equal((await world.rows()).length, 9);
  });

  it('gives up within the time of an attempt while storage stays down, and loses nothing', async () => {
    const world = await listedWorld();
    let down = true;
    const instance = world.instance({
      log: altered(world.log, {
        append: async (...args) => {
          world.now += 30 * SECOND;
          if (down) throw new Error('503');
          return world.log.append(...args);
        },
      }),
    });
    const events = fleet(world);
    const from = world.now;
    await assert.rejects(instance.deliver(events), (error: Error) => {
      assert.match(error.message, /longer than 120000 ms/);
      assert.match((error.cause as Error).message, /503/);
      return true;
    });
    assert.ok(world.now - from <= 150 * SECOND);
    down = false;
    await instance.deliver(events);
    assert.equal((await world.rows()).length, 9);
  });
});

describe('a gap before a batch', () => {
  it('is read from the stream and committed first: the host had skipped a batch', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const instance = world.instance();
    await instance.deliver(events.slice(0, 2));
    await instance.deliver(events.slice(5, 7));
    await instance.deliver(events.slice(7));
    assert.deepEqual(
      await world.rows(),
      events.map((_, i) => `0/${i}`),
    );
    assert.deepEqual(await world.gaps(), []);
  });

  it('that retention destroyed stands in the next header and raises TW_StreamGap', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const instance = world.instance();
    await instance.deliver(events.slice(0, 2));
    world.stream.deleteBefore('0', 4);
    await instance.deliver(events.slice(6));
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/4', '0/5', '0/6', '0/7', '0/8']);
    assert.deepEqual((await world.dataHeaders())[1]!.lost, { from: 2, to: 3 });
    assert.deepEqual(await world.gaps(), [
      { range: '0/2-3', provisional: false, status: 'active' },
    ]);
  });

  it('is raised by the fold when ingest died right after the append', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const dying = world.instance({
      alerts: altered(world.alerts, {
        read: async () => {
          throw new Error('the process is gone');
        },
      }),
    });
    await world.instance().deliver(events.slice(0, 2));
    world.stream.deleteBefore('0', 4);
    await assert.rejects(dying.deliver(events.slice(4)), /the process is gone/);
    assert.deepEqual(await world.gaps(), []);
    await world.fold();
    await world.fold();
    assert.deepEqual(await world.gaps(), [
      { range: '0/2-3', provisional: false, status: 'active' },
    ]);
    assert.ok((await world.shown()).length > 0, 'the fold opens the alerts too');
  });

  it('is not called lost on the word of a reading that ended early', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const instance = world.instance({ stream: altered(world.stream, { read: async () => [] }) });
    await instance.deliver(events.slice(0, 2));
    await assert.rejects(instance.deliver(events.slice(5)), { code: 'STREAM_INCOMPLETE' });
    assert.equal((await world.rows()).length, 2);
    await world.instance().deliver(events.slice(5));
    assert.equal((await world.rows()).length, 9);
  });

  it('that the stream never held is lost too: a reading goes on behind the hole', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    const holed = altered(world.stream, {
      read: async (...args) =>
        (await world.stream.read(...args)).filter(({ sequenceNumber: n }) => n < 3 || n > 4),
    });
    const instance = world.instance({ stream: holed });
    await instance.deliver(events.slice(0, 2));
    await instance.deliver(events.slice(6));
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/2', '0/5', '0/6', '0/7', '0/8']);
    const gap = { range: '0/3-4', provisional: false, status: 'active' };
    assert.deepEqual(await world.gaps(), [gap]);
  });

  it('of large bodies is cut to size too', async () => {
    const world = await listedWorld();
    const body = new Uint8Array(256 * 1024).fill(7);
    const large = Array.from({ length: 70 }, (_, i) => ({ body: body.with(0, i) }));
    const events = world.send({}, ...large, {});
    await world.instance().deliver(events.slice(0, 1));
    await world.instance().deliver(events.slice(-1));
    assert.equal((await world.rows()).length, 72);
    assert.deepEqual(
      (await world.dataHeaders()).map((header) => header.toSequence),
      [0, 32, 64, 71],
    );
  });

  it('longer than one reading is committed in several blocks', async () => {
    const world = await listedWorld();
    const events = world.send(...Array.from({ length: 2600 }, () => ({ connections: [] })));
    await world.instance().deliver(events.slice(0, 1));
    await world.instance().deliver(events.slice(-1));
    assert.equal((await world.rows()).length, 2600);
    assert.deepEqual(
      (await world.dataHeaders()).map((header) => header.toSequence),
      [0, 1000, 1999, 2599].map((to, i) => (i === 1 ? 999 : i === 2 ? 1998 : to)),
    );
  });

  it('is none at the start of a log: the stream’s first available event is the beginning', async () => {
    const world = await listedWorld();
    const events = fleet(world);
    world.stream.deleteBefore('0', 3);
    await world.instance().deliver(events.slice(5));
    assert.deepEqual(await world.rows(), ['0/3', '0/4', '0/5', '0/6', '0/7', '0/8']);
    assert.deepEqual(await world.gaps(), []);
  });
});

describe('a stream that was created anew', () => {
  it('begins an epoch: numbers fall while the time rises', async () => {
    const world = await listedWorld();
    const instance = world.instance();
    await instance.deliver(fleet(world));
    world.stream.recreate();
    await instance.deliver(world.send({}, {}));
    await instance.deliver(world.send({}));
    assert.deepEqual((await world.rows()).slice(9), ['1/0', '1/1', '1/2']);
    const [, header] = await world.dataHeaders();
    assert.equal(header!.epochStart, header!.firstEnqueuedTime);
  });

  it('is seen within one batch', async () => {
    const world = await listedWorld();
    const before = world.send({}, {}, {});
    world.stream.recreate();
    const after = world.send({}, {});
    await world.instance().deliver([...before, ...after]);
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '0/2', '1/0', '1/1']);
  });

  it('has its own beginning filled in', async () => {
    const world = await listedWorld();
    const instance = world.instance();
    await instance.deliver(fleet(world));
    world.stream.recreate();
    const after = world.send({}, {}, {}, {});
    await instance.deliver(after.slice(2));
    assert.deepEqual((await world.rows()).slice(9), ['1/0', '1/1', '1/2', '1/3']);
  });

  it('is told from a gap when its numbers have passed the old ones', async () => {
    const world = await listedWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}, {}));
    world.stream.recreate();
    const after = world.send({}, {}, {}, {}, {});
    await instance.deliver(after.slice(3));
    assert.deepEqual((await world.rows()).slice(2), ['1/0', '1/1', '1/2', '1/3', '1/4']);
    assert.deepEqual(await world.gaps(), []);
  });

  it('leaves leftovers of the stream before behind: dropped, never a gap', async () => {
    const world = await listedWorld();
    const old = fleet(world);
    const instance = world.instance();
    await instance.deliver(old.slice(0, 2));
    world.stream.recreate();
    await instance.deliver(world.send({}));
    await instance.deliver(old.slice(6));
    await world.instance().deliver(old);
    assert.deepEqual(await world.rows(), ['0/0', '0/1', '1/0']);
    assert.deepEqual(await world.gaps(), []);
  });
});

describe('the files of a log', () => {
  it('begin with a fixed name and roll with the hour of Event Hubs time', async () => {
    const world = await listedWorld();
    const instance = world.instance();
    await instance.deliver(world.send({}));
    await instance.deliver(world.send({}));
    await instance.deliver(world.send({ at: START + 60 * MINUTE }));
    await instance.deliver(world.send({ at: START + 61 * MINUTE }));
    const names = (await world.log.files({ stream: 'test~devices', partition: '0' })).map(
      (f) => f.name,
    );
    assert.deepEqual(names, ['00000000T00-000000.log', '20260822T12-000000.log']);
    const headers = await world.headers();
    assert.deepEqual(
      headers.map((header) =>
        header.kind === 'close' ? `close ${header.next}` : `${header.hour} ${header.index}`,
      ),
      [
        '20260822T11 0',
        '20260822T11 1',
        'close 20260822T12-000000.log',
        '20260822T12 0',
        '20260822T12 1',
      ],
    );
  });

  it('end with their number of blocks, and every reader finds the next one', async () => {
    const world = await listedWorld({ maxFileBlocks: 2 });
    const instance = world.instance();
    const events = fleet(world);
    for (const event of events.slice(0, 5)) await instance.deliver([event]);
    for (const event of events.slice(5)) await world.instance().deliver([event]);
    assert.equal((await world.rows()).length, 9);
    const files = await world.log.files({ stream: 'test~devices', partition: '0' });
    assert.deepEqual(
      files.map((file) => file.name),
      ['00000000T00-000000.log', ...[0, 1, 2, 3].map((n) => `20260822T11-00000${n}.log`)],
    );
    await world.fold();
    assert.equal((await world.shown())[0], 'cam-0 192.0.2.10 high 3/5 9/63');
  });

  it('go on where a writer died between closing a file and creating the next', async () => {
    for (const dies of ['create', 'append'] as const) {
      const world = await listedWorld({ maxFileBlocks: 1 });
      const events = fleet(world);
      await world.instance().deliver(events.slice(0, 1));
      let calls = 0;
      const dying = world.instance({
        log: altered(world.log, {
          [dies]: async (...args: never[]) => {
            // The closing block is appended, then the process ends: before the create, or before the next append.
            if (dies === 'create' || calls++ >= 1) throw new Error('gone');
            return (world.log[dies] as (...a: never[]) => Promise<unknown>)(...args);
          },
        }),
      });
      await assert.rejects(dying.deliver(events.slice(1, 2)));
      await world.instance().deliver(events.slice(1));
      assert.equal((await world.rows()).length, 9, dies);
    }
  });

  it('are not rolled past a writer that was faster', async () => {
    const world = await listedWorld({ maxFileBlocks: 2 });
    const events = fleet(world);
    const [a, b] = [world.instance({}, 'a'), world.instance({}, 'b')];
    await a.deliver(events.slice(0, 1));
    await a.deliver(events.slice(1, 2)); // a knows a full file
    await b.deliver(events.slice(2, 4)); // b rolls it
    await a.deliver(events.slice(2)); // a tries to close it again
    assert.deepEqual(
      await world.rows(),
      events.map((_, i) => `0/${i}`),
    );
    const closes = (await world.headers()).filter((header) => header.kind === 'close');
    assert.equal(closes.length, 1);
  });
});

describe('alerts while their store is down', () => {
  it('fail the batch after its commit; the next attempt has nothing left to do and the fold opens them', async () => {
    const world = await listedWorld();
    const refused = altered(world.alerts, {
      create: async () => {
        throw new Error('429');
      },
    });
    const instance = world.instance({ alerts: refused });
    const events = fleet(world);
    await assert.rejects(instance.deliver(events), /429/);
    assert.equal((await instance.deliver(events)).blocks, 0);
    assert.deepEqual(await world.allAlerts(), []);
    await world.fold();
    assert.equal((await world.shown()).length, 3);
  });

  it('ask the store once for a device and address that go on', async () => {
    const world = await listedWorld();
    let reads = 0;
    const instance = world.instance({
      alerts: altered(world.alerts, {
        read: async (...args) => {
          reads++;
          return world.alerts.read(...args);
        },
      }),
    });
    for (let i = 0; i < 20; i++) await instance.deliver(world.send({}));
    assert.equal(reads, 1);
  });
});
