import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { FeedFiles } from '../../shared/ports/feed-files.ts';

export interface FeedFilesUnderTest {
  readonly files: FeedFiles;
  /** Lets so much time pass for the store. */
  pass(milliseconds: number): void;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What every answer to the port must do. */
export function feedFilesContract(name: string, open: () => Promise<FeedFilesUnderTest>): void {
  describe(`feed files: ${name}`, () => {
    let under: FeedFilesUnderTest;
    let files: FeedFiles;
    let feeds = 0;
    let feed: string;
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 255);

    before(async () => {
      under = await open();
      ({ files } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      feed = `Feed_${feeds++}.a-b`;
    });

    const store = (...contents: readonly number[]) =>
      Promise.all(contents.map((content) => files.store(feed, Uint8Array.of(content))));
    const isThere = async (id: string, of = feed) => (await files.read(of, id)) !== null;
    const read = async (id: string) => (await files.read(feed, id))!;

    it('keeps a file under its SHA-256 and gives it back', async () => {
      const id = await files.store(feed, bytes);
      assert.equal(id, sha256(bytes));
      assert.ok(Buffer.from(await read(id)).equals(bytes));
    });

    it('keeps an empty file, and one of several megabytes', async () => {
      const large = new Uint8Array(6_000_000).map((_, i) => (i * 31) >> 3);
      for (const content of [new Uint8Array(0), large]) {
        const id = await files.store(feed, content);
        assert.equal(id, sha256(content));
        assert.ok(Buffer.from(await read(id)).equals(content));
      }
    });

    it('keeps the same bytes once, and its own copy of them', async () => {
      const mine = Buffer.from(bytes);
      const id = await files.store(feed, mine);
      assert.equal(await files.store(feed, mine), id);
      mine.fill(0);
      const given = await read(id);
      assert.ok(Buffer.from(given).equals(bytes));
      given.fill(1);
      assert.ok(Buffer.from(await read(id)).equals(bytes));
    });

    it('keeps the same bytes once where several store them at once', async () => {
      const ids = await store(1, 1, 1, 1);
      assert.equal(new Set(ids).size, 1);
      assert.deepEqual([...(await read(ids[0]!))], [1]);
    });

    it('stores a view of a larger buffer as what it shows', async () => {
      const id = await files.store(feed, bytes.subarray(10, 20));
      assert.deepEqual([...(await read(id))], [...bytes.subarray(10, 20)]);
    });

    it('gives null for a file that is not there, or is there for another feed only', async () => {
      const id = await files.store(feed, bytes);
      assert.equal(await files.read(feed, '0'.repeat(64)), null);
      assert.equal(await files.read(`${feed}2`, id), null);
      assert.equal(await files.read(feed.slice(0, -1), id), null);
    });

    it('keeps the files that are named, and removes the others of that feed only', async () => {
      const [a, b, c] = (await store(1, 2, 3)) as [string, string, string];
      const others = [`${feed}2`, feed.slice(0, -1)];
      for (const other of others) await files.store(other, Uint8Array.of(1));
      under.pass(2 * HOUR_MS);
      await files.keepOnly(feed, new Set([b, '0'.repeat(64)]));
      assert.deepEqual(await Promise.all([a, b, c].map((id) => isThere(id))), [false, true, false]);
      for (const other of others) assert.ok(await isThere(a, other));
    });

    it('removes all of them when none is named, and again when none is left', async () => {
      const ids = await store(1, 2, 3);
      under.pass(2 * HOUR_MS);
      for (let times = 0; times < 2; times++) {
        await files.keepOnly(feed, new Set());
        for (const id of ids) assert.equal(await isThere(id), false);
      }
    });

    it('removes nothing that was stored within the last hour', async () => {
      const [old] = await store(1);
      under.pass(HOUR_MS - 60_000);
      await files.keepOnly(feed, new Set());
      assert.ok(await isThere(old!));
      under.pass(120_000);
      await files.keepOnly(feed, new Set());
      assert.equal(await isThere(old!), false);
    });

    it('is no trouble where two clean up at once', async () => {
      const ids = await store(1, 2, 3, 4, 5, 6);
      under.pass(2 * HOUR_MS);
      await Promise.all([1, 2, 3].map(() => files.keepOnly(feed, new Set([ids[0]!]))));
      const left = await Promise.all(ids.map((id) => isThere(id)));
      assert.deepEqual(left, [true, false, false, false, false, false]);
    });

    it('cleans up for a feed that never had a file', async () => {
      await files.keepOnly(feed, new Set());
      assert.equal(await isThere('0'.repeat(64)), false);
    });
  });
}
