import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Runs } from '../../shared/ports/runs.ts';

export interface RunsUnderTest {
  readonly runs: Runs;
  close(): Promise<void>;
}

export async function wholeOf(runs: Runs, name: string): Promise<Buffer | null> {
  const pieces = await runs.read(name);
  if (pieces === null) return null;
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return Buffer.concat(parts);
}

/** Yields these pieces, then throws. */
export async function* dying(
  error: Error,
  ...pieces: readonly Uint8Array[]
): AsyncGenerator<Uint8Array> {
  yield* pieces;
  throw error;
}

/** What every answer to the port must do. */
export function runsContract(name: string, open: () => Promise<RunsUnderTest>): void {
  describe(`runs: ${name}`, () => {
    let under: RunsUnderTest;
    let runs: Runs;
    let folders = 0;
    let folder: string;
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 255);

    before(async () => {
      under = await open();
      ({ runs } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      folder = `test~devices-${folders++}`;
    });

    it('keeps the pieces of a file end to end', async () => {
      const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 4000), bytes.subarray(4000)];
      assert.equal(await runs.write(`${folder}/0/5m/a/b`, pieces), true);
      assert.ok((await wholeOf(runs, `${folder}/0/5m/a/b`))!.equals(bytes));
    });

    it('keeps one of several megabytes that comes while it is made, and gives it in pieces', async () => {
      const megabyte = Buffer.alloc(1_000_003, 'threadwatch');
      async function* made() {
        for (let i = 0; i < 11; i++) {
          yield megabyte;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      assert.equal(await runs.write(`${folder}/large`, made()), true);
      let [length, count] = [0, 0];
      for await (const piece of (await runs.read(`${folder}/large`))!) {
        for (let i = 0; i < piece.length; i += 997) {
          assert.equal(piece[i], megabyte[(length + i) % megabyte.length]);
        }
        length += piece.length;
        count++;
      }
      assert.equal(length, 11 * megabyte.length);
      assert.ok(count > 10);
    });

    it('writes a name once: the first bytes stay', async () => {
      assert.equal(await runs.write(`${folder}/once`, [bytes]), true);
      assert.equal(await runs.write(`${folder}/once`, [Uint8Array.of(1)]), false);
      assert.equal(await runs.write(`${folder}/once`, [bytes]), false);
      assert.ok((await wholeOf(runs, `${folder}/once`))!.equals(bytes));
    });

    it('lets one of many win that write a name at once', async () => {
      const writers = Array.from({ length: 6 }, (_, i) => async () => {
        async function* slow() {
          yield new Uint8Array(3_000_000).fill(i);
          await new Promise((resolve) => setTimeout(resolve, 5 * i));
          yield new Uint8Array(3_000_000).fill(i);
        }
        return runs.write(`${folder}/race`, slow());
      });
      const won = await Promise.all(writers.map((write) => write()));
      assert.equal(won.filter(Boolean).length, 1);
      const stored = (await wholeOf(runs, `${folder}/race`))!;
      assert.ok(stored.equals(Buffer.alloc(6_000_000, won.indexOf(true))));
    });

    it('leaves nothing of a file whose making fails, and takes it when it is made again', async () => {
      const error = new Error('the log is gone');
      const large = new Uint8Array(6_000_000);
      for (const pieces of [[], [bytes], [large, bytes]]) {
        await assert.rejects(runs.write(`${folder}/dead`, dying(error, ...pieces)), error);
        assert.equal(await runs.read(`${folder}/dead`), null);
        assert.deepEqual(await runs.list(folder), []);
      }
      assert.equal(await runs.write(`${folder}/dead`, [bytes]), true);
    });

    it('fails, and does not take the file for written, where what it is made of answers a conflict', async () => {
      for (const statusCode of [404, 409, 412]) {
        const error = Object.assign(new Error('a source'), { statusCode, name: 'RestError' });
        await assert.rejects(runs.write(`${folder}/source`, dying(error, bytes)), error);
        assert.equal(await runs.read(`${folder}/source`), null);
      }
    });

    it('lists names that begin with a prefix, in order, not only whole folders', async () => {
      const names = ['1h/2', '5m/20260822T1005/1', '5m/20260822T1000/1', '5m/20260822T1100/1'];
      for (const name of names) await runs.write(`${folder}/0/${name}`, [bytes]);
      await runs.write(`${folder}/01/5m/20260822T1000/1`, [bytes]);
      const list = async (prefix: string) =>
        (await runs.list(`${folder}/${prefix}`)).map((name) => name.slice(folder.length + 1));
      assert.deepEqual(await list('0/'), [
        '0/1h/2',
        '0/5m/20260822T1000/1',
        '0/5m/20260822T1005/1',
        '0/5m/20260822T1100/1',
      ]);
      assert.deepEqual(await list('0/5m/20260822T10'), [
        '0/5m/20260822T1000/1',
        '0/5m/20260822T1005/1',
      ]);
      assert.equal((await list('0')).length, 5);
      assert.deepEqual(await list('0/1d/'), []);
    });

    it('gives null for a name that is not there', async () => {
      await runs.write(`${folder}/0/a/b`, [bytes]);
      assert.equal(await runs.read(`${folder}/0/a`), null);
      assert.equal(await runs.read(`${folder}/0/a/c`), null);
    });

    it('may be read by several at once, and left in the middle', async () => {
      const large = new Uint8Array(4_000_000).map((_, i) => i & 127);
      await runs.write(`${folder}/read`, [large]);
      for await (const piece of (await runs.read(`${folder}/read`))!) {
        assert.ok(piece.length > 0);
        break;
      }
      const both = await Promise.all([1, 2].map(() => wholeOf(runs, `${folder}/read`)));
      assert.ok(both.every((whole) => whole!.equals(large)));
    });

    it('removes by prefix, says how many, and lets a name be written anew', async () => {
      for (const name of ['0/a', '0/b', '01/a']) await runs.write(`${folder}/${name}`, [bytes]);
      assert.equal(await runs.remove(`${folder}/0/`), 2);
      assert.equal(await runs.remove(`${folder}/0/`), 0);
      assert.deepEqual(await runs.list(folder), [`${folder}/01/a`]);
      assert.equal(await runs.write(`${folder}/0/a`, [Uint8Array.of(7)]), true);
      assert.deepEqual([...(await wholeOf(runs, `${folder}/0/a`))!], [7]);
    });
  });
}
