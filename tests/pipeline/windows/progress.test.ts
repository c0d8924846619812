import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { MemoryActivityLog } from '../../../shared/adapters/memory/activity-log.ts';
import { MemoryDeviceStream } from '../../../shared/adapters/memory/device-stream.ts';
import { DAY_MS, HOUR_MS, PIECE_MS } from '../../../shared/domain/window/window.ts';
import {
  CLOCK_SLACK_MS,
  IN_FLIGHT_MS,
  type ProgressServices,
  allPartitions,
  progressOf,
} from '../../../shared/pipeline/windows/progress.ts';
import { altered } from '../../support/ingest-world.ts';
import { LogWriter, PARTITION, START } from '../log/logs.ts';
import { GRACE_MS, happened, rowOf, writeHistory } from './histories.ts';

/** Messages at these times: in the stream and in the log, only in the log, or only in the stream. */
async function world(
  now: number,
  committed: readonly number[],
  inStream: readonly number[] = committed,
): Promise<ProgressServices & { stream: MemoryDeviceStream }> {
  const stream = new MemoryDeviceStream(['0']);
  for (const enqueuedTime of inStream) stream.send('0', { enqueuedTime });
  const history = committed.map((at) => happened({ at, begins: 'block' }));
  const log = history.length === 0 ? new MemoryActivityLog() : (await writeHistory(history)).log;
  return {
    log,
    stream,
    streamName: PARTITION.stream,
    clock: { now: () => now },
    codec,
    graceMs: GRACE_MS,
  };
}

const END = START + PIECE_MS;
const DUE = END + GRACE_MS;
const LONG_AFTER = START + 2 * DAY_MS;

