import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BlobCheckpoints } from '../../shared/adapters/blob/checkpoints.ts';
import { MemoryCheckpoints } from '../../shared/adapters/memory/checkpoints.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import { once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { checkpointsContract } from './checkpoints.ts';

let blobs: TestBlobs;
before(async () => {
  blobs = await startBlobs();
});
after(() => blobs.stop());

checkpointsContract('in memory', async () => ({
  checkpoints: new MemoryCheckpoints(),
  close: async () => undefined,
}));

checkpointsContract('blobs', async () => ({
  checkpoints: new BlobCheckpoints(blobs.service),
  close: async () => undefined,
}));

describe('a checkpoint over a faulty network', () => {
  it('does not claim a move whose answer was lost, and throws while the store refuses', async () => {
    const proxy = await startFaultyProxy(blobs.address);
    const checkpoints = new BlobCheckpoints(blobs.through(proxy.address));
    const first = await checkpoints.write('broken/a', { at: 1 }, null);
    proxy.next(once(({ method }) => method === 'PUT', 'dropAnswer'));
    assert.equal(await checkpoints.write('broken/a', { at: 2 }, first), null);
    assert.deepEqual((await checkpoints.read('broken/a'))?.value, { at: 2 });
    proxy.next(() => 'refuse');
    await assert.rejects(checkpoints.read('broken/a'), { statusCode: 503 });
    await proxy.stop();
  });

  it('throws for one that somebody broke', async () => {
    const checkpoints = new BlobCheckpoints(blobs.service);
    const blob = blobs.service
      .getContainerClient('checkpoints')
      .getBlockBlobClient('broken/b.json');
    await blob.upload('{"at":', 6);
    await assert.rejects(checkpoints.read('broken/b'), SyntaxError);
  });
});
