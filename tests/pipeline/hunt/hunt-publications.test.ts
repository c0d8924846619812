import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { shownTally } from '../../../shared/domain/alert/alert.ts';
import { NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';
import type { IndicatorDetail } from '../../../shared/domain/indicator/indicator.ts';
import { earlierThanNext } from '../../../shared/domain/indicator/publication.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';
import { writeAllowlist } from '../../../shared/format/allowlist.ts';
import { alertRecord } from '../../../shared/pipeline/alert-record.ts';
import { SnapshotLostError } from '../../../shared/ports/indicator-snapshots.ts';
import { snapshotsInHunts } from '../../../shared/pipeline/hunt/hunt-publications.ts';
import { LogFileGoneError } from '../../../shared/ports/activity-log.ts';
import { IngestWorld, MINUTE, SECOND, START, STREAM, altered } from '../../support/ingest-world.ts';

const OLD = '192.0.2.10';
const NEW = '198.51.100.7';
const both = (remote: string) => ({ remote, bytesIn: 10, bytesOut: 20 });

/** `OLD` listed from the start; messages to `NEW`, to both, and to neither. */
async function worldWithPast(): Promise<IngestWorld> {
  const world = new IngestWorld({ maxFileBlocks: 2, snapshotFreshMs: 10 * SECOND });
  await world.list(OLD);
  const instance = world.instance();
  const messages = [
    { connections: [both(NEW)] },
    { connections: [both(OLD), both(NEW), both(NEW)] },
    { connections: [both('203.0.113.1')] },
    { device: 'cam-2', connections: [both(NEW)] },
    { connections: [both(OLD)] },
  ];
  for (const event of world.send(...messages)) await instance.deliver([event]);
  await world.fold();
  return world;
}

const BEFORE = ['cam-1 192.0.2.10 high 2/2 20/40'];
const AFTER = [
  'cam-1 192.0.2.10 high 2/2 20/40',
  'cam-1 198.51.100.7 high 2/3 30/60',
  'cam-2 198.51.100.7 high 1/1 10/20',
];

const listing = (address: string, detail: Partial<IndicatorDetail> | null = null, name = 'feed') =>
  ({
    name,
    kind: 'threat',
    indicators: [
      { prefix: parsePrefix(address)!, detail: detail && { ...NO_DETAIL, ...detail } },
      { prefix: parsePrefix(OLD)!, detail: null },
    ],
  }) as const;

describe('hunting for what a publication brought', () => {
  it('finds it in the past, with the identity of a live match', async () => {
    const world = await worldWithPast();
    assert.deepEqual(await world.shown(), BEFORE);
    await world.list(OLD, NEW);
    const summary = await world.hunt();
    assert.deepEqual(await world.shown(), AFTER);
    assert.deepEqual([summary?.alerts, summary?.sightings], [2, 3]);
    const alerts = (await world.allAlerts()).map(alertRecord);
    const hunted = alerts.find(({ deviceId }) => deviceId === 'cam-2');
    assert.equal(hunted!['foundBy'], 'hunt');
    assert.equal(hunted!['firstSeen'], formatInstant(START + 2 * SECOND));
    // The live match of the same device and address is the same alert.
    world.now += MINUTE;
    await world.instance().deliver(world.send({ device: 'cam-2', connections: [both(NEW)] }));
    await world.fold();
    const after = (await world.allAlerts()).find(({ id }) => id === hunted!['id'])!;
    assert.equal(alertRecord(after)['foundBy'], 'live');
    assert.equal(shownTally(after)!.totals.messages, 2);
  });

  it('gives the same however often it runs, and two at once', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    await Promise.all([world.hunt(), world.hunt(), world.hunt()]);
    await world.hunt();
    world.now += 20 * MINUTE;
    await world.hunt();
    assert.deepEqual(await world.shown(), AFTER);
  });

  it('goes on with what an instance with the older snapshot still appends, and ends when that is over', async () => {
    const world = await worldWithPast();
    const lagging = world.instance();
    await lagging.deliver(world.send({ device: 'cam-3', connections: [both(NEW)] }));
    await world.list(OLD, NEW);
    assert.equal((await world.hunt())?.waiting, 2);
    await lagging.deliver(world.send({ device: 'cam-4', connections: [both(NEW)] }));
    await world.hunt();
    const devices = async () => (await world.shown()).filter((line) => line.includes(NEW));
    assert.equal((await devices()).length, 4);
    world.now += 14 * MINUTE;
    assert.equal((await world.hunt())?.waiting, 2);
    world.now += MINUTE;
    assert.equal((await world.hunt())?.waiting, 0);
    assert.deepEqual((await world.checkpoints.read('hunts/publications'))?.value, {
      done: 2,
      hunts: {},
    });
    assert.deepEqual([(await world.hunt())?.hunts, (await devices()).length], [0, 4]);
  });

  it('reads no snapshot again where nothing was appended since', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    await world.hunt();
    const reads: string[] = [];
    const snapshots = altered(world.snapshots, {
      read: async (id: string) => {
        reads.push(id);
        return world.snapshots.read(id);
      },
    });
    const services = world.huntServices();
    const quiet = await world.hunt({ snapshots, intelligence: services.intelligence });
    assert.deepEqual([reads, quiet?.waiting], [[], 2]);
    await world.instance().deliver(world.send({ device: 'cam-3', connections: [both(NEW)] }));
    await world.hunt({ snapshots });
    assert.ok(reads.length > 0);
  });

  it('reads no further behind the first block that was matched with the new snapshot', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    world.now += MINUTE;
    await world.instance().deliver(world.send({ connections: [both(NEW)] }));
    const first = await world.hunt();
    assert.equal(first?.blocks, 5);
    const again = await world.hunt();
    assert.deepEqual([again?.bytesRead, again?.hunts, again?.waiting], [0, 0, 2]);
    await world.fold();
    assert.equal((await world.shown())[1], 'cam-1 198.51.100.7 high 3/4 40/80');
  });

  it('hunts for every publication, in the past of each', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    await world.list(OLD); // gone again before anybody hunted
    await world.list(OLD, '203.0.113.1');
    await world.hunt();
    assert.deepEqual(await world.shown(), [
      ...AFTER.slice(0, 2),
      'cam-1 203.0.113.1 high 1/1 10/20',
      AFTER[2],
    ]);
  });

  it('hunts for everything that the first publication lists', async () => {
    const world = new IngestWorld();
    await world.instance().deliver(world.send({ connections: [both(NEW)] }));
    assert.deepEqual(await world.hunt(), {
      blocks: 0,
      blocksSkipped: 0,
      filesSkipped: 0,
      bytesRead: 0,
      hunts: 0,
      sightings: 0,
      alerts: 0,
      lost: 0,
      waiting: 0,
      requestsFinished: 0,
    });
    await world.list(NEW);
    await world.hunt();
    assert.deepEqual(await world.shown(), ['cam-1 198.51.100.7 high 1/1 10/20']);
  });

  it('hunts for nothing where nothing is new', async () => {
    const world = await worldWithPast();
    await world.publish(listing(NEW));
    await world.hunt();
    world.now += 20 * MINUTE;
    await world.hunt();
    // Known since another time, without `NEW`, and with another allowlist: no new indicator in any of them.
    await world.publish(listing(NEW, { listedSince: formatInstant(START) }));
    await world.list(OLD);
    const { pointer, version } = (await world.snapshots.current())!;
    const next = { ...pointer, ordinal: pointer.ordinal + 1, earlier: earlierThanNext(pointer) };
    await world.snapshots.point(next, version);
    const summary = await world.hunt();
    assert.deepEqual([summary?.hunts, summary?.bytesRead, summary?.waiting], [0, 0, 0]);
  });

  it('judges validity and constraints at the time and by the facts of each message', async () => {
    const valid = (validFrom: number, validUntil: number) => ({
      validFrom: formatInstant(validFrom),
      validUntil: formatInstant(validUntil),
    });
    const constraint = { ports: [80], direction: null, protocol: null };
    for (const [detail, found] of [
      [valid(START - MINUTE, START), 1], // the first message alone
      [valid(START, START + MINUTE), 2],
      [valid(START + MINUTE, START + 2 * MINUTE), 0],
      [{ constraint: { ...constraint, ports: [443] } }, 3],
      [{ constraint }, 0],
    ] as const) {
      const world = await worldWithPast();
      await world.publish(listing(NEW, detail));
      assert.equal((await world.hunt())?.sightings, found, JSON.stringify(detail));
    }
  });

  it('is exact whatever feed named an address first, and with which validity', async () => {
    const valid = (time: number) => ({ validFrom: formatInstant(time) });
    const plain = listing(NEW, null, 'plain');
    const recent = listing(NEW, valid(START + 2 * SECOND), 'recent');
    for (const publications of [
      [[recent], [recent, plain]],
      [[plain], [recent, plain]],
      [[recent, plain]],
      [[recent], [plain]],
    ] as const) {
      for (const huntsBetween of [true, false]) {
        const world = await worldWithPast();
        for (const feeds of publications) {
          await world.publish(...feeds);
          if (huntsBetween) await world.hunt();
        }
        await world.hunt();
        assert.deepEqual(
          (await world.shown()).map((line) => line.replace(/ high/, '')),
          AFTER.map((line) => line.replace(/ high/, '')),
        );
        const feeds = new Set(publications.flat().map(({ name }) => name));
        const hunted = (await world.allAlerts()).find(({ deviceId }) => deviceId === 'cam-2')!;
        const named = new Set(shownTally(hunted)!.indicators.map(({ feed }) => feed));
        assert.deepEqual(named, feeds);
      }
    }
  });

  it('goes on where retention took the files that it was reading, or had read', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    const partition = { stream: STREAM, partition: '0' };
    const [oldest] = await world.log.files(partition);
    const gone = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        if (args[1] === oldest!.name) throw new LogFileGoneError('gone');
        return world.log.read(...args);
      },
    });
    await world.hunt({ log: gone });
    assert.deepEqual((await world.shown()).slice(1), ['cam-2 198.51.100.7 high 1/1 10/20']);
    const without = altered(world.log, {
      files: async (...args: Parameters<typeof world.log.files>) =>
        (await world.log.files(...args)).slice(1),
    });
    await world.instance().deliver(world.send({ device: 'cam-7', connections: [both(NEW)] }));
    await world.hunt({ log: without });
    assert.equal((await world.hunt({ log: without }))?.waiting, 2);
  });

  it('finds what stands before damage, and looks at that once an hour', async () => {
    const world = await worldWithPast();
    const partition = { stream: STREAM, partition: '0' };
    const last = (await world.log.files(partition)).at(-1)!;
    const whole = await world.log.read(partition, last.name, 0, last.sizeBytes);
    await world.log.append(partition, last.name, last.sizeBytes, new Uint8Array(100));
    await world.list(OLD, NEW);
    await assert.rejects(world.hunt(), { code: 'LOG_DAMAGED' });
    assert.deepEqual(await world.shown(), AFTER);
    const reads: string[] = [];
    const watched = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        reads.push(args[1]);
        return world.log.read(...args);
      },
    });
    world.now += 20 * MINUTE;
    const quiet = await world.hunt({ log: watched });
    assert.deepEqual([reads, quiet?.waiting], [[], 1]);
    world.now += 60 * MINUTE;
    await assert.rejects(world.hunt(), { code: 'LOG_DAMAGED' });
    // Somebody restores the file.
    const restored = altered(world.log, {
      files: async (...args: Parameters<typeof world.log.files>) =>
        (await world.log.files(...args)).map((file) =>
          file.name === last.name ? { ...file, sizeBytes: whole.length } : file,
        ),
    });
    world.now += 61 * MINUTE;
    assert.equal((await world.hunt({ log: restored }))?.waiting, 0);
    assert.deepEqual(await world.shown(), AFTER);
  });

  it('saves its progress at least every 256 blocks', async () => {
    const world = new IngestWorld({ maxFileBlocks: 1000 });
    await world.list(OLD);
    const instance = world.instance();
    const messages = Array.from({ length: 600 }, () => ({ connections: [both(NEW)] }));
    for (const event of world.send(...messages)) await instance.deliver([event]);
    await world.list(OLD, NEW);
    let saves = 0;
    const checkpoints = altered(world.checkpoints, {
      write: async (...args: Parameters<typeof world.checkpoints.write>) => {
        saves++;
        return world.checkpoints.write(...args);
      },
    });
    const summary = await world.hunt({ checkpoints });
    assert.equal(summary?.blocks, 600);
    assert.ok(saves >= 3, `${saves} saves`);
    assert.deepEqual(await world.shown(), ['cam-1 198.51.100.7 high 600/600 6000/12000']);
  });

  it('reads nothing again of a log that ends before it looks', async () => {
    const world = await worldWithPast();
    world.now += 60 * MINUTE;
    await world.list(OLD, NEW);
    const first = await world.hunt({ lookbackMs: MINUTE });
    assert.ok(first!.bytesRead > 0);
    const again = await world.hunt({ lookbackMs: MINUTE });
    assert.deepEqual([again?.bytesRead, again?.hunts], [0, 0]);
    assert.deepEqual(await world.shown(), BEFORE);
  });

  it('raises nothing for what the operator vouches for by now', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    const entry = { prefix: parsePrefix('198.51.100.0/24')!, reason: 'ours', expiresAt: null };
    const allowlistId = await world.snapshots.storeAllowlist(
      writeAllowlist([{ ...entry, addedAt: START }]),
    );
    const { pointer, version } = (await world.snapshots.current())!;
    const earlier = earlierThanNext(pointer);
    const next = { ...pointer, ordinal: pointer.ordinal + 1, allowlistId, earlier };
    await world.snapshots.point(next, version);
    await world.hunt();
    assert.deepEqual(await world.shown(), BEFORE);
  });

  it('looks no further back than it is told, counted from the publication', async () => {
    const world = await worldWithPast();
    world.now += 60 * MINUTE;
    await world.instance().deliver(world.send({ device: 'cam-9', connections: [both(NEW)] }));
    world.now += 60 * MINUTE;
    await world.list(OLD, NEW);
    await world.hunt({ lookbackMs: 61 * MINUTE });
    const hunted = (await world.shown()).filter((line) => line.includes(NEW));
    assert.deepEqual(hunted, ['cam-9 198.51.100.7 high 1/1 10/20']);
  });

  it('finds networks, and both families', async () => {
    const world = new IngestWorld();
    await world.list('203.0.113.1');
    const remotes = ['198.51.100.7', '2001:db8::7', '::ffff:198.51.100.9', '2001:db9::1'];
    const [v4, ...v6] = remotes.map(both);
    await world.instance().deliver(world.send({ connections: [v4!] }, { connections: v6 }));
    await world.list('203.0.113.1', '198.51.100.0/24', '2001:db8::/32');
    await world.hunt();
    assert.deepEqual(await world.shown(), [
      'cam-1 198.51.100.7 high 1/1 10/20',
      'cam-1 198.51.100.9 high 1/1 10/20',
      'cam-1 2001:db8::7 high 1/1 10/20',
    ]);
  });

  it('counts no repeat, and nothing that is no security message', async () => {
    const world = await worldWithPast();
    const [event] = world.send({ device: 'cam-5', connections: [both(NEW)] });
    await world.instance().deliver([event!]);
    const body = event!.body;
    await world
      .instance()
      .deliver(world.send({ device: 'cam-5', body }, { device: 'cam-6', body, properties: {} }));
    await world.list(OLD, NEW);
    await world.hunt();
    const hunted = (await world.shown()).filter((line) => line.includes(NEW));
    assert.deepEqual(hunted.slice(2), ['cam-5 198.51.100.7 high 1/1 10/20']);
  });

  it('names the snapshots that hunts still need', async () => {
    const world = await worldWithPast();
    const needed = async () =>
      snapshotsInHunts((await world.snapshots.current())!.pointer, world.checkpoints);
    await world.list(OLD, NEW);
    const { pointer } = (await world.snapshots.current())!;
    assert.deepEqual(await needed(), new Set([pointer.earlier[0]!.id, pointer.id]));
    world.now += 20 * MINUTE;
    await world.hunt();
    assert.deepEqual(await needed(), new Set([pointer.id]));
  });

  it('hunts for everything where what stood before is forgotten', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    const { pointer, version } = (await world.snapshots.current())!;
    await world.snapshots.point({ ...pointer, earlier: [] }, version);
    await world.hunt();
    assert.deepEqual(await world.shown(), AFTER);
  });

  it('hunts for the others where the snapshot of one is lost, and counts it', async () => {
    const world = await worldWithPast();
    await world.list(OLD, '203.0.113.1');
    const lost = (await world.snapshots.current())!.pointer.id;
    await world.list(OLD, NEW);
    const snapshots = altered(world.snapshots, {
      read: async (id: string) => {
        if (id === lost) throw new SnapshotLostError(`${id} is gone`);
        return world.snapshots.read(id);
      },
    });
    await world.list(OLD, NEW, '203.0.113.2');
    assert.equal((await world.hunt({ snapshots }))?.lost, 1);
    // What cannot be compared any more is hunted whole.
    assert.deepEqual(await world.shown(), AFTER);
  });
});

