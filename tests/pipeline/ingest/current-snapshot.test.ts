import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryIndicatorSnapshots } from '../../../shared/adapters/memory/indicator-snapshots.ts';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { writeAllowlist } from '../../../shared/format/allowlist.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { SnapshotError } from '../../../shared/format/indicator-snapshot/snapshot-error.ts';
import { CurrentSnapshot } from '../../../shared/pipeline/ingest/current-snapshot.ts';
import { publishSnapshot } from '../../support/publish-snapshot.ts';
import type { StoredPointer } from '../../../shared/ports/indicator-snapshots.ts';
import { listed, threats } from '../../format/indicator-snapshot/feeds.ts';

const FRESH = 60_000;
/** From here on the pointer is looked at ahead of time. */
const AHEAD = 40_000;
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
    await this.#held;
    return super.read(id);
  }

  #held: Promise<void> = Promise.resolve();

  /** Reads wait until what is returned is called. */
  holdReads(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return resolve;
  }
}

function world() {
  const time = { now: 1000 };
  const clock = { now: () => time.now };
  const snapshots = new WatchedSnapshots();
  const current = new CurrentSnapshot(snapshots, clock, FRESH);
  const publish = async (...texts: readonly string[]) => {
    const feed = threats('test.txt', ...texts.map((text) => listed(text)));
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
    time.now += AHEAD;
    await current.fresh();
    assert.deepEqual([snapshots.pointers, snapshots.files], [1, 1]);
    time.now += FRESH;
    await current.fresh();
    assert.deepEqual([snapshots.pointers, snapshots.files], [2, 1]);
  });

  it('is asked for when the clock went back', async () => {
    const { current, snapshots, time } = world();
    await current.fresh();
    time.now -= 1;
    await current.fresh();
    assert.equal(snapshots.pointers, 2);
  });

  it('is looked for ahead of time, and loaded beside the batches', async () => {
    const { time, current, snapshots, publish } = world();
    await publish('192.0.2.7');
    await current.fresh();
    await publish('198.51.100.1');
    time.now += AHEAD + 1;
    const release = snapshots.holdReads();
    assert.equal((await current.fresh()).ref.ordinal, 1);
    assert.equal((await current.fresh()).ref.ordinal, 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([snapshots.pointers, snapshots.files], [1, 2], 'one reading for both');
    release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await current.fresh()).ref.ordinal, 2);
  });

  it('takes an edited allowlist without reading the index again', async () => {
    const { time, current, snapshots, publish } = world();
    const { id, publishedAt } = await publish('192.0.2.7');
    assert.deepEqual((await current.fresh()).allowlist, []);
    const entry = {
      prefix: parsePrefix('192.0.2.0/24')!,
      reason: 'ours',
      expiresAt: null,
      addedAt: 0,
    };
    const allowlistId = await snapshots.storeAllowlist(writeAllowlist([entry]));
    const { version } = (await snapshots.current())!;
    await snapshots.point({ ordinal: 2, id, publishedAt, allowlistId, earlier: [] }, version);
    time.now += FRESH + 1;
    const files = snapshots.files;
    const { ref, allowlist } = await current.fresh();
    assert.deepEqual([ref.ordinal, allowlist], [2, [entry]]);
    assert.equal(snapshots.files, files);
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
    await new Promise((resolve) => setImmediate(resolve));
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

  for (const [what, spoil] of [
    ['torn', (bytes: Uint8Array) => bytes.slice(0, bytes.length / 2)],
    ['foreign', () => new Uint8Array(100)],
    ['damaged', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 200 ? byte ^ 1 : byte))],
  ] as const) {
    it(`stays as it is while the pointer names a ${what} file, says so, and follows the next good one`, async () => {
      const { time, current, snapshots, publish } = world();
      await publish('192.0.2.7');
      await current.fresh();
      const good = buildSnapshot([threats('test.txt', listed('198.51.100.1'))]);
      await publishSnapshot(snapshots, { now: () => 0 }, spoil(good));
      time.now += FRESH + 1;
      const { ref, index } = await current.fresh();
      assert.deepEqual([ref.ordinal, index.hasIpv4(LISTED)], [1, true]);
      assert.match(current.trouble ?? '', /snapshot 2 .* is refused/);
      await publishSnapshot(snapshots, { now: () => 0 }, good);
      time.now += FRESH + 1;
      assert.equal((await current.fresh()).ref.ordinal, 3);
      assert.equal(current.trouble, null);
    });
  }
});
