import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { DeviceStream, StreamEvent } from '../../shared/ports/device-stream.ts';

export type SentEvent = Omit<StreamEvent, 'sequenceNumber'>;

/** A stream with the partitions "0" and "1", and what happens to it from outside. */
export interface StreamUnderTest {
  readonly stream: DeviceStream;
  send(partitionId: string, events: readonly SentEvent[]): Promise<void>;
  /** Retention removes what is below the number. */
  deleteBefore(partitionId: string, sequenceNumber: number): Promise<void>;
  /** A failover: empty partitions, numbers from 0. */
  recreate(): Promise<void>;
  close(): Promise<void>;
}

const START = Date.UTC(2026, 7, 22, 11);

function event(n: number): SentEvent {
  return {
    enqueuedTime: START + n,
    properties: { mti: '2.3-1-0-0', Level: `n${n}` },
    systemProperties: {
      'message-id': `m${n}`,
      'iothub-connection-device-id': `device-${n}`,
      'iothub-interface-id': 'urn:azureiot:Security:SecurityAgent:1',
    },
    body: Uint8Array.of(0x7b, n & 0xff, 0, 0xff),
  };
}

/** What every answer to the port must do. */
export function deviceStreamContract(name: string, open: () => Promise<StreamUnderTest>): void {
  describe(`device stream: ${name}`, () => {
    let under: StreamUnderTest;
    let stream: DeviceStream;

    before(async () => {
      under = await open();
      ({ stream } = under);
    });
    after(() => under.close());
    beforeEach(() => under.recreate());

    const send = (count: number, partitionId = '0'): Promise<void> =>
      under.send(
        partitionId,
        Array.from({ length: count }, (_, n) => event(n)),
      );
    const numbers = async (from: number, until: number, max: number, partitionId = '0') =>
      (await stream.read(partitionId, from, until, max)).map((e) => e.sequenceNumber);

    it('names its partitions', async () => {
      assert.deepEqual(await stream.partitionIds(), ['0', '1']);
    });

    it('is empty at first, and reads as nothing', async () => {
      assert.deepEqual(await stream.properties('0'), {
        beginningSequenceNumber: 0,
        lastEnqueuedSequenceNumber: -1,
        lastEnqueuedTime: 0,
        isEmpty: true,
      });
      assert.deepEqual(await stream.read('0', 0, 10, 10), []);
    });

    it('tells where a partition begins and ends, to the millisecond', async () => {
      await send(5);
      assert.deepEqual(await stream.properties('0'), {
        beginningSequenceNumber: 0,
        lastEnqueuedSequenceNumber: 4,
        lastEnqueuedTime: START + 4,
        isEmpty: false,
      });
      assert.equal((await stream.properties('1')).isEmpty, true);
    });

    it('gives events back as they were sent', async () => {
      await send(3);
      const [second] = await stream.read('0', 1, 2, 10);
      assert.ok(second !== undefined);
      assert.ok(second.body instanceof Uint8Array);
      const { body, ...sent } = event(1);
      assert.deepEqual(
        { ...second, body: [...second.body] },
        { ...sent, sequenceNumber: 1, body: [...body] },
      );
    });

    it('reads from a number up to another, exclusive', async () => {
      await send(8);
      assert.deepEqual(await numbers(2, 6, 100), [2, 3, 4, 5]);
      assert.deepEqual(await numbers(3, 3, 100), []);
      assert.deepEqual(await numbers(7, 100, 100), [7]);
    });

    it('gives at most as many as asked for', async () => {
      await send(8);
      assert.deepEqual(await numbers(1, 8, 3), [1, 2, 3]);
      assert.deepEqual(await numbers(1, 8, 0), []);
    });

    it('does not wait for what is not sent yet', async () => {
      await send(2);
      assert.deepEqual(await numbers(0, 50, 50), [0, 1]);
      assert.deepEqual(await numbers(2, 50, 50), []);
      await send(1);
      assert.deepEqual(await numbers(2, 50, 50), [2]);
    });

    it('begins behind what retention has destroyed, and remembers that it was', async () => {
      await send(10);
      await under.deleteBefore('0', 6);
      assert.equal((await stream.properties('0')).beginningSequenceNumber, 6);
      assert.deepEqual(await numbers(2, 9, 100), [6, 7, 8]);
      assert.deepEqual(await numbers(2, 5, 100), []);
      await under.deleteBefore('0', 10);
      assert.deepEqual(await stream.properties('0'), {
        beginningSequenceNumber: 10,
        lastEnqueuedSequenceNumber: 9,
        lastEnqueuedTime: START + 9,
        isEmpty: true,
      });
      assert.deepEqual(await numbers(2, 10, 100), []);
    });

    it('keeps partitions apart', async () => {
      await send(2, '0');
      await send(3, '1');
      assert.deepEqual(await numbers(0, 10, 10, '0'), [0, 1]);
      assert.deepEqual(await numbers(0, 10, 10, '1'), [0, 1, 2]);
    });

    it('reads a hub that was created anew from its new beginning', async () => {
      await send(5);
      assert.deepEqual(await numbers(0, 5, 10), [0, 1, 2, 3, 4]);
      await under.recreate();
      await send(2);
      assert.equal((await stream.properties('0')).lastEnqueuedSequenceNumber, 1);
      assert.deepEqual(await numbers(0, 5, 10), [0, 1]);
      assert.deepEqual(await numbers(3, 5, 10), []);
    });

    it('throws for a partition that does not exist', async () => {
      await assert.rejects(stream.properties('9'));
      await assert.rejects(stream.read('9', 0, 1, 1));
    });

    it('reads many at once', async () => {
      await send(5000);
      const read = await numbers(10, 4500, 5000);
      assert.equal(read.length, 4490);
      assert.ok(read.every((n, i) => n === 10 + i));
    });
  });
}
