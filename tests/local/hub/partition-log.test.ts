import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { decodeFrames, encodeFrame } from '../../../local/hub/event-frame.ts';
import { type NumberedFrame, PartitionLog } from '../../../local/hub/partition-log.ts';

function numbered(sequenceNumber: number, bodyBytes = 3): NumberedFrame {
  const enqueuedTime = 1000 + sequenceNumber;
  const body = Buffer.alloc(bodyBytes, sequenceNumber);
  return {
    sequenceNumber,
    enqueuedTime,
    frame: encodeFrame(sequenceNumber, enqueuedTime, {}, body),
  };
}

describe('a partition in a file', () => {
  let path: string;
  let directory: string;
  let log: PartitionLog;

  const reopen = (): void => {
    log.close();
    log = new PartitionLog(path);
  };
  const numbers = (after: number | null, max = 100, bytes = 1e6): number[] =>
    decodeFrames(log.read(after, max, bytes)).map((frame) => frame.sequenceNumber);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hub-'));
    path = join(directory, 'partition-0.log');
    log = new PartitionLog(path);
  });
  afterEach(() => {
    log.close();
    rmSync(directory, { recursive: true });
  });

  it('reads after a number, in order, gaps allowed', () => {
    log.append([numbered(5), numbered(6)]);
    log.append([numbered(9)]);
    assert.deepEqual(numbers(null), [5, 6, 9]);
    assert.deepEqual(numbers(4), [5, 6, 9]);
    assert.deepEqual(numbers(5), [6, 9]);
    assert.deepEqual(numbers(7), [9]);
    assert.deepEqual(numbers(9), []);
    assert.deepEqual(numbers(null, 2), [5, 6]);
    assert.deepEqual(numbers(null, 0), []);
  });

  it('gives no more bytes than asked for, but always one event', () => {
    log.append([numbered(0, 100), numbered(1, 100), numbered(2, 100)]);
    const one = numbered(0, 100).frame.length;
    assert.deepEqual(numbers(null, 100, 2 * one), [0, 1]);
    assert.deepEqual(numbers(null, 100, 2 * one - 1), [0]);
    assert.deepEqual(numbers(null, 100, 1), [0]);
  });

  it('finds everything after a restart, also when it is longer than one stretch of reading', () => {
    for (let n = 0; n < 12; n++) log.append([numbered(n, 900_000)]);
    reopen();
    assert.equal(log.droppedBytes, 0);
    assert.equal(log.lastSequenceNumber, 11);
    assert.equal(log.lastEnqueuedTime, 1011);
    assert.equal(decodeFrames(log.read(10, 1, 1e7))[0]?.body[0], 11);
    assert.equal(log.length, 12);
  });

  it('drops an event that was cut short at any byte, and goes on', () => {
    log.append([numbered(0)]);
    const whole = statSync(path).size;
    log.append([numbered(1)]);
    const both = readFileSync(path);
    for (let length = whole; length < both.length; length++) {
      writeFileSync(path, both.subarray(0, length));
      reopen();
      assert.equal(log.droppedBytes, length - whole);
      assert.deepEqual(numbers(null), [0]);
      log.append([numbered(1)]);
      reopen();
      assert.deepEqual(numbers(null), [0, 1]);
    }
  });

  it('drops what no event can be, however much of it', () => {
    log.append([numbered(0)]);
    appendFileSync(path, Buffer.alloc(9_000_000, 0xff));
    reopen();
    assert.equal(log.droppedBytes, 9_000_000);
    assert.deepEqual(numbers(null), [0]);
    assert.ok(statSync(path).size < 1000);
  });

  it('forgets events below a number and remembers that they were', () => {
    log.append([numbered(0), numbered(1), numbered(5), numbered(6)]);
    log.deleteBefore(3);
    for (const again of [false, true]) {
      if (again) reopen();
      assert.deepEqual(numbers(null), [5, 6]);
      assert.equal(log.beginningSequenceNumber, 5);
    }
    log.deleteBefore(100);
    reopen();
    assert.equal(log.length, 0);
    assert.equal(log.beginningSequenceNumber, 7);
    assert.equal(log.lastSequenceNumber, 6);
    assert.equal(log.lastEnqueuedTime, 1006);
    log.append([numbered(7)]);
    assert.deepEqual(numbers(6), [7]);
  });

  it('finds the place of a time', () => {
    log.append([numbered(2), numbered(3), numbered(8)]);
    assert.equal(log.numberBeforeTime(1001), null);
    assert.equal(log.numberBeforeTime(1002), 2);
    assert.equal(log.numberBeforeTime(1005), 3);
    assert.equal(log.numberBeforeTime(1008), 8);
  });
});
