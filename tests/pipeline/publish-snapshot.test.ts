import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { MemoryIndicatorSnapshots } from '../../shared/adapters/memory/indicator-snapshots.ts';
import { publishSnapshot } from '../../shared/pipeline/publish-snapshot.ts';
import type { SnapshotPointer } from '../../shared/ports/indicator-snapshots.ts';

const clock = { now: () => 1_787_400_000_000 };
const [A, B] = [Uint8Array.of(1), Uint8Array.of(2)];

describe('publishing a snapshot', () => {
  it('stores the file under its hash and points to it', async () => {
    const snapshots = new MemoryIndicatorSnapshots();
    const pointer = await publishSnapshot(snapshots, clock, A);
    assert.deepEqual(pointer, {
      ordinal: 1,
      id: hash('sha256', A, 'hex'),
      publishedAt: '2026-08-22T12:00:00.000Z',
      allowlistId: null,
    });
    assert.deepEqual((await snapshots.current())?.pointer, pointer);
    assert.deepEqual(await snapshots.read(pointer.id), A);
  });

  it('counts up with every other file, and leaves the one that is current as it is', async () => {
    const snapshots = new MemoryIndicatorSnapshots();
    const ordinals: number[] = [];
    for (const bytes of [A, A, B, B, A]) {
      ordinals.push((await publishSnapshot(snapshots, clock, bytes)).ordinal);
    }
    assert.deepEqual(ordinals, [1, 1, 2, 2, 3]);
  });

  it('leaves the allowlist as it is', async () => {
    const snapshots = new MemoryIndicatorSnapshots();
    const first = await publishSnapshot(snapshots, clock, A);
    const { version } = (await snapshots.current())!;
    await snapshots.point({ ...first, allowlistId: 'c'.repeat(64) }, version);
    const second = await publishSnapshot(snapshots, clock, B);
    assert.equal(second.allowlistId, 'c'.repeat(64));
    assert.deepEqual((await snapshots.current())?.pointer, second);
  });

  /** Somebody else publishes just before the pointer is moved, so many times. */
  class Busy extends MemoryIndicatorSnapshots {
    #left: number;

    constructor(times: number) {
      super();
      this.#left = times;
    }

    override async point(to: SnapshotPointer, version: string | null): Promise<boolean> {
      if (this.#left-- > 0) await super.point({ ...to, id: 'other' }, version);
      return super.point(to, version);
    }
  }

  it('goes behind whoever was faster: ordinals never fall or repeat', async () => {
    const snapshots = new Busy(3);
    assert.equal((await publishSnapshot(snapshots, clock, A)).ordinal, 4);
    assert.equal((await snapshots.current())?.pointer.id, hash('sha256', A, 'hex'));
  });

  it('gives up when the pointer never stands still', async () => {
    await assert.rejects(publishSnapshot(new Busy(100), clock, A), /moved 10 times/);
  });
});
