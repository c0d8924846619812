import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { HubClient, type OutgoingEvent } from '../../../local/hub/client.ts';
import { type HubProcess, startHub } from '../../../local/hub/start.ts';

const never = new AbortController().signal;

describe('the hub process', () => {
  let directory: string;
  let hub: HubProcess;

  // Any ports: while this one is killed and starts again, another test would take the usual ones.
  const start = (ports = { httpPort: 0, amqpPort: 0 }): Promise<HubProcess> =>
    startHub({ directory, name: 'devices', partitionCount: 2, ...ports });
  const receive = (partitionId: string, after: number | null = null, wait = 0) =>
    hub.client.receive(partitionId, after, 10_000, wait, never);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hub-'));
    hub = await start();
  });
  after(async () => {
    await hub.stop();
    await rm(directory, { recursive: true });
  });
  beforeEach(() => hub.client.recreate());

  it('gives back what was sent', async () => {
    const sent: OutgoingEvent = {
      partitionId: '1',
      partitionKey: 'cam-ber-001',
      sequenceNumber: 41,
      enqueuedTime: '2026-08-22T11:00:00.078Z',
      properties: { mti: '2.3-1-0-0', ' odd näme': 'välue', n: 1.5, b: false, nothing: null },
      systemProperties: { 'iothub-connection-device-id': 'cam-ber-001' },
      body: Uint8Array.from({ length: 256 }, (_, i) => i),
    };
    assert.deepEqual(await hub.client.send([sent]), { stored: 1, alreadyHeld: 0 });
    const [event] = await receive('1');
    const { partitionId: _, ...rest } = sent;
    assert.deepEqual(event, { ...rest, offset: '41', body: Buffer.from(sent.body) });
    assert.deepEqual(await hub.client.partitionProperties('1'), {
      partitionId: '1',
      beginningSequenceNumber: 41,
      lastEnqueuedSequenceNumber: 41,
      lastEnqueuedTime: '2026-08-22T11:00:00.078Z',
      isEmpty: false,
    });
    assert.deepEqual(await hub.client.partitionIds(), ['0', '1']);
  });

  it('takes more than one request holds', async () => {
    const body = new Uint8Array(100_000);
    const events = Array.from({ length: 60 }, (_, i) => ({
      partitionId: '0',
      body,
      sequenceNumber: i,
    }));
    assert.deepEqual(await hub.client.send(events), { stored: 60, alreadyHeld: 0 });
    const first = await receive('0');
    assert.ok(first.length < 60);
    const rest = await receive('0', first.at(-1)?.sequenceNumber);
    assert.equal(first.length + rest.length, 60);
  });

  it('wakes a waiting reader, and gives nothing to one that was called off', async () => {
    const waiting = receive('0', null, 30_000);
    await hub.client.send([{ partitionId: '0', body: Uint8Array.of(1) }]);
    assert.equal((await waiting).length, 1);
    const signal = AbortSignal.timeout(50);
    assert.deepEqual(await hub.client.receive('0', 0, 10, 30_000, signal), []);
  });

  it('does what retention does', async () => {
    const events = [1, 2, 3].map((sequenceNumber) => ({
      partitionId: '0',
      sequenceNumber,
      body: Uint8Array.of(1),
    }));
    await hub.client.send(events);
    await hub.client.deleteBefore('0', 3);
    assert.deepEqual(
      (await receive('0')).map((e) => e.sequenceNumber),
      [3],
    );
  });

  it('refuses with a code', async () => {
    await assert.rejects(receive('7'), { code: 'NoSuchPartition' });
    await assert.rejects(receive('0', 5), { code: 'PositionPastEnd' });
    const wrong = { partitionId: '0', properties: { deep: {} }, body: Uint8Array.of(1) };
    await assert.rejects(hub.client.send([wrong]), { code: 'BadEvent' });
    const badTime = { partitionId: '0', enqueuedTime: 'yesterday', body: Uint8Array.of(1) };
    await assert.rejects(hub.client.send([badTime]), RangeError);
    const nowhere = new HubClient('http://127.0.0.1:1');
    await assert.rejects(nowhere.partitionIds(), { code: 'Unreachable' });
  });

  it('answers hostile requests with what is wrong', async () => {
    const cases: [number, string, RequestInit][] = [
      [400, '/events', { method: 'POST', body: 'no frame' }],
      [413, '/events', { method: 'POST', body: new Uint8Array(16 * 1024 * 1024 + 1) }],
      [400, '/partitions/0/events?max=x&wait=0', {}],
      [400, '/partitions/0/events?max=99999&wait=0', {}],
      [400, '/partitions/0/events?max=1&wait=0&after=-1', {}],
      [400, '/partitions/%E0%A4%A', {}],
      [404, '/partitions/x', {}],
      [400, '/partitions/0/events', { method: 'DELETE' }],
      [400, '/checkpoints/cg/0', { method: 'PUT', body: '{"sequenceNumber":"1"}' }],
      [404, '/checkpoints/cg/0', { method: 'POST' }],
      [404, '/recreate', { method: 'GET' }],
    ];
    for (const [status, path, init] of cases) {
      const response = await fetch(hub.httpAddress + path, init);
      assert.equal(response.status, status, `${init.method ?? 'GET'} ${path}`);
      const body = (await response.json()) as { code: string; message: string };
      assert.equal(typeof body.code, 'string');
    }
    const foreign = await statusOf({ host: 'attacker.example.com' });
    assert.equal(foreign, 403);
  });

  it('outlives nonsense on its AMQP port', async () => {
    const header = Buffer.from('AMQP\0\x01\0\0', 'latin1');
    const openOfNothing = Buffer.from([0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 0x99, 0x45]);
    const hugeFrame = Buffer.from([0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0]);
    const attacks = [Buffer.from('GET / HTTP/1.1\r\n\r\n'), openOfNothing, hugeFrame];
    for (const attack of attacks) {
      await new Promise<void>((resolve) => {
        const socket = connect(hub.listening.amqpPort, '127.0.0.1');
        socket.on('error', () => undefined).on('close', () => resolve());
        socket.write(Buffer.concat([header, attack]));
        setTimeout(() => socket.destroy(), 50);
      });
    }
    assert.deepEqual(await hub.client.partitionIds(), ['0', '1']);
  });

  it('loses nothing that it answered, killed at any moment, and finds its checkpoints', async () => {
    for (let round = 0; round < 2; round++) {
      await hub.client.writeCheckpoint('$Default', '0', round);
      const before = (await receive('0')).length;
      const answered: number[] = [];
      const senders = Array.from({ length: 4 }, async () => {
        for (;;) {
          const batch = Array.from({ length: 7 }, () => ({
            partitionId: '0',
            body: new Uint8Array(3000),
          }));
          await hub.client.send(batch);
          answered.push(7);
        }
      });
      const all = Promise.allSettled(senders);
      while (answered.length < 40) await new Promise((resolve) => setTimeout(resolve, 5));
      await hub.kill('SIGKILL');
      await all;
      hub = await start(hub.listening);
      const properties = await hub.client.partitionProperties('0');
      assert.ok(properties.lastEnqueuedSequenceNumber + 1 >= before + 7 * answered.length);
      assert.equal(await hub.client.readCheckpoint('$Default', '0'), round);
    }
  });

  function statusOf(headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(hub.httpAddress, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  }
});
