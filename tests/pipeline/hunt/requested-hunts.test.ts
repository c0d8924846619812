import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatInstant } from '../../../shared/domain/time/instant.ts';
import { RequestError } from '../../../shared/format/http-problem.ts';
import {
  type HuntRecord,
  listHunts,
  requestHunt,
  showHunt,
} from '../../../shared/pipeline/hunt/requested-hunts.ts';
import { CurrentSnapshot } from '../../../shared/pipeline/ingest/current-snapshot.ts';
import { LogDamagedError } from '../../../shared/pipeline/log/read-log.ts';
import { IngestWorld, MINUTE, SECOND, START, STREAM, altered } from '../../support/ingest-world.ts';

const LISTED = '192.0.2.10';
const OTHER = '198.51.100.7';
const both = (remote: string) => ({ remote, bytesIn: 10, bytesOut: 20 });

async function worldWithPast(): Promise<IngestWorld> {
  const world = new IngestWorld({ maxFileBlocks: 2 });
  await world.list(LISTED);
  const instance = world.instance();
  const messages = [
    { connections: [both(OTHER), both(OTHER)] },
    { device: 'cam-2', connections: [both('198.51.100.8'), both(LISTED)] },
    { connections: [both(OTHER)] },
    { connections: [both('203.0.113.1')] },
  ];
  for (const event of world.send(...messages)) await instance.deliver([event]);
  await world.fold();
  return world;
}

async function hunted(world: IngestWorld, body: unknown): Promise<HuntRecord> {
  const services = world.huntServices();
  const { id } = await requestHunt(services, body);
  await world.hunt().catch((error: unknown) => {
    if (!(error instanceof LogDamagedError)) throw error;
  });
  return showHunt(services, id);
}

const shown = ({ contacts }: HuntRecord) =>
  contacts.map(
    ({ deviceId, address, messages, connections, bytesIn, alertId }) =>
      `${deviceId} ${address} ${messages}/${connections} ${bytesIn}${alertId === null ? '' : ' alert'}`,
  );

