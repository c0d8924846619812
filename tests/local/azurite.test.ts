import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { startAzurite } from '../../local/azurite.ts';

describe('blob storage on this machine', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'azurite-'));
  });
  after(() => rm(directory, { recursive: true }));

  const container = (connectionString: string): ContainerClient =>
    BlobServiceClient.fromConnectionString(connectionString).getContainerClient('activity');

  it('keeps blobs over a restart in order, with the conditions on appends', async () => {
    // A port that nobody else takes while it is free for a moment.
    const first = await startAzurite({ directory, port: 0 });
    await container(first.connectionString).create();
    const blob = container(first.connectionString).getAppendBlobClient('a/b.log');
    await blob.create();
    await blob.appendBlock('hello', 5, { conditions: { appendPosition: 0 } });
    const twice = blob.appendBlock('again', 5, { conditions: { appendPosition: 0 } });
    await assert.rejects(twice, { statusCode: 412 });
    await first.stop();
    assert.equal((await first.exited).code, 0);

    const second = await startAzurite({ directory, port: first.listening.blobPort });
    assert.equal(second.connectionString, first.connectionString);
    const again = container(second.connectionString).getAppendBlobClient('a/b.log');
    await again.appendBlock(' world', 6, { conditions: { appendPosition: 5 } });
    assert.equal((await again.downloadToBuffer()).toString(), 'hello world');
    await second.stop();
  });

  it('takes another port when the usual one is taken', async () => {
    const one = await startAzurite({ directory: join(directory, 'one') });
    const other = await startAzurite({ directory: join(directory, 'other') });
    assert.notEqual(one.listening.blobPort, other.listening.blobPort);
    await Promise.all([one.stop(), other.stop()]);
  });
});
