import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeFrames, type EventFrame } from '../../../local/hub/event-frame.ts';
import { Hub } from '../../../local/hub/hub.ts';

function event(metadata: unknown, numbers: Partial<EventFrame> = {}): EventFrame {
  return { sequenceNumber: NaN, enqueuedTime: NaN, metadata, body: Buffer.of(1), ...numbers };
}
const imported = (partitionId: string, sequenceNumber: number): EventFrame =>
  event({ partitionId }, { sequenceNumber, enqueuedTime: sequenceNumber });

describe('a hub', () => {
  let directory: string;
  let now: number;
  let hub: Hub;

  const open = (): Hub =>
    new Hub({ directory, name: 'devices', partitionCount: 3, now: () => now });
  const reopen = (): void => {
    hub.close();
    hub = open();
  };
  const numbers = (partitionId: string, after: number | null = null): number[] =>
    decodeFrames(hub.read(partitionId, after, 1000)).map((frame) => frame.sequenceNumber);
  const never = new AbortController().signal;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hub-'));
    now = 5000;
    hub = open();
  });
  afterEach(() => {
    hub.close();
    rmSync(directory, { recursive: true });
  });

  describe('sending', () => {
    it('numbers a partition from 0 and stamps its own time, which never goes back', () => {
      hub.send([event({ partitionId: '1' }), event({ partitionId: '1' })]);
      now = 4000;
      hub.send([event({ partitionId: '1' })]);
      now = 6000;
      hub.send([event({ partitionId: '1' })]);
      const frames = decodeFrames(hub.read('1', null, 10));
      assert.deepEqual(
        frames.map((f) => [f.sequenceNumber, f.enqueuedTime]),
        [
          [0, 5000],
          [1, 5000],
          [2, 5000],
          [3, 6000],
        ],
      );
    });

    it('keeps a key in one partition and spreads what has none', () => {
      const keyed = Array.from({ length: 60 }, (_, i) =>
        event({ partitionKey: `device-${i % 20}` }),
      );
      hub.send(keyed);
      const seen = new Map<unknown, string>();
      for (const id of hub.partitionIds()) {
        const frames = decodeFrames(hub.read(id, null, 100));
        assert.ok(frames.length > 0);
        for (const { metadata } of frames) {
          const { partitionKey } = metadata as { partitionKey: string };
          assert.equal(seen.get(partitionKey) ?? id, id);
          seen.set(partitionKey, id);
        }
      }
      reopen();
      const before = hub.partitionIds().map((id) => numbers(id).length);
      hub.send([event({}), event({}), event({})]);
      assert.deepEqual(
        hub.partitionIds().map((id) => numbers(id).length),
        before.map((n) => n + 1),
      );
    });

    it('keeps the numbers and gaps of a capture, and takes it twice without harm', () => {
      const capture = [imported('0', 7), imported('2', 100), imported('0', 8), imported('0', 20)];
      assert.deepEqual(hub.send(capture), { stored: 4, alreadyHeld: 0 });
      assert.deepEqual(hub.send(capture), { stored: 0, alreadyHeld: 4 });
      assert.deepEqual(hub.send([imported('0', 20), imported('0', 21)]), {
        stored: 1,
        alreadyHeld: 1,
      });
      assert.deepEqual(numbers('0'), [7, 8, 20, 21]);
      assert.equal(hub.properties('0').beginningSequenceNumber, 7);
      hub.send([event({ partitionId: '0' })]);
      assert.deepEqual(numbers('0', 21), [22]);
    });

    it('stores nothing of a request with a wrong event', () => {
      const wrong: EventFrame[] = [
        event('text'),
        event([]),
        event({ partitionId: 1 }),
        event({ partitionId: '3' }),
        event({ partitionId: '01' }),
        event({ partitionKey: 1 }),
        event({ partitionKey: 'x'.repeat(129) }),
        event({ properties: [] }),
        event({ properties: { a: {} } }),
        event({ systemProperties: { a: ['x'] } }),
        event({}, { sequenceNumber: 1 }),
        event({ partitionId: '0' }, { sequenceNumber: -1 }),
        event({ partitionId: '0' }, { sequenceNumber: 1.5 }),
        event({ partitionId: '0' }, { sequenceNumber: 2 ** 53 }),
        event({ partitionId: '0' }, { enqueuedTime: 0.5 }),
        event({ partitionId: '0' }, { enqueuedTime: Infinity }),
      ];
      for (const one of wrong) {
        assert.throws(() => hub.send([event({ partitionId: '0' }), one]), { name: 'Error' });
        assert.deepEqual(numbers('0'), []);
      }
    });
  });

  describe('receiving', () => {
    it('waits for the first event', async () => {
      const received = hub.receive('1', null, 10, 5000, never);
      setImmediate(() => hub.send([event({ partitionId: '0' }), event({ partitionId: '1' })]));
      assert.equal(decodeFrames(await received).length, 1);
    });

    it('gives nothing when the time is up or the reader has gone', async () => {
      assert.equal((await hub.receive('1', null, 10, 10, never)).length, 0);
      const gone = new AbortController();
      const received = hub.receive('1', null, 10, 60_000, gone.signal);
      setImmediate(() => gone.abort());
      assert.equal((await received).length, 0);
    });

    it('refuses a position behind the end, also when the hub is created anew meanwhile', async () => {
      hub.send([imported('0', 4)]);
      assert.throws(() => hub.read('0', 5, 10), { code: 'PositionPastEnd' });
      const waiting = hub.receive('0', 4, 10, 60_000, never);
      setImmediate(() => hub.recreate());
      await assert.rejects(waiting, { code: 'PositionPastEnd' });
    });

    it('cuts long answers', () => {
      const body = Buffer.alloc(1_000_000);
      for (let n = 0; n < 6; n++) hub.send([event({ partitionId: '0' }, { body })]);
      assert.equal(numbers('0').length, 4);
      assert.deepEqual(numbers('0', 3), [4, 5]);
    });
  });

  it('keeps checkpoints by consumer group and partition, over a restart', () => {
    assert.equal(hub.readCheckpoint('$Default', '0'), null);
    hub.writeCheckpoint('$Default', '0', 5);
    hub.writeCheckpoint('other', '0', 6);
    hub.writeCheckpoint('$Default', '0', 7);
    reopen();
    assert.equal(hub.readCheckpoint('$Default', '0'), 7);
    assert.equal(hub.readCheckpoint('other', '0'), 6);
    assert.equal(hub.readCheckpoint('$Default', '1'), null);
    assert.throws(() => hub.readCheckpoint('$Default', '3'), { code: 'NoSuchPartition' });
  });

  it('is empty when it is created anew, without checkpoints, and stays so', () => {
    hub.send([imported('0', 900)]);
    hub.writeCheckpoint('$Default', '0', 900);
    hub.recreate();
    for (const again of [false, true]) {
      if (again) reopen();
      assert.deepEqual(hub.properties('0'), {
        partitionId: '0',
        beginningSequenceNumber: 0,
        lastEnqueuedSequenceNumber: -1,
        lastEnqueuedTime: null,
        isEmpty: true,
      });
      assert.equal(hub.readCheckpoint('$Default', '0'), null);
    }
    hub.send([event({ partitionId: '0' })]);
    assert.deepEqual(numbers('0'), [0]);
  });

  it('never changes its number of partitions', () => {
    const other = { directory, name: 'devices', partitionCount: 4 };
    assert.throws(() => new Hub(other), /has 3 partitions, not 4/);
  });

  it('agrees with plain lists over any sequence of sends, retention and restarts', () => {
    const partition = fc.constantFrom('0', '1', '2');
    const step = fc.oneof(
      fc.record({ send: fc.array(partition, { maxLength: 5 }) }),
      fc.record({ import: fc.tuple(partition, fc.array(fc.nat({ max: 40 }), { maxLength: 5 })) }),
      fc.record({ deleteBefore: fc.tuple(partition, fc.nat({ max: 40 })) }),
      fc.constant({ restart: true }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        hub.recreate();
        const model = new Map(
          hub.partitionIds().map((id) => [id, { held: [] as number[], last: -1 }]),
        );
        for (const taken of steps) {
          if ('send' in taken) {
            hub.send(taken.send.map((partitionId) => event({ partitionId })));
            for (const id of taken.send) {
              const list = model.get(id)!;
              list.held.push(++list.last);
            }
          } else if ('import' in taken) {
            const [id, sequenceNumbers] = taken.import;
            hub.send(sequenceNumbers.map((n) => imported(id, n)));
            const list = model.get(id)!;
            for (const n of sequenceNumbers) if (n > list.last) list.held.push((list.last = n));
          } else if ('deleteBefore' in taken) {
            const [id, n] = taken.deleteBefore;
            hub.deleteBefore(id, n);
            const list = model.get(id)!;
            list.held = list.held.filter((held) => held >= n);
          } else reopen();
        }
        for (const [id, { held, last }] of model) {
          assert.deepEqual(numbers(id), held);
          const properties = hub.properties(id);
          assert.equal(properties.lastEnqueuedSequenceNumber, last);
          assert.equal(properties.beginningSequenceNumber, held[0] ?? last + 1);
          assert.equal(properties.isEmpty, held.length === 0);
        }
      }),
      { numRuns: 50 },
    );
  });
});
