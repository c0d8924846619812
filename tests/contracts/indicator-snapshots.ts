import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type {
  IndicatorSnapshots,
  SnapshotPointer,
} from '../../shared/ports/indicator-snapshots.ts';

export interface SnapshotsUnderTest {
  readonly snapshots: IndicatorSnapshots;
  close(): Promise<void>;
}

const pointer = (ordinal: number, id: string): SnapshotPointer => ({
  ordinal,
  id,
  publishedAt: '2026-08-22T11:00:00.000Z',
});

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

    it('keeps files apart', async () => {
      const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
      const [idOfA, idOfB] = await Promise.all([snapshots.store(a), snapshots.store(b)]);
      assert.deepEqual([...(await snapshots.read(idOfA))], [1]);
      assert.deepEqual([...(await snapshots.read(idOfB))], [2]);
    });

    it('throws for a snapshot that is not there', async () => {
      await assert.rejects(snapshots.read('0'.repeat(64)));
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
  });
}
