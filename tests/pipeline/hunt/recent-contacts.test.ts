import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foldMapped, parseAddress } from '../../../shared/domain/address/address.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';
import { recentContacts } from '../../../shared/pipeline/hunt/recent-contacts.ts';
import { LogFileGoneError } from '../../../shared/ports/activity-log.ts';
import { IngestWorld, MINUTE, SECOND, START, STREAM, altered } from '../../support/ingest-world.ts';

const PEER = '198.51.100.7';
const HOUR = 60 * MINUTE;
const both = (remote: string) => ({ remote, bytesIn: 10, bytesOut: 20 });

async function contactsOf(world: IngestWorld, address: string, log = world.log) {
  const services = world.huntServices({ log });
  const loaded = await services.intelligence.refresh();
  return recentContacts(services, loaded, foldMapped(parseAddress(address)!));
}

describe('the devices that talked to an address lately', () => {
  it('are told with their totals, the latest first', async () => {
    const world = new IngestWorld({ maxFileBlocks: 2 });
    const instance = world.instance();
    const connections = [both(PEER), both('203.0.113.9')];
    for (const device of ['cam-1', 'cam-2', 'cam-1', 'cam-3']) {
      const sent = device === 'cam-3' ? [both('203.0.113.9')] : connections;
      await instance.deliver(world.send({ device, connections: sent }));
    }
    const { devices, complete, since, devicesLeftOut } = await contactsOf(world, PEER);
    assert.deepEqual([complete, devicesLeftOut], [true, 0]);
    assert.equal(since, formatInstant(world.now - 24 * HOUR));
    assert.deepEqual(devices, [
      {
        deviceId: 'cam-1',
        messages: 2,
        connections: 2,
        bytesIn: 20,
        bytesOut: 40,
        firstSeen: formatInstant(START - SECOND),
        lastSeen: formatInstant(START + SECOND),
      },
      {
        deviceId: 'cam-2',
        messages: 1,
        connections: 1,
        bytesIn: 10,
        bytesOut: 20,
        firstSeen: formatInstant(START),
        lastSeen: formatInstant(START),
      },
    ]);
    assert.deepEqual((await contactsOf(world, '203.0.113.8')).devices, []);
  });

  it('are those of the last day, whatever the log holds', async () => {
    const world = new IngestWorld({ maxFileBlocks: 2 });
    const instance = world.instance();
    for (const [device, at] of [
      ['cam-old', START],
      ['cam-late', START + 23 * HOUR],
      ['cam-new', START + 30 * HOUR],
    ] as const) {
      await instance.deliver(world.send({ device, at, connections: [both(PEER)] }));
    }
    const { devices } = await contactsOf(world, PEER);
    assert.deepEqual(
      devices.map(({ deviceId }) => deviceId),
      ['cam-new', 'cam-late'],
    );
  });

  it('include those that reached it as an IPv4-mapped address', async () => {
    const world = new IngestWorld();
    await world.instance().deliver(world.send({ connections: [both(`::ffff:${PEER}`)] }));
    assert.equal((await contactsOf(world, PEER)).devices.length, 1);
    assert.equal((await contactsOf(world, `::ffff:${PEER}`)).devices.length, 1);
  });

  it('are not all told where the log is too much for an answer', async () => {
    const world = new IngestWorld({ maxFileBlocks: 2 });
    const instance = world.instance();
    for (let i = 0; i < 6; i++) {
      await instance.deliver(world.send({ device: `cam-${i}`, connections: [both(PEER)] }));
    }
    const slow = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        world.now += 2 * SECOND;
        return world.log.read(...args);
      },
    });
    const { complete, devices } = await contactsOf(world, PEER, slow);
    assert.equal(complete, false);
    assert.ok(devices.length > 0 && devices.length < 6);
    assert.equal(devices[0]!.deviceId, 'cam-5');
  });

  it('are told of the partitions that can be read, where one is damaged', async () => {
    const world = new IngestWorld();
    const instance = world.instance();
    await instance.deliver(world.send({ device: 'cam-1', connections: [both(PEER)] }));
    const other = { stream: STREAM, partition: '1' };
    await world.log.create(other, '00000000T00-000000.log');
    await world.log.append(other, '00000000T00-000000.log', 0, new Uint8Array(100));
    const { complete, problem, devices } = await contactsOf(world, PEER);
    assert.equal(complete, false);
    assert.match(problem!, /activity log test~devices\/1\/.* at byte/);
    assert.equal(devices.length, 1);
  });

  it('are those of the files that retention has left', async () => {
    const world = new IngestWorld({ maxFileBlocks: 1 });
    const instance = world.instance();
    for (const device of ['cam-1', 'cam-2', 'cam-3']) {
      await instance.deliver(world.send({ device, connections: [both(PEER)] }));
    }
    const [oldest] = await world.log.files({ stream: STREAM, partition: '0' });
    const raced = altered(world.log, {
      read: async (...args: Parameters<typeof world.log.read>) => {
        if (args[1] === oldest!.name) throw new LogFileGoneError('gone');
        return world.log.read(...args);
      },
    });
    const { devices } = await contactsOf(world, PEER, raced);
    assert.deepEqual(
      devices.map(({ deviceId }) => deviceId),
      ['cam-3', 'cam-2'],
    );
  });

  it('are at least so many where devices are more than it keeps', async () => {
    const world = new IngestWorld();
    const messages = Array.from({ length: 1002 }, (_, i) => ({
      device: `cam-${i}`,
      connections: [both(PEER)],
    }));
    await world.instance().deliver(world.send(...messages));
    const { complete, devices, devicesLeftOut } = await contactsOf(world, PEER);
    assert.deepEqual([complete, devices.length, devicesLeftOut], [false, 100, 900]);
  });

  it('are cut at a hundred', async () => {
    const world = new IngestWorld();
    const messages = Array.from({ length: 103 }, (_, i) => ({
      device: `cam-${i}`,
      connections: [both(PEER)],
    }));
    await world.instance().deliver(world.send(...messages));
    const { devices, devicesLeftOut } = await contactsOf(world, PEER);
    assert.deepEqual([devices.length, devicesLeftOut], [100, 3]);
  });
});
