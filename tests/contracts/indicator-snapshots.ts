import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type {
  IndicatorSnapshots,
  SnapshotPointer,
} from '../../shared/ports/indicator-snapshots.ts';

export interface SnapshotsUnderTest {
  readonly snapshots: IndicatorSnapshots;
  /** A time that is after all that was stored so far, and not after what is stored from now on. */
  later(): Promise<number>;
  close(): Promise<void>;
}

const pointer = (ordinal: number, id: string): SnapshotPointer => ({
  ordinal,
  id,
  publishedAt: '2026-08-22T11:00:00.000Z',
  allowlistId: null,
  earlier: [],
});
const NONE: ReadonlySet<string> = new Set();
/** After everything that a test stores. */
const FAR = Date.UTC(2100, 0, 1);

/** What every answer to the port must do. `open` gives a store without a pointer, each time. */
export function indicatorSnapshotsContract(
  name: string,
  open: () => Promise<SnapshotsUnderTest>,
): void {
  describe(`indicator snapshots: ${name}`, () => {
    let under: SnapshotsUnderTest;
    let snapshots: IndicatorSnapshots;
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) & 255);

    beforeEach(async () => {
      under = await open();
      ({ snapshots } = under);
    });
    afterEach(() => under.close());

    it('has no current snapshot before the first is published', async () => {
      assert.equal(await snapshots.current(), null);
    });

    it('keeps a file under its SHA-256 and gives it back', async () => {
      const id = await snapshots.store(bytes);
      assert.equal(id, createHash('sha256').update(bytes).digest('hex'));
      assert.ok(Buffer.from(await snapshots.read(id)).equals(bytes));
    });

    it('keeps the same file once, and its own copy', async () => {
      const mine = bytes.slice();
      const id = await snapshots.store(mine);
      assert.equal(await snapshots.store(mine), id);
      mine.fill(0);
      assert.ok(Buffer.from(await snapshots.read(id)).equals(bytes));
    });

    it('keeps a copy of a Buffer too, and gives another each time', async () => {
      const mine = Buffer.from(bytes);
      const id = await snapshots.store(mine);
      mine.fill(0);
      (await snapshots.read(id)).fill(1);
      assert.ok(Buffer.from(await snapshots.read(id)).equals(bytes));
    });

    it('gives files in a buffer of their own, from its first byte on', async () => {
      for (const content of [bytes.subarray(1, 8), bytes, new Uint8Array(3_000_001).fill(7)]) {
        const read = await snapshots.read(await snapshots.store(content));
        assert.equal(read.byteOffset, 0);
        assert.equal(read.buffer.byteLength, content.length);
        assert.ok(Buffer.from(read).equals(content));
      }
    });

    it('keeps files apart', async () => {
      const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
      const [idOfA, idOfB] = await Promise.all([snapshots.store(a), snapshots.store(b)]);
      assert.deepEqual([...(await snapshots.read(idOfA))], [1]);
      assert.deepEqual([...(await snapshots.read(idOfB))], [2]);
    });

    it('throws for a snapshot that is not there', async () => {
      await assert.rejects(snapshots.read('0'.repeat(64)), { code: 'SNAPSHOT_LOST' });
    });

    it('points at a snapshot, and on from there', async () => {
      const id = await snapshots.store(bytes);
      assert.equal(await snapshots.point(pointer(1, id), null), true);
      const first = (await snapshots.current())!;
      assert.deepEqual(first.pointer, pointer(1, id));
      const next = pointer(2, await snapshots.store(Uint8Array.of(1)));
      assert.equal(await snapshots.point(next, first.version), true);
      const second = (await snapshots.current())!;
      assert.deepEqual(second.pointer, next);
      assert.notEqual(second.version, first.version);
    });

    it('does not move a pointer that moved since it was read', async () => {
      const id = await snapshots.store(bytes);
      await snapshots.point(pointer(1, id), null);
      const { version } = (await snapshots.current())!;
      await snapshots.point(pointer(2, id), version);
      assert.equal(await snapshots.point(pointer(3, id), version), false);
      assert.equal(await snapshots.point(pointer(3, id), null), false);
      assert.equal((await snapshots.current())!.pointer.ordinal, 2);
    });

    it('moves once where two move it at the same time', async () => {
      const id = await snapshots.store(bytes);
      for (const ordinal of [1, 2]) {
        const version = (await snapshots.current())?.version ?? null;
        const ids = [id, await snapshots.store(Uint8Array.of(ordinal))];
        const moved = await Promise.all(
          ids.map((one) => snapshots.point(pointer(ordinal, one), version)),
        );
        assert.equal(moved.filter(Boolean).length, 1);
        const winner = ids[moved.indexOf(true)]!;
        assert.deepEqual((await snapshots.current())!.pointer, pointer(ordinal, winner));
      }
    });

    it('says in the pointer which allowlist goes with a snapshot', async () => {
      const allowlistId = await snapshots.storeAllowlist(Uint8Array.of(1, 2));
      const to = { ...pointer(1, await snapshots.store(bytes)), allowlistId };
      assert.equal(await snapshots.point(to, null), true);
      const { pointer: read, version } = (await snapshots.current())!;
      assert.deepEqual(read, to);
      const without = { ...to, ordinal: 2, allowlistId: null };
      assert.equal(await snapshots.point(without, version), true);
      assert.deepEqual((await snapshots.current())!.pointer, without);
    });

    it('gives the pointer another version though the ordinal stayed', async () => {
      const to = pointer(1, await snapshots.store(bytes));
      await snapshots.point(to, null);
      const { version } = (await snapshots.current())!;
      await snapshots.point({ ...to, allowlistId: 'a'.repeat(64) }, version);
      assert.equal(await snapshots.point(to, version), false);
    });

    it('keeps an allowlist under its SHA-256, apart from the snapshots', async () => {
      const id = await snapshots.storeAllowlist(bytes);
      assert.equal(id, createHash('sha256').update(bytes).digest('hex'));
      assert.equal(await snapshots.storeAllowlist(bytes), id);
      assert.ok(Buffer.from(await snapshots.readAllowlist(id)).equals(bytes));
      await assert.rejects(snapshots.read(id), { code: 'SNAPSHOT_LOST' });
      await assert.rejects(snapshots.readAllowlist('0'.repeat(64)));
      const snapshotId = await snapshots.store(Uint8Array.of(5));
      await assert.rejects(snapshots.readAllowlist(snapshotId));
    });

    const stored = async (...contents: readonly number[]) =>
      Promise.all(contents.map((content) => snapshots.store(Uint8Array.of(content))));
    const isThere = async (id: string) => (await snapshots.read(id).catch(() => null)) !== null;
    const leftOf = async (ids: readonly string[]) => Promise.all(ids.map(isThere));

    it('removes old snapshots, save those to keep and the one that is current', async () => {
      const ids = await stored(1, 2, 3, 4);
      await snapshots.point(pointer(1, ids[1]!), null);
      const removed = await snapshots.remove(FAR, new Set([ids[3]!]));
      assert.equal(removed, 2);
      assert.deepEqual(await leftOf(ids), [false, true, false, true]);
    });

    it('removes the one that was current before, and then nothing more', async () => {
      const ids = await stored(1, 2);
      await snapshots.point(pointer(1, ids[0]!), null);
      await snapshots.point(pointer(2, ids[1]!), (await snapshots.current())!.version);
      assert.equal(await snapshots.remove(FAR, NONE), 1);
      assert.equal(await snapshots.remove(FAR, NONE), 0);
      assert.deepEqual(await leftOf(ids), [false, true]);
    });

    it('removes what nobody stored since, and nothing younger', async () => {
      const [old, again] = await stored(1, 2);
      const olderThan = await under.later();
      const [, young] = await stored(2, 3);
      assert.equal(await snapshots.remove(0, NONE), 0);
      assert.equal(await snapshots.remove(olderThan, NONE), 1);
      assert.deepEqual(await leftOf([old!, again!, young!]), [false, true, true]);
    });

    it('removes everything where nothing was published, and counts each once', async () => {
      const ids = await stored(1, 2, 3, 4, 5, 6);
      const removed = await Promise.all([1, 2].map(() => snapshots.remove(FAR, NONE)));
      assert.equal(removed[0]! + removed[1]!, 6);
      assert.deepEqual(new Set(await leftOf(ids)), new Set([false]));
    });

    it('leaves pointer and allowlists alone when it removes snapshots', async () => {
      const allowlistId = await snapshots.storeAllowlist(bytes);
      const to = { ...pointer(1, 'f'.repeat(64)), allowlistId };
      await snapshots.point(to, null);
      assert.equal(await snapshots.remove(FAR, NONE), 0);
      assert.deepEqual((await snapshots.current())!.pointer, to);
      assert.equal((await snapshots.readAllowlist(allowlistId)).length, bytes.length);
    });
  });
}