describe('a hunt that is stopped', () => {
  it('goes on where it was, and adds no row twice, at whatever call it dies', async () => {
    const calls = new Map<string, number>();
    const dying = <P extends object>(
      port: P,
      die: (call: number) => 'before' | 'after' | null,
    ): P =>
      new Proxy(port, {
        get(target, property) {
          const member: unknown = Reflect.get(target, property);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]) => {
            const number = (calls.get('all') ?? 0) + 1;
            calls.set('all', number);
            const when = die(number);
            if (when === 'before') throw new Error('killed');
            const result: unknown = await member.apply(target, args);
            if (when === 'after') throw new Error('killed');
            return result;
          };
        },
      });
    for (const when of ['before', 'after'] as const) {
      for (let fatal = 1, alive = false; !alive; fatal++) {
        calls.clear();
        const world = await worldWithPast();
        await world.list(OLD, NEW);
        const die = (call: number) => (call === fatal ? when : null);
        const run = world.hunt({
          log: dying(world.log, die),
          alerts: dying(world.alerts, die),
          checkpoints: dying(world.checkpoints, die),
          snapshots: dying(world.snapshots, die),
        });
        alive = await run.then(
          () => true,
          (error: Error) => (assert.equal(error.message, 'killed'), false),
        );
        await world.hunt();
        assert.deepEqual(await world.shown(), AFTER, `${when} call ${fatal}`);
        if (fatal > 200) assert.fail('the hunt makes too many calls');
      }
    }
  });

  it('ends a run when its time is up, and says what is left', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    // Each look at the log takes a minute.
    const log = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        world.now += MINUTE;
        return world.log.read(...args);
      },
    });
    const summary = await world.hunt({ log });
    assert.ok(summary!.blocks > 0 && summary!.blocks < 5, JSON.stringify(summary));
    assert.equal(summary?.waiting, 2);
    for (let run = 0; run < 5; run++) await world.hunt({ log });
    assert.deepEqual(await world.shown(), AFTER);
  });

  it('leaves the field to another that hunts', async () => {
    const world = await worldWithPast();
    await world.list(OLD, NEW);
    const checkpoints = altered(world.checkpoints, { write: async () => null });
    assert.equal(await world.hunt({ checkpoints }), null);
  });
});
