import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerClient } from '@azure/storage-blob';
import { CONTAINERS } from '../../shared/adapters/blob/blob-service.ts';
import { collectHashed } from '../../shared/adapters/blob/hashed-blobs.ts';
import { BlobIndicatorSnapshots } from '../../shared/adapters/blob/indicator-snapshots.ts';
import { MemoryIndicatorSnapshots } from '../../shared/adapters/memory/indicator-snapshots.ts';
import { publishSnapshot } from '../support/publish-snapshot.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import {
  type FaultyProxy,
  type ProxiedRequest,
  once,
  startFaultyProxy,
} from '../support/faulty-proxy.ts';
import { indicatorSnapshotsContract } from './indicator-snapshots.ts';

let blobs: TestBlobs;
let container: ContainerClient;
before(async () => {
  blobs = await startBlobs();
  container = blobs.service.getContainerClient(CONTAINERS.indicators);
});
after(() => blobs.stop());

const empty = async () => {
  for await (const { name } of container.listBlobsFlat()) await container.deleteBlob(name);
};

indicatorSnapshotsContract('in memory', async () => {
  let now = Date.UTC(2026, 7, 22, 11);
  return {
    snapshots: new MemoryIndicatorSnapshots(() => now),
    later: async () => ++now,
    close: async () => undefined,
  };
});

/** The service dates blobs in whole seconds, by this machine's clock. */
const nextSecond = async () => {
  const next = Math.floor(Date.now() / 1000) * 1000 + 1000;
  await wait(next + 20 - Date.now());
  return next;
};

indicatorSnapshotsContract('blobs', async () => ({
  snapshots: new BlobIndicatorSnapshots(blobs.service),
  later: nextSecond,
  close: empty,
}));

describe('snapshot blobs that somebody touched', () => {
  let snapshots: BlobIndicatorSnapshots;
  beforeEach(async () => {
    await empty();
    snapshots = new BlobIndicatorSnapshots(blobs.service);
  });

  const overwrite = async (name: string, bytes: Uint8Array) => {
    await container.getBlockBlobClient(name).uploadData(bytes);
  };

  it('are refused when a bit differs, when cut and when empty', async () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    const id = await snapshots.store(bytes);
    const flipped = bytes.slice();
    flipped[50]! ^= 1;
    for (const tampered of [flipped, bytes.subarray(0, 99), new Uint8Array(0)]) {
      await overwrite(`snapshots/${id}`, tampered);
      await assert.rejects(snapshots.read(id), new RegExp(`snapshots/${id} was expected`));
    }
    await overwrite(`snapshots/${id}`, bytes);
    assert.equal((await snapshots.read(id)).length, 100);
  });

  it('are refused though they are an allowlist', async () => {
    const id = await snapshots.storeAllowlist(Uint8Array.of(1));
    await overwrite(`allowlists/${id}`, Uint8Array.of(2));
    await assert.rejects(snapshots.readAllowlist(id), new RegExp(`allowlists/${id} was expected`));
  });

  it('have neither allowlist nor past where the pointer is of the version before', async () => {
    const before = { ordinal: 3, id: 'a'.repeat(64), publishedAt: '2026-08-22T11:00:00.000Z' };
    await overwrite('current.json', Buffer.from(JSON.stringify(before)));
    const { pointer, version } = (await snapshots.current())!;
    assert.deepEqual(pointer, { ...before, allowlistId: null, earlier: [] });
    assert.equal(await snapshots.point({ ...pointer, ordinal: 4 }, version), true);
  });

  it('are refused where the pointer is not one', async () => {
    const id = 'a'.repeat(64);
    const publication = { ordinal: 1, id, publishedAt: '2026-08-22T11:00:00.000Z' };
    const earlier = [{ ...publication, ordinal: 0 }];
    const good = { ...publication, allowlistId: null, earlier };
    const { publishedAt: _, ...undated } = good;
    const pointers = [
      '{"ordinal":1,',
      '[]',
      'null',
      '"current"',
      JSON.stringify(undated),
      ...[1.5, '1', null].map((ordinal) => JSON.stringify({ ...good, ordinal })),
      ...['../../current.json', null, [id]].map((wrong) => JSON.stringify({ ...good, id: wrong })),
      ...['none', 0, [id]].map((allowlistId) => JSON.stringify({ ...good, allowlistId })),
      ...[{}, null, [{ ...publication, id: '..' }], [null]].map((wrong) =>
        JSON.stringify({ ...good, earlier: wrong }),
      ),
    ];
    await overwrite('current.json', Buffer.from(JSON.stringify(good)));
    assert.deepEqual((await snapshots.current())?.pointer, good);
    for (const text of pointers) {
      await overwrite('current.json', Buffer.from(text));
      await assert.rejects(snapshots.current(), /current\.json (needs|is not JSON)/, text);
    }
  });
});

