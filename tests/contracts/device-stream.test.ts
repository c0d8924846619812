import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createAmqpFace } from '../../local/hub/amqp-face.ts';
import { Hub } from '../../local/hub/hub.ts';
import { decodeFrames, encodeFrame } from '../../local/hub/event-frame.ts';
import {
  DeviceStreamError,
  EventHubDeviceStream,
} from '../../shared/adapters/event-hubs/event-hub-device-stream.ts';
import { MemoryDeviceStream } from '../../shared/adapters/memory/device-stream.ts';
import { deviceStreamContract, type SentEvent } from './device-stream.ts';

deviceStreamContract('in memory', async () => {
  const stream = new MemoryDeviceStream(['0', '1']);
  return {
    stream,
    send: async (partitionId, events) => void stream.send(partitionId, ...events),
    deleteBefore: async (partitionId, n) => stream.deleteBefore(partitionId, n),
    recreate: async () => stream.recreate(),
    close: async () => undefined,
  };
});

deviceStreamContract('@azure/event-hubs over AMQP', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hub-'));
  const hub = new Hub({ directory, name: 'devices', partitionCount: 2 });
  const face = createAmqpFace(hub);
  const stream = connect(await listen(face.server));
  return {
    stream,
    send: async (partitionId, events) => {
      hub.send(decodeFrames(Buffer.concat(events.map((e) => encode(partitionId, e)))));
    },
    deleteBefore: async (partitionId, n) => hub.deleteBefore(partitionId, n),
    recreate: async () => hub.recreate(),
    close: async () => {
      await stream.close();
      await face.close();
      hub.close();
      await rm(directory, { recursive: true });
    },
  };
});

describe('an event hub that does not answer', () => {
  it('is an error where nothing listens', async () => {
    const server = createServer();
    const port = await listen(server);
    await close(server);
    const stream = connect(port, 1500);
    await assert.rejects(stream.properties('0'), { code: 'DEVICE_STREAM_FAILED' });
    await assert.rejects(stream.partitionIds(), { code: 'DEVICE_STREAM_FAILED' });
    await assert.rejects(stream.read('0', 0, 1, 1), { code: 'DEVICE_STREAM_FAILED' });
    await stream.close();
  });

  it('is an error within the time where something listens and says nothing', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    const stream = connect(await listen(server), 1500);
    const start = performance.now();
    await assert.rejects(stream.properties('0'), (error: Error) => {
      assert.ok(error instanceof DeviceStreamError);
      assert.ok(error.cause instanceof Error);
      return true;
    });
    assert.ok(performance.now() - start < 5000);
    for (const socket of sockets) socket.destroy();
    await stream.close();
    await close(server);
  });

  it('is found again when it is back', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hub-'));
    const hub = new Hub({ directory, name: 'devices', partitionCount: 1 });
    hub.send(decodeFrames(encodeFrame(1, NaN, { partitionId: '0' }, Uint8Array.of(1))));
    const first = createAmqpFace(hub);
    const port = await listen(first.server);
    const stream = connect(port, 3000);
    assert.equal((await stream.read('0', 0, 5, 5)).length, 1);
    await first.close();
    await assert.rejects(stream.read('0', 0, 5, 5));
    const second = createAmqpFace(hub);
    await listen(second.server, port);
    assert.equal((await stream.read('0', 0, 5, 5)).length, 1);
    await stream.close();
    await second.close();
    hub.close();
    await rm(directory, { recursive: true });
  });
});

function encode(
  partitionId: string,
  { enqueuedTime, properties, systemProperties, body }: SentEvent,
): Buffer {
  return encodeFrame(NaN, enqueuedTime, { partitionId, properties, systemProperties }, body);
}

function connect(port: number, timeoutMilliseconds = 10_000): EventHubDeviceStream {
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=k;SharedAccessKey=k;UseDevelopmentEmulator=true`;
  return new EventHubDeviceStream(
    { connectionString },
    'devices',
    'threadwatch',
    timeoutMilliseconds,
  );
}

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
