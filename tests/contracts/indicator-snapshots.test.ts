import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ContainerClient } from '@azure/storage-blob';
import { CONTAINERS } from '../../shared/adapters/blob/blob-service.ts';
import { BlobIndicatorSnapshots } from '../../shared/adapters/blob/indicator-snapshots.ts';
import { MemoryIndicatorSnapshots } from '../../shared/adapters/memory/indicator-snapshots.ts';
import { publishSnapshot } from '../../shared/pipeline/publish-snapshot.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import { once, startFaultyProxy } from '../support/faulty-proxy.ts';
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

indicatorSnapshotsContract('in memory', async () => ({
  snapshots: new MemoryIndicatorSnapshots(),
  close: async () => undefined,
}));

indicatorSnapshotsContract('blobs', async () => ({
  snapshots: new BlobIndicatorSnapshots(blobs.service),
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
      await assert.rejects(snapshots.read(id), new RegExp(`snapshot ${id} was expected`));
    }
    await overwrite(`snapshots/${id}`, bytes);
    assert.equal((await snapshots.read(id)).length, 100);
  });

  it('are refused where the pointer is not one', async () => {
    const id = 'a'.repeat(64);
    const pointers = [
      '{"ordinal":1,',
      '[]',
      JSON.stringify({ ordinal: 1.5, id }),
      JSON.stringify({ ordinal: '1', id }),
      JSON.stringify({ ordinal: 1 }),
      JSON.stringify({ ordinal: 1, id: '../../current.json' }),
    ];
    for (const text of pointers) {
      await overwrite('current.json', Buffer.from(text));
      await assert.rejects(snapshots.current(), text);
    }
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
