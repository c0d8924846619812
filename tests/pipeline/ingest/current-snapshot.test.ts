import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryIndicatorSnapshots } from '../../../shared/adapters/memory/indicator-snapshots.ts';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { SnapshotError } from '../../../shared/format/indicator-snapshot/layout.ts';
import { CurrentSnapshot } from '../../../shared/pipeline/ingest/current-snapshot.ts';
import { publishSnapshot } from '../../../shared/pipeline/publish-snapshot.ts';
import type { StoredPointer } from '../../../shared/ports/indicator-snapshots.ts';
import { listed } from '../../format/indicator-snapshot/feeds.ts';

const FRESH = 60_000;
const LISTED = parseAddress('192.0.2.7')!.words[0];

/** Counts what is asked of the store, and fails or waits when told. */
class WatchedSnapshots extends MemoryIndicatorSnapshots {
  pointers = 0;
  files = 0;
  down = false;

  override async current(): Promise<StoredPointer | null> {
    this.pointers++;
    if (this.down) throw new Error('the store is down');
    return super.current();
  }

  override async read(id: string): Promise<Uint8Array> {
    this.files++;
    return super.read(id);
  }
}

function world() {
  const time = { now: 1000 };
  const clock = { now: () => time.now };
  const snapshots = new WatchedSnapshots();
  const current = new CurrentSnapshot(snapshots, clock, FRESH);
  const publish = async (...texts: readonly string[]) => {
    const feed = { name: 'test.txt', indicators: texts.map((text) => listed(text)) };
    const pointer = await publishSnapshot(snapshots, clock, buildSnapshot([feed]));
    snapshots.pointers = 0;
    return pointer;
  };
  return { time, snapshots, current, publish };
}

describe('the current snapshot', () => {
  it('lists nothing before the first publication, and says so by ordinal 0', async () => {
    const { current } = world();
    const { ref, index } = await current.fresh();
    assert.equal(ref.ordinal, 0);
    assert.equal(index.hasIpv4(LISTED), false);
  });

  it('is the one that the pointer names', async () => {
    const { current, publish } = world();
    const { id } = await publish('192.0.2.7');
    const { ref, index } = await current.fresh();
    assert.deepEqual(ref, { ordinal: 1, id });
    assert.equal(index.hasIpv4(LISTED), true);
  });

  it('is not asked for again while it was checked lately enough', async () => {
    const { time, current, snapshots, publish } = world();
    await publish('192.0.2.7');
    await current.fresh();
    time.now += FRESH;
    await current.fresh();
    assert.deepEqual([snapshots.pointers, snapshots.files], [1, 1]);
    time.now += 1;
    await current.fresh();
    assert.deepEqual([snapshots.pointers, snapshots.files], [2, 1]);
  });

  it('is swapped for a newer one, never for an older one', async () => {
    const { time, current, snapshots, publish } = world();
    const first = await publish('192.0.2.7');
    await current.fresh();
    await publish('198.51.100.1');
    time.now += FRESH + 1;
    const { ref, index } = await current.fresh();
    assert.deepEqual([ref.ordinal, index.hasIpv4(LISTED)], [2, false]);
    const version = (await snapshots.current())!.version;
    await snapshots.point(first, version);
    assert.equal((await current.refresh()).ref.ordinal, 2);
  });

  it('is not used stale: a store that does not answer fails the batch', async () => {
    const { time, current, snapshots, publish } = world();
    await publish('192.0.2.7');
    await current.fresh();
    snapshots.down = true;
    time.now += FRESH;
    assert.equal((await current.fresh()).ref.ordinal, 1);
    time.now += 1;
    await assert.rejects(current.fresh(), /the store is down/);
    snapshots.down = false;
    assert.equal((await current.fresh()).ref.ordinal, 1);
  });

  it('is read once for batches that ask at the same time', async () => {
    const { current, snapshots, publish } = world();
    await publish('192.0.2.7');
    await Promise.all([current.fresh(), current.refresh(), current.fresh()]);
    assert.deepEqual([snapshots.pointers, snapshots.files], [1, 1]);
  });

  it('counts its age from the question, not from the answer', async () => {
    const { time, current, snapshots, publish } = world();
    await publish('192.0.2.7');
    const asked = current.fresh();
    time.now += FRESH + 1;
    await asked;
    await current.fresh();
    assert.equal(snapshots.pointers, 2);
  });

  it('is refused when the file is no snapshot', async () => {
    const { current, snapshots } = world();
    await publishSnapshot(snapshots, { now: () => 0 }, new Uint8Array(100));
    await assert.rejects(current.fresh(), SnapshotError);
  });
});