describe('removing snapshot blobs while somebody publishes', () => {
  let proxy: FaultyProxy;
  let snapshots: BlobIndicatorSnapshots;
  let direct: BlobIndicatorSnapshots;
  const clock = { now: () => Date.UTC(2026, 7, 22) };
  const bytes = Uint8Array.of(1, 2, 3);

  before(async () => {
    proxy = await startFaultyProxy(blobs.address);
    snapshots = new BlobIndicatorSnapshots(blobs.through(proxy.address));
    direct = new BlobIndicatorSnapshots(blobs.service);
  });
  after(() => proxy.stop());
  beforeEach(empty);

  /** Publishes an old snapshot again while the first request of this sort waits. */
  const publishDuring = async (which: (request: ProxiedRequest) => boolean) => {
    const id = await direct.store(bytes);
    const olderThan = await nextSecond();
    const published: Promise<unknown>[] = [];
    proxy.next((request) => {
      if (!which(request)) return 'pass';
      if (published.length === 0) published.push(publishSnapshot(direct, clock, bytes));
      return { delayMs: 300 };
    });
    const removed = await snapshots.remove(olderThan, new Set());
    assert.equal(published.length, 1);
    await published[0];
    proxy.next(() => 'pass');
    assert.equal((await snapshots.current())?.pointer.id, id);
    assert.deepEqual(await snapshots.read(id), bytes);
    return removed;
  };

  it('leaves one that was published after the list', async () => {
    assert.equal(await publishDuring(({ url }) => url.includes('current.json')), 0);
  });

  it('leaves one that was published after the pointer was read', async () => {
    assert.equal(await publishDuring(({ method }) => method === 'DELETE'), 0);
  });

  it('removes nothing where the pointer cannot be read', async () => {
    const id = await direct.store(bytes);
    await container.getBlockBlobClient('current.json').uploadData(Buffer.from('{'));
    await assert.rejects(direct.remove(Date.now() + 60_000, new Set()), /is not JSON/);
    assert.deepEqual(await direct.read(id), bytes);
  });
});

describe('bytes that arrive and are hashed', () => {
  const collected = async (length: number, ...chunks: readonly string[]) =>
    collectHashed(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), length);

  it('are collected in one buffer of the promised length', async () => {
    for (const chunks of [['abcdef'], ['a', '', 'bcde', 'f']]) {
      const { bytes, sha256 } = await collected(6, ...chunks);
      assert.equal(Buffer.from(bytes).toString(), 'abcdef');
      assert.equal(sha256, createHash('sha256').update('abcdef').digest('hex'));
      assert.equal(bytes.buffer.byteLength, 6);
    }
    assert.equal((await collected(0)).bytes.length, 0);
  });

  it('are refused when they are fewer or more than promised', async () => {
    await assert.rejects(collected(7, 'abc', 'def'), /7 bytes were promised, 6 came/);
    await assert.rejects(collected(1), /1 bytes were promised, 0 came/);
    await assert.rejects(collected(5, 'abc', 'def'), /5 bytes were promised, at least 6 came/);
    await assert.rejects(collected(0, 'a'), /0 bytes were promised, at least 1 came/);
  });

  it('end with the stream that breaks', async () => {
    async function* breaking() {
      yield Buffer.from('abc');
      throw new Error('the connection broke');
    }
    await assert.rejects(collectHashed(Readable.from(breaking()), 6), /the connection broke/);
  });
});

describe('publishing a snapshot over a faulty network', () => {
  it('moves the pointer once though the answer was lost', async () => {
    await empty();
    const proxy = await startFaultyProxy(blobs.address);
    const snapshots = new BlobIndicatorSnapshots(blobs.through(proxy.address));
    proxy.next(
      once(({ method, url }) => method === 'PUT' && url.includes('current.json'), 'dropAnswer'),
    );
    const clock = { now: () => Date.UTC(2026, 7, 22) };
    const published = await publishSnapshot(snapshots, clock, Uint8Array.of(1, 2, 3));
    assert.equal(published.ordinal, 1);
    assert.deepEqual((await snapshots.current())!.pointer, published);
    proxy.next(() => 'refuse');
    await assert.rejects(publishSnapshot(snapshots, clock, Uint8Array.of(4)), { statusCode: 503 });
    await proxy.stop();
  });
});
