import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  earliestEventPosition,
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  latestEventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs';
import rhea, { type Delivery, type EventContext } from 'rhea';
import { type AmqpFace, createAmqpFace } from '../../../local/hub/amqp-face.ts';
import { Hub } from '../../../local/hub/hub.ts';

const START = Date.UTC(2026, 7, 22, 11);
const retryOptions = { maxRetries: 0, timeoutInMs: 3000 };

describe('the AMQP face, read with @azure/event-hubs', () => {
  let directory: string;
  let hub: Hub;
  let face: AmqpFace;
  let connectionString: string;
  let client: EventHubConsumerClient;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hub-'));
    hub = new Hub({ directory, name: 'devices', partitionCount: 2 });
    for (let n = 0; n < 10; n++) send(n);
    face = createAmqpFace(hub);
    await new Promise<void>((resolve) => face.server.listen(0, '127.0.0.1', resolve));
    const { port } = face.server.address() as AddressInfo;
    connectionString = `Endpoint=sb://localhost:${port};SharedAccessKeyName=k;SharedAccessKey=k;EntityPath=devices;UseDevelopmentEmulator=true`;
    client = new EventHubConsumerClient('$Default', connectionString, { retryOptions });
  });
  after(async () => {
    await client.close();
    await face.close();
    hub.close();
    rmSync(directory, { recursive: true });
  });

  function send(n: number): void {
    const metadata = {
      partitionId: '0',
      partitionKey: 'cam-ber-001',
      properties: { mti: 'x', count: n, ratio: 0.5, flag: true, none: null },
      systemProperties: {
        'content-type': 'application/json',
        'iothub-connection-device-id': 'cam-ber-001',
        'iothub-enqueuedtime': new Date(START + n).toISOString(),
      },
    };
    hub.send([
      { sequenceNumber: NaN, enqueuedTime: START + n, metadata, body: Buffer.from(`{"n":${n}}`) },
    ]);
  }

  /** What comes in a short while from a position, or the error. */
  async function receive(
    startPosition: EventPosition,
    { partitionId = '0', atLeast = 1, whileOpen = (): void => undefined } = {},
  ): Promise<ReceivedEventData[]> {
    const events: ReceivedEventData[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const subscription = client.subscribe(
      partitionId,
      {
        processEvents: async (received) => {
          events.push(...received);
          if (received.length === 0) whileOpen();
          if (events.length >= atLeast) resolve();
        },
        processError: async (error) => reject(error),
      },
      { startPosition, maxBatchSize: 4, maxWaitTimeInSeconds: 0.2, skipParsingBodyAsJson: true },
    );
    try {
      await promise;
    } finally {
      await subscription.close();
    }
    return events;
  }

  it('tells what the hub is', async () => {
    const found = await client.getEventHubProperties();
    assert.equal(found.name, 'devices');
    assert.deepEqual(found.partitionIds, ['0', '1']);
    assert.equal(found.createdOn.toISOString(), hub.createdOn);
    await assert.rejects(client.getPartitionProperties('5'));
  });

  it('sends all that an event has, its body unparsed', async () => {
    const [, second] = await receive(earliestEventPosition, { atLeast: 10 });
    assert.ok(second !== undefined);
    assert.equal(second.sequenceNumber, 1);
    assert.equal(second.offset, '1');
    assert.equal(second.enqueuedTimeUtc.getTime(), START + 1);
    assert.equal(second.partitionKey, 'cam-ber-001');
    assert.deepEqual(second.properties, { mti: 'x', count: 1, ratio: 0.5, flag: true, none: null });
    assert.deepEqual(second.systemProperties, {
      contentType: 'application/json',
      'iothub-connection-device-id': 'cam-ber-001',
      'iothub-enqueuedtime': START + 1,
    });
    assert.deepEqual(second.body, Buffer.from('{"n":1}'));
  });

  it('begins where the position says', async () => {
    const cases: [EventPosition, number][] = [
      [earliestEventPosition, 0],
      [{ sequenceNumber: 7 }, 8],
      [{ sequenceNumber: 7, isInclusive: true }, 7],
      [{ sequenceNumber: 0, isInclusive: true }, 0],
      [{ offset: '3' }, 4],
      [{ enqueuedOn: START + 4 }, 5],
      [{ enqueuedOn: START - 1 }, 0],
    ];
    for (const [position, first] of cases) {
      const events = await receive(position, { atLeast: 10 - first });
      assert.equal(events[0]?.sequenceNumber, first, JSON.stringify(position));
      assert.equal(events.at(-1)?.sequenceNumber, 9);
    }
  });

  it('goes on with what is sent later', async () => {
    let sent = 0;
    const whileOpen = (): void => {
      if (sent++ === 0) send(10);
    };
    const events = await receive(latestEventPosition, { whileOpen });
    assert.deepEqual(
      events.map((e) => e.sequenceNumber),
      [10],
    );
  });

  it('refuses positions behind the end and partitions that are not there', async () => {
    await assert.rejects(receive({ sequenceNumber: 500 }), { code: 'ArgumentError' });
    await assert.rejects(receive(earliestEventPosition, { partitionId: '9' }));
    await assert.rejects(receive({ offset: 'not a number' }), { code: 'ArgumentError' });
  });

  it('waits for a reader that takes much and settles late', { timeout: 10_000 }, async (t) => {
    const count = 5000;
    const body = Buffer.of(1);
    const event = {
      sequenceNumber: NaN,
      enqueuedTime: START,
      metadata: { partitionId: '1' },
      body,
    };
    hub.send(Array.from({ length: count }, () => event));
    const { port } = face.server.address() as AddressInfo;
    const connection = rhea
      .create_container()
      .connect({ port, host: '127.0.0.1', reconnect: false });
    const address = 'devices/ConsumerGroups/$Default/Partitions/1';
    const receiver = connection.open_receiver({
      source: address,
      credit_window: 0,
      autoaccept: false,
    });
    const unsettled: Delivery[] = [];
    let received = 0;
    const { promise: all, resolve } = Promise.withResolvers<void>();
    receiver.on('message', ({ delivery }: EventContext) => {
      if (delivery !== undefined) unsettled.push(delivery);
      received++;
      if (received === count) resolve();
    });
    receiver.add_credit(count);
    // Settles only when nothing more comes, so that all places for unsettled deliveries are taken first.
    let before = 0;
    const accepting = setInterval(() => {
      if (received === before) for (const delivery of unsettled.splice(0)) delivery.accept();
      before = received;
    }, 150);
    t.after(async () => {
      clearInterval(accepting);
      const ended = new Promise((ready) => connection.once('connection_close', ready));
      connection.close();
      await ended;
    });
    await all;
  });

  it('refuses to take events', async () => {
    const producer = new EventHubProducerClient(connectionString, { retryOptions });
    await assert.rejects(producer.sendBatch([{ body: 'x' }]), /sending is not served here/);
    await producer.close();
  });
});
