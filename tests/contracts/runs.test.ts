import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RestError } from '@azure/storage-blob';
import { BlobRuns } from '../../shared/adapters/blob/runs.ts';
import { MemoryRuns } from '../../shared/adapters/memory/runs.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import { type FaultyProxy, once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { dying, runsContract, wholeOf } from './runs.ts';

let blobs: TestBlobs;
before(async () => {
  blobs = await startBlobs();
});
after(() => blobs.stop());

runsContract('in memory', async () => ({ runs: new MemoryRuns(), close: async () => undefined }));
runsContract('blobs', async () => ({
  runs: new BlobRuns(blobs.service),
  close: async () => undefined,
}));

describe('runs in blobs', () => {
  let proxy: FaultyProxy;
  let runs: BlobRuns;
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const isCommit = ({ method, url }: { method: string; url: string }) =>
    method === 'PUT' && url.includes('comp=blocklist');

  before(async () => {
    proxy = await startFaultyProxy(blobs.address);
    runs = new BlobRuns(blobs.through(proxy.address));
  });
  after(() => proxy.stop());

  it('stand whole when the answer to any of the requests of a write was lost', async () => {
    await runs.write('lost/count', [bytes]);
    const writes = proxy.requests.length;
    for (let lost = 0; lost < writes; lost++) {
      let request = 0;
      proxy.next(() => (request++ === lost ? 'dropAnswer' : 'pass'));
      // The SDK asks again and may meet its own file.
      const written = await runs.write(`lost/${lost}`, [bytes]);
      assert.equal(written, lost < writes - 1);
      assert.equal(await runs.write(`lost/${lost}`, [Uint8Array.of(1)]), false);
      assert.ok((await wholeOf(runs, `lost/${lost}`))!.equals(bytes));
    }
    proxy.next(() => 'pass');
  });

  it('are not there before the last request, and a second attempt writes them', async () => {
    proxy.next((request) => (isCommit(request) ? 'refuse' : 'pass'));
    await assert.rejects(runs.write('second', [bytes]), { statusCode: 503 });
    assert.equal(await runs.read('second'), null);
    assert.deepEqual(await runs.list('second'), []);
    proxy.next(once(isCommit, 'refuse'));
    assert.equal(await runs.write('second', [bytes]), true);
    assert.ok((await wholeOf(runs, 'second'))!.equals(bytes));
    proxy.next(() => 'pass');
  });

  it('throw what their source threw, a conflict of the store’s too', async () => {
    const error = new RestError('a source', { statusCode: 409 });
    await assert.rejects(runs.write('source', dying(error, bytes)), error);
    assert.equal(await runs.read('source'), null);
  });

  it('throw while the store refuses: nothing is missing because nobody answered', async () => {
    await runs.write('refused', [bytes]);
    proxy.next(() => 'refuse');
    await assert.rejects(runs.read('refused'), { statusCode: 503 });
    await assert.rejects(runs.list('refused'), { statusCode: 503 });
    await assert.rejects(runs.remove('refused'), { statusCode: 503 });
    proxy.next(() => 'pass');
    assert.ok((await wholeOf(runs, 'refused'))!.equals(bytes));
  });
});