describe('a slice of a partition is closed', () => {
  const until = async (services: ProgressServices, ref = PARTITION) =>
    (await progressOf(services, ref)).closedUntil - START;

  it('by a committed row at its end and the grace period, or later, whatever the clock says', async () => {
    for (const now of [0, LONG_AFTER]) {
      const waiting = LONG_AFTER - 1;
      assert.equal(await until(await world(now, [DUE - 1], [DUE - 1, waiting])), 0);
      assert.equal(await until(await world(now, [DUE], [DUE, waiting])), PIECE_MS);
      const later = DUE + HOUR_MS;
      assert.equal(
        await until(await world(now, [START, later], [START, later, waiting])),
        PIECE_MS + HOUR_MS,
      );
    }
  });

  it('by the clock where nothing is waiting: not before the clocks’ difference is over', async () => {
    const due = DUE + CLOCK_SLACK_MS;
    assert.equal(await until(await world(due - 1, [START])), 0);
    assert.equal(await until(await world(due, [START])), PIECE_MS);
    assert.equal(await until(await world(due + DAY_MS, [START])), PIECE_MS + DAY_MS);
  });

  it('not by the clock while messages wait, be it for days', async () => {
    assert.equal(await until(await world(LONG_AFTER, [START], [START, START + 1])), -PIECE_MS);
    assert.equal(await until(await world(LONG_AFTER, [], [START])), -Infinity);
  });

  it('by the clock where the stream holds nothing, later by what may be in flight where the log is behind its numbers', async () => {
    const services = await world(LONG_AFTER, [START], [START, START + 1, START + 2]);
    services.stream.deleteBefore('0', 2);
    assert.equal(await until(services), -PIECE_MS);
    services.stream.deleteBefore('0', 3);
    assert.equal(await until(services), 2 * DAY_MS - 2 * PIECE_MS - IN_FLIGHT_MS);
    const { lost } = await progressOf(services, PARTITION);
    assert.deepEqual(lost, { start: START, end: START + 3, isExact: true });
  });

  it('by the clock, not knowing what was lost, where nothing of what the stream had was ever read', async () => {
    const services = await world(LONG_AFTER, [], [START]);
    services.stream.deleteBefore('0', 1);
    const { closedUntil, lost } = await progressOf(services, PARTITION);
    assert.equal(closedUntil - START, 2 * DAY_MS - 2 * PIECE_MS - IN_FLIGHT_MS);
    assert.deepEqual(lost, { start: 0, end: START + 1, isExact: true });
  });

  it('by the clock where the log is ahead of what the stream said', async () => {
    // Asked when it had one message; another one came, and was committed, before the log was read.
    const services = await world(DUE + CLOCK_SLACK_MS, [START, START + 1], [START]);
    assert.deepEqual(await progressOf(services, PARTITION), {
      closedUntil: END,
      lost: null,
      isRead: true,
    });
    services.stream.deleteBefore('0', 1);
    const { lost } = await progressOf(services, PARTITION);
    assert.equal(lost, null);
    // Asked when it never had one; the first came, and was committed, just after.
    const first = await world(START, [START - CLOCK_SLACK_MS + 1], []);
    assert.equal((await progressOf(first, PARTITION)).lost, null);
    const later = await world(START + 1, [START - CLOCK_SLACK_MS + 1], []);
    assert.notEqual((await progressOf(later, PARTITION)).lost, null);
  });

  it('by the clock where there never was a message', async () => {
    assert.equal(await until(await world(DUE + CLOCK_SLACK_MS, [])), PIECE_MS);
  });

  it('not by the clock where the stream was recreated and its new messages wait', async () => {
    const services = await world(LONG_AFTER, [START, START + 1]);
    services.stream.recreate();
    assert.equal(await until(services), 2 * DAY_MS - 2 * PIECE_MS - IN_FLIGHT_MS);
    const { lost } = await progressOf(services, PARTITION);
    assert.deepEqual(lost, {
      start: START + 1,
      end: LONG_AFTER - CLOCK_SLACK_MS,
      isExact: false,
    });
    services.stream.send('0', { enqueuedTime: START + HOUR_MS });
    assert.equal(await until(services), -PIECE_MS);
    // Its number is that of the tail now, its time is not.
    services.stream.send('0', { enqueuedTime: START + HOUR_MS + 1 });
    assert.equal(await until(services), -PIECE_MS);
  });

  it('by the clock again once the recreated stream’s messages are committed', async () => {
    const services = await world(LONG_AFTER, []);
    const again = START + HOUR_MS;
    const { log } = await writeHistory([
      happened({ at: START }),
      happened({ at: START + 1 }),
      happened({ at: again, begins: 'epoch' }),
    ]);
    services.stream.send('0', { enqueuedTime: again });
    assert.equal(await until({ ...services, log }), 2 * DAY_MS - 2 * PIECE_MS);
  });

  it('by the clock where the stream has ended and another one is read now', async () => {
    const services = await world(LONG_AFTER, [START], [START, START + 1]);
    const renamed = { ...services, streamName: 'test~others' };
    assert.equal(await until(renamed), 2 * DAY_MS - 2 * PIECE_MS);
  });

  it('by the clock where the stream has no such partition any more', async () => {
    const services = await world(LONG_AFTER, [START]);
    const fewer = { ...services, stream: new MemoryDeviceStream(['1']) };
    assert.equal(await until(fewer), 2 * DAY_MS - 2 * PIECE_MS);
  });

  it('never by a stream that does not answer', async () => {
    const services = await world(LONG_AFTER, [START]);
    const properties = async () => {
      throw new Error('unreachable');
    };
    const silent = { ...services, stream: altered(services.stream, { properties }) };
    await assert.rejects(progressOf(silent, PARTITION), /unreachable/);
  });

  it('by what the clock said before the stream was asked, and the stream before the log was read', async () => {
    const services = await world(DUE + CLOCK_SLACK_MS, [START]);
    // While it is asked: the clock goes on, and a message comes that nobody commits.
    let now = DUE + CLOCK_SLACK_MS;
    const stream = altered(services.stream, {
      properties: async (id: string) => {
        const answer = await services.stream.properties(id);
        now += DAY_MS;
        services.stream.send('0', { enqueuedTime: now });
        return answer;
      },
    });
    const clock = { now: () => now };
    assert.equal(await until({ ...services, stream, clock }), PIECE_MS);
    // Committed after the answer: the numbers differ, so the row itself decides.
    const writer = new LogWriter();
    await writer.create();
    await writer.append([rowOf(happened({ at: START }))]);
    const committing = altered(services.stream, {
      properties: async () => {
        await writer.append([rowOf(happened({ at: DUE + PIECE_MS }))]);
        return { ...(await services.stream.properties('0')), lastEnqueuedSequenceNumber: 0 };
      },
    });
    const late = {
      ...services,
      log: writer.log,
      stream: committing,
      clock: { now: () => LONG_AFTER },
    };
    assert.equal(await until(late), 2 * PIECE_MS);
  });
});

describe('the partitions whose windows close', () => {
  it('are those of the stream, and those that are in the log, each once', async () => {
    const services = await world(START, [START]);
    const { log } = services;
    await (log as MemoryActivityLog).create({ stream: 'old~devices', partition: '3' }, 'x');
    const stream = new MemoryDeviceStream(['1', '0']);
    assert.deepEqual(await allPartitions({ ...services, stream }), [
      { stream: 'old~devices', partition: '3' },
      PARTITION,
      { ...PARTITION, partition: '1' },
    ]);
    const fewer = new MemoryDeviceStream(['1']);
    assert.equal((await allPartitions({ ...services, stream: fewer })).length, 3);
  });
});
