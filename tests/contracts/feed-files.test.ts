import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { BlobFeedFiles } from '../../shared/adapters/blob/feed-files.ts';
import { MemoryFeedFiles } from '../../shared/adapters/memory/feed-files.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import { type FaultyProxy, once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { feedFilesContract } from './feed-files.ts';

const HOUR_MS = 3_600_000;

let blobs: TestBlobs;
before(async () => {
  blobs = await startBlobs();
});
after(() => blobs.stop());

feedFilesContract('in memory', async () => {
  let now = Date.UTC(2026, 7, 22, 11);
  return {
    files: new MemoryFeedFiles(() => now),
    pass: (milliseconds) => void (now += milliseconds),
    close: async () => undefined,
  };
});

// Azurite dates a blob by the machine's clock. Here every file is as old as the suite makes it: each test passes time
// after it stored, and what a test before it stored is of another feed.
feedFilesContract('blobs', async () => {
  let passed = 0;
  const files = new BlobFeedFiles(blobs.service, () => Date.now() + passed);
  return {
    files: {
      store: (feed, bytes) => {
        passed = 0;
        return files.store(feed, bytes);
      },
      read: (feed, id) => files.read(feed, id),
      keepOnly: (feed, ids) => files.keepOnly(feed, ids),
    },
    pass: (milliseconds) => void (passed += milliseconds),
    close: async () => undefined,
  };
});

describe('feed files that are stored again in memory', () => {
  it('count as new: who is about to name them finds them', async () => {
    let now = 0;
    const files = new MemoryFeedFiles(() => now);
    const id = await files.store('feed', Uint8Array.of(1));
    now = 2 * HOUR_MS;
    await files.store('feed', Uint8Array.of(1));
    await files.keepOnly('feed', new Set());
    assert.deepEqual([...(await files.read('feed', id))!], [1]);
  });
});

describe('feed files in blobs', () => {
  let proxy: FaultyProxy;
  let files: BlobFeedFiles;
  let now: number | null = null;
  const container = () => blobs.service.getContainerClient('indicators');
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

  before(async () => {
    proxy = await startFaultyProxy(blobs.address);
    files = new BlobFeedFiles(blobs.through(proxy.address), () => now ?? Date.now());
  });
  after(() => proxy.stop());

  it('lie in a folder of the feed', async () => {
    const id = await files.store('feed.a', bytes);
    assert.equal(await container().getBlobClient(`feeds/feed.a/${id}`).exists(), true);
  });

  it('are lost when a bit differs, when cut and when empty', async () => {
    const id = await files.store('touched', bytes);
    const flipped = bytes.slice();
    flipped[50]! ^= 1;
    for (const tampered of [flipped, bytes.subarray(0, 99), new Uint8Array(0)]) {
      await container().getBlockBlobClient(`feeds/touched/${id}`).uploadData(tampered);
      assert.equal(await files.read('touched', id), null);
    }
  });

  it('stay within the folder of their feed', async () => {
    for (const feed of ['', '.', '..', 'a/b', 'a\\b', '../snapshots']) {
      await assert.rejects(files.store(feed, bytes), /a feed name/);
      await assert.rejects(files.read(feed, 'a'.repeat(64)), /a feed name/);
      await assert.rejects(files.keepOnly(feed, new Set()), /a feed name/);
    }
  });

  // The service dates in whole seconds, so a file that is stored again is dated later only after one.
  const storedBeforeASecond = async (feed: string) => {
    const id = await files.store(feed, bytes);
    const { lastModified } = await container().getBlobClient(`feeds/${feed}/${id}`).getProperties();
    const next = lastModified!.getTime() + 1000;
    await wait(next + 20 - Date.now());
    now = next + HOUR_MS;
    return id;
  };

  it('count as new when they are stored again', async () => {
    const id = await storedBeforeASecond('again');
    await files.store('again', bytes);
    await files.keepOnly('again', new Set());
    assert.equal((await files.read('again', id))!.length, 100);
    now = null;
  });

  it('stay when they are stored again between the list and the removal', async () => {
    const id = await storedBeforeASecond('between');
    const direct = new BlobFeedFiles(blobs.service);
    let again: Promise<string> | null = null;
    proxy.next(({ method }) => {
      if (method !== 'DELETE') return 'pass';
      again ??= direct.store('between', bytes);
      return { delayMs: 300 };
    });
    await files.keepOnly('between', new Set());
    assert.notEqual(again, null);
    assert.equal((await files.read('between', id))!.length, 100);
    proxy.next(() => 'pass');
    now = null;
  });

  it('are there in the end when they are removed while they are stored', async () => {
    const id = await files.store('removed', bytes);
    let removed = false;
    proxy.next(({ url }) => {
      if (!url.includes('comp=metadata') || removed) return 'pass';
      removed = true;
      void container().deleteBlob(`feeds/removed/${id}`);
      return { delayMs: 300 };
    });
    assert.equal(await files.store('removed', bytes), id);
    assert.ok(removed);
    assert.equal((await files.read('removed', id))!.length, 100);
    proxy.next(() => 'pass');
  });

  it('are stored though an answer was lost, and throw while the store refuses', async () => {
    proxy.next(once(({ method }) => method === 'PUT', 'dropAnswer'));
    const id = await files.store('lost', bytes);
    assert.equal((await files.read('lost', id))!.length, 100);
    proxy.next(() => 'refuse');
    await assert.rejects(files.store('lost', Uint8Array.of(1)), { statusCode: 503 });
    await assert.rejects(files.read('lost', id), { statusCode: 503 });
    await assert.rejects(files.keepOnly('lost', new Set()), { statusCode: 503 });
    proxy.next(() => 'pass');
  });
});
