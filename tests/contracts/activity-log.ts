import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ActivityLog, PartitionRef } from '../../shared/ports/activity-log.ts';

export interface LogUnderTest {
  readonly log: ActivityLog;
  close(): Promise<void>;
}

const FILE = '00000000T00-000000.log';
const text = (content: string) => new TextEncoder().encode(content);

/** What every answer to the port must do. */
export function activityLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`activity log: ${name}`, () => {
    let under: LogUnderTest;
    let log: ActivityLog;
    let streams = 0;
    let ref: PartitionRef;

    before(async () => {
      under = await open();
      ({ log } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      ref = { stream: `hub-${streams++}~devices`, partition: '1' };
    });

    const write = async (content: string, file = FILE, partition = ref): Promise<void> => {
      await log.create(partition, file);
      assert.equal(await log.append(partition, file, 0, text(content)), 'appended');
    };
    const read = async (from: number, to: number) =>
      new TextDecoder().decode(await log.read(ref, FILE, from, to));

    it('has no file in a partition that nobody wrote to, and does not list it', async () => {
      assert.deepEqual(await log.files(ref), []);
      const streamsListed = (await log.partitions()).map(({ stream }) => stream);
      assert.ok(!streamsListed.includes(ref.stream));
    });

    it('creates a file once', async () => {
      assert.equal(await log.create(ref, FILE), true);
      assert.equal(await log.create(ref, FILE), false);
      assert.deepEqual(await log.files(ref), [{ name: FILE, sizeBytes: 0 }]);
    });

    it('keeps what a file holds when it is created again', async () => {
      await write('first');
      assert.equal(await log.create(ref, FILE), false);
      assert.equal(await read(0, 100), 'first');
    });

    it('lets one of several create a file', async () => {
      const made = await Promise.all(Array.from({ length: 5 }, () => log.create(ref, FILE)));
      assert.equal(made.filter(Boolean).length, 1);
    });

    it('appends where the file ends, and only there', async () => {
      await write('one');
      for (const offset of [0, 2, 4, 1000]) {
        assert.equal(await log.append(ref, FILE, offset, text('xxx')), 'conflict');
      }
      assert.equal(await log.append(ref, FILE, 3, text('two')), 'appended');
      assert.equal(await read(0, 100), 'onetwo');
      assert.deepEqual(await log.files(ref), [{ name: FILE, sizeBytes: 6 }]);
    });

    it('calls it a conflict where there is no file', async () => {
      assert.equal(await log.append(ref, FILE, 0, text('one')), 'conflict');
      assert.deepEqual(await log.files(ref), []);
    });

    it('lets one of several append at a place', async () => {
      await write('start');
      const writers = ['a', 'bb', 'ccc', 'dddd'];
      const outcomes = await Promise.all(writers.map((w) => log.append(ref, FILE, 5, text(w))));
      const winners = writers.filter((_, i) => outcomes[i] === 'appended');
      assert.equal(winners.length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === 'conflict').length, 3);
      assert.equal(await read(0, 100), `start${winners[0]}`);
    });

    it('keeps bytes as they were when they were handed over', async () => {
      const bytes = Uint8Array.from({ length: 300 }, (_, i) => i & 255);
      await log.create(ref, FILE);
      await log.append(ref, FILE, 0, bytes);
      bytes.fill(0);
      const stored = await log.read(ref, FILE, 0, 300);
      assert.deepEqual([...stored.subarray(250, 260)], [250, 251, 252, 253, 254, 255, 0, 1, 2, 3]);
    });

    it('takes a block of several megabytes', async () => {
      const bytes = new Uint8Array(6_000_000).map((_, i) => (i * 31) >> 3);
      await log.create(ref, FILE);
      assert.equal(await log.append(ref, FILE, 0, bytes), 'appended');
      const stored = await log.read(ref, FILE, 0, bytes.length);
      assert.ok(Buffer.from(stored).equals(bytes));
    });

    it('reads from a byte to before another, and less where the file ends first', async () => {
      await write('0123456789');
      assert.equal(await read(0, 10), '0123456789');
      assert.equal(await read(3, 5), '34');
      assert.equal(await read(9, 10), '9');
      assert.equal(await read(8, 1000), '89');
    });

    it('reads nothing from an empty range, from the end, and from an empty file', async () => {
      await write('0123456789');
      assert.equal(await read(4, 4), '');
      assert.equal(await read(10, 20), '');
      assert.equal(await read(15, 20), '');
      await log.create(ref, 'empty.log');
      assert.equal((await log.read(ref, 'empty.log', 0, 10)).length, 0);
    });

    it('throws for reading a file that is not there', async () => {
      await assert.rejects(log.read(ref, FILE, 0, 10), { code: 'LOG_FILE_GONE' });
    });

    it('lists files in the order of their names, from a name on', async () => {
      const names = [
        '20260822T11-000001.log',
        FILE,
        '20260822T11-000000.log',
        '20260822T10-000009.log',
      ];
      for (const file of names) await write(file, file);
      const sorted = names.toSorted();
      assert.deepEqual(
        await log.files(ref),
        sorted
          .map((name) => ({ name, sizeBytes: 22 }))
          .with(0, { name: FILE, sizeBytes: FILE.length }),
      );
      const listed = async (from: string) => (await log.files(ref, from)).map((f) => f.name);
      assert.deepEqual(await listed('20260822T11-000000.log'), sorted.slice(2));
      assert.deepEqual(await listed('20260822T10-999999.log'), sorted.slice(2));
      assert.deepEqual(await listed('20270101T00-000000.log'), []);
    });

    it('keeps partitions apart and names each once', async () => {
      const others = ['10', '11'].map((partition) => ({ stream: ref.stream, partition }));
      await write('of one');
      await write('second file', '20260822T10-000000.log');
      for (const other of others) await write('of another', FILE, other);
      assert.deepEqual(
        (await log.files(ref)).map((file) => file.sizeBytes),
        [6, 11],
      );
      const found = (await log.partitions()).filter(({ stream }) => stream === ref.stream);
      const byNumber = found.toSorted((a, b) => Number(a.partition) - Number(b.partition));
      assert.deepEqual(byNumber, [ref, ...others]);
    });
  });
}