describe('a hunt that somebody asked for', () => {
  it('tells who talked to an address, listed or not', async () => {
    const world = await worldWithPast();
    const hunt = await hunted(world, { addresses: [OTHER, LISTED] });
    assert.equal(hunt.status, 'done');
    assert.deepEqual(shown(hunt), ['cam-1 198.51.100.7 2/3 30', 'cam-2 192.0.2.10 1/1 10 alert']);
    assert.equal(hunt.contacts[0]!.firstSeen, formatInstant(START - SECOND));
    assert.deepEqual([hunt.progress.partitions, hunt.progress.partitionsDone], [1, 1]);
    // What no feed lists makes no alert.
    assert.deepEqual(await world.shown(), ['cam-2 192.0.2.10 high 1/1 10/20']);
    const [alert] = await world.allAlerts();
    assert.equal(hunt.contacts[1]!.alertId, alert!.id);
  });

  it('makes alerts of what a feed in use lists, and counts none of it twice', async () => {
    const world = await worldWithPast();
    world.now += MINUTE;
    await world.list(LISTED, OTHER);
    const services = world.huntServices();
    // Asked for before the timer hunts for the publication: the same run does both.
    const { id } = await requestHunt(services, { addresses: [OTHER] });
    await world.hunt();
    const alerts = ['cam-1 198.51.100.7 high 2/3 30/60', 'cam-2 192.0.2.10 high 1/1 10/20'];
    assert.deepEqual(await world.shown(), alerts);
    assert.deepEqual(shown(await showHunt(services, id)), ['cam-1 198.51.100.7 2/3 30 alert']);
    await hunted(world, { addresses: ['198.51.100.0/24'] });
    assert.deepEqual(await world.shown(), alerts);
  });

  it('leaves to ingest what ingest judged by newer knowledge while the hunt ran', async () => {
    const world = new IngestWorld();
    await world.list(LISTED, OTHER);
    const services = world.huntServices();
    const { id } = await requestHunt(services, { addresses: [OTHER] });
    const before = await services.intelligence.refresh();
    world.now += MINUTE;
    await world.list(LISTED);
    await world.instance().deliver(world.send({ connections: [both(OTHER)] }));
    const intelligence = altered(services.intelligence, { refresh: async () => before });
    await world.hunt({ intelligence });
    assert.deepEqual(shown(await showHunt(services, id)), ['cam-1 198.51.100.7 1/1 10']);
    assert.deepEqual(await world.shown(), []);
  });

  it('that reached less far back leaves the rest to a later one', async () => {
    const world = await worldWithPast();
    world.now += MINUTE;
    await world.instance().deliver(world.send({ connections: [both(OTHER)] }));
    await world.list(LISTED, OTHER);
    const recent = await hunted(world, { addresses: [OTHER], since: 'PT10S' });
    assert.deepEqual(shown(recent), ['cam-1 198.51.100.7 1/1 10 alert']);
    await world.hunt();
    assert.deepEqual((await world.shown())[0], 'cam-1 198.51.100.7 high 3/4 40/80');
  });

  it('adds its contacts once though it is stopped after any write', async () => {
    for (let fatal = 1, alive = false; !alive; fatal++) {
      const world = await worldWithPast();
      const { id } = await requestHunt(world.huntServices(), { addresses: ['198.51.100.0/24'] });
      let writes = 0;
      const checkpoints = altered(world.checkpoints, {
        write: async (...args: Parameters<typeof world.checkpoints.write>) => {
          const version = await world.checkpoints.write(...args);
          if (++writes === fatal) throw new Error('killed');
          return version;
        },
      });
      alive = await world.hunt({ checkpoints }).then(
        () => true,
        () => false,
      );
      await world.hunt();
      const hunt = await showHunt(world.huntServices(), id);
      assert.deepEqual(shown(hunt), ['cam-1 198.51.100.7 2/3 30', 'cam-2 198.51.100.8 1/1 10']);
      assert.equal(hunt.status, 'done');
      assert.ok(fatal < 20);
    }
  });

  it('that fails stops neither another one nor the hunt for publications', async () => {
    const world = await worldWithPast();
    await world.list(LISTED, '203.0.113.1');
    const services = world.huntServices();
    const failing = await requestHunt(services, { addresses: [OTHER] });
    const { id } = await requestHunt(services, { addresses: [LISTED] });
    const checkpoints = altered(world.checkpoints, {
      write: async (...args: Parameters<typeof world.checkpoints.write>) => {
        if (args[0].endsWith(failing.id)) throw new Error('throttled');
        return world.checkpoints.write(...args);
      },
    });
    await assert.rejects(world.hunt({ checkpoints }), /throttled/);
    assert.equal((await showHunt(services, id)).status, 'done');
    assert.equal((await world.shown())[0], 'cam-1 203.0.113.1 high 1/1 10/20');
    await world.hunt();
    assert.equal((await showHunt(services, failing.id)).status, 'done');
  });

  it('judges by what is published by now', async () => {
    const world = await worldWithPast();
    const clock = { now: () => world.now };
    const intelligence = new CurrentSnapshot(world.snapshots, clock, 60 * MINUTE);
    await intelligence.refresh();
    await world.list(LISTED, OTHER);
    const services = world.huntServices({ intelligence });
    const { id } = await requestHunt(services, { addresses: [OTHER] });
    await world.hunt({ intelligence });
    assert.deepEqual(shown(await showHunt(services, id)), ['cam-1 198.51.100.7 2/3 30 alert']);
  });

  it('is listed once though the answer of its write was lost', async () => {
    const world = await worldWithPast();
    const checkpoints = altered(world.checkpoints, {
      write: async (...args: Parameters<typeof world.checkpoints.write>) => {
        const version = await world.checkpoints.write(...args);
        return args[0] === 'hunts/requests' ? null : version;
      },
    });
    const { id } = await requestHunt(world.huntServices({ checkpoints }), { addresses: [OTHER] });
    const hunts = await listHunts(world.huntServices());
    assert.deepEqual(
      hunts.map((one) => one.id),
      [id],
    );
  });

  it('tells what stands before the damage, and reads the rest to its end before it fails', async () => {
    const world = await worldWithPast();
    const partition = { stream: STREAM, partition: '0' };
    const last = (await world.log.files(partition)).at(-1)!;
    await world.log.append(partition, last.name, last.sizeBytes, new Uint8Array(100));
    const other = { stream: STREAM, partition: '1' };
    for (const file of await world.log.files(partition)) {
      const bytes = await world.log.read(partition, file.name, 0, file.sizeBytes);
      await world.log.create(other, file.name);
      await world.log.append(other, file.name, 0, file === last ? bytes.slice(0, 0) : bytes);
    }
    const services = world.huntServices();
    const { id } = await requestHunt(services, { addresses: [OTHER] });
    let reads = 0;
    const slow = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        if (args[0].partition === '1' && ++reads === 2) throw new Error('throttled');
        return world.log.read(...args);
      },
    });
    await assert.rejects(world.hunt({ log: slow }), /throttled/);
    assert.equal((await showHunt(services, id)).status, 'running');
    await world.hunt().catch(() => {});
    const hunt = await showHunt(services, id);
    assert.equal(hunt.status, 'failed');
    assert.deepEqual(shown(hunt), ['cam-1 198.51.100.7 4/6 60']);
  });

  it('is waiting, then running, then done; the latest is listed first', async () => {
    const world = await worldWithPast();
    const services = world.huntServices();
    const first = await requestHunt(services, { addresses: [OTHER] });
    const second = await requestHunt(services, { addresses: [LISTED], since: '2026-08-22' });
    assert.equal(first.status, 'waiting');
    assert.equal(second.since, '2026-08-22T00:00:00.000Z');
    const log = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        world.now += MINUTE;
        return world.log.read(...args);
      },
    });
    await world.hunt({ log });
    assert.equal((await showHunt(services, first.id)).status, 'running');
    await world.hunt();
    const hunts = await listHunts(services);
    assert.deepEqual(
      hunts.map(({ id, status }) => [id, status]),
      [second, first].map(({ id }) => [id, 'done']),
    );
    assert.ok(!('contacts' in hunts[0]!));
  });

  it('leaves out what it has no room for, and says how much', async () => {
    const world = new IngestWorld();
    const remotes = Array.from({ length: 1002 }, (_, i) => `198.51.${100 + (i >> 8)}.${i & 255}`);
    const messages = Array.from({ length: 21 }, (_, i) => ({
      connections: remotes.slice(50 * i, 50 * i + 50).map(both),
    }));
    await world.instance().deliver(world.send(...messages));
    await world.list(LISTED);
    const hunt = await hunted(world, { addresses: ['198.51.0.0/16'] });
    assert.deepEqual([hunt.contacts.length, hunt.connectionsLeftOut], [1000, 2]);
  });

  it('is refused for what it cannot look for, with the place of each fault', async () => {
    const services = (await worldWithPast()).huntServices();
    for (const [body, details] of [
      [null, /addresses/],
      [{ addresses: [] }, /at least one/],
      [{ addresses: [OTHER], until: 'now' }, /until/],
      [{ addresses: [OTHER, 'router'] }, /addresses\.1: "router" is neither/],
      [{ addresses: ['10.0.0.0/7'] }, /addresses\.0: 10\.0\.0\.0\/7 is broader/],
      [{ addresses: Array.from({ length: 250_001 }, () => OTHER) }, /at most 250000/],
      [{ addresses: [OTHER], since: 'yesterday' }, /since: an ISO 8601 time/],
      [{ addresses: [OTHER], since: '2126-01-01' }, /since: 2126-01-01.* is still to come/],
    ] as const) {
      await assert.rejects(
        requestHunt(services, body),
        (error) => error instanceof RequestError && details.test(error.details.join('; ')),
        JSON.stringify(body)?.slice(0, 80),
      );
    }
    assert.deepEqual(await listHunts(services), []);
  });

  it('is not found by a name that is none', async () => {
    const services = (await worldWithPast()).huntServices();
    for (const id of ['', '../publications', 'x'.repeat(500)]) {
      await assert.rejects(showHunt(services, id), { code: 'UnknownHunt' });
    }
  });

  it('is forgotten when it is done and a hundred others came after it, and never before', async () => {
    const world = await worldWithPast();
    const services = world.huntServices();
    const { id } = await hunted(world, { addresses: [OTHER] });
    const second = await requestHunt(services, { addresses: [OTHER] });
    for (let i = 0; i < 98; i++) await requestHunt(services, { addresses: [OTHER] });
    assert.equal((await showHunt(services, id)).status, 'done');
    await requestHunt(services, { addresses: [OTHER] });
    await assert.rejects(showHunt(services, id), { code: 'UnknownHunt' });
    for (const name of [id, `${id}/networks`]) {
      assert.equal(await world.checkpoints.read(`hunts/requests/${name}`), null);
    }
    await assert.rejects(requestHunt(services, { addresses: [OTHER] }), { code: 'TooManyHunts' });
    assert.equal((await showHunt(services, second.id)).status, 'waiting');
    assert.equal((await listHunts(services)).length, 20);
    await world.hunt();
    await requestHunt(services, { addresses: [OTHER] });
  });

  it('costs nothing when it is done', async () => {
    const world = await worldWithPast();
    for (let i = 0; i < 5; i++) await hunted(world, { addresses: [OTHER] });
    const reads: string[] = [];
    const checkpoints = altered(world.checkpoints, {
      read: async (name: string) => {
        reads.push(name);
        return world.checkpoints.read(name);
      },
    });
    await world.hunt({ checkpoints });
    assert.deepEqual(reads, ['hunts/requests', 'hunts/publications']);
  });

  it('looks for as many networks as real lists have', async () => {
    const world = await worldWithPast();
    const addresses = Array.from(
      { length: 120_000 },
      (_, i) => `45.${66 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
    );
    const hunt = await hunted(world, { addresses: [...addresses, OTHER] });
    assert.equal(hunt.networks, 120_001);
    assert.deepEqual(shown(hunt), ['cam-1 198.51.100.7 2/3 30']);
  });

  it('that spans two runs leaves what only the later one knew to the hunt for its publication', async () => {
    const world = await worldWithPast();
    const services = world.huntServices();
    await requestHunt(services, { addresses: [OTHER] });
    const slow = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        world.now += MINUTE;
        return world.log.read(...args);
      },
    });
    await world.hunt({ log: slow });
    await world.instance().deliver(world.send({ connections: [both(OTHER)] }));
    await world.list(LISTED, OTHER);
    for (let run = 0; run < 5; run++) await world.hunt();
    assert.equal((await world.shown())[0], 'cam-1 198.51.100.7 high 3/4 40/80');
  });

  it('is told of no message that is older than it asks for', async () => {
    const world = new IngestWorld();
    await world.list(LISTED);
    await world
      .instance()
      .deliver(
        world.send(
          { connections: [both(OTHER)] },
          { at: START + 60 * MINUTE, connections: [both(OTHER)] },
        ),
      );
    const hunt = await hunted(world, { addresses: [OTHER], since: 'PT30M' });
    assert.deepEqual(shown(hunt), ['cam-1 198.51.100.7 1/1 10']);
  });

  it('fails where the log is damaged, tells the rest, and stops no other', async () => {
    const world = await worldWithPast();
    const other = { stream: STREAM, partition: '1' };
    await world.log.create(other, '00000000T00-000000.log');
    await world.log.append(other, '00000000T00-000000.log', 0, new Uint8Array(100));
    const hunt = await hunted(world, { addresses: [OTHER] });
    assert.equal(hunt.status, 'failed');
    assert.match(hunt.failure!, /test~devices\/1\//);
    assert.deepEqual(shown(hunt), ['cam-1 198.51.100.7 2/3 30']);
    await world.list(LISTED, OTHER);
    // The publication cannot be done with, and is hunted for where the log can be read.
    await assert.rejects(world.hunt(), { code: 'LOG_DAMAGED' });
    assert.equal((await world.shown())[0], 'cam-1 198.51.100.7 high 2/3 30/60');
  });
});
