import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BlobConfiguration } from '../../shared/adapters/blob/configuration.ts';
import { MemoryConfiguration } from '../../shared/adapters/memory/configuration.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import { once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { configurationContract } from './configuration.ts';

let blobs: TestBlobs;
before(async () => {
  blobs = await startBlobs();
});
after(() => blobs.stop());

configurationContract('in memory', async () => ({
  configuration: new MemoryConfiguration(),
  close: async () => undefined,
}));

configurationContract('blobs', async () => ({
  configuration: new BlobConfiguration(blobs.service),
  close: async () => undefined,
}));

describe('a configuration file that an operator wrote', () => {
  const upload = async (name: string, bytes: Uint8Array) => {
    const container = blobs.service.getContainerClient('configuration');
    await container.getBlockBlobClient(name).uploadData(bytes);
  };
  const configuration = () => new BlobConfiguration(blobs.service);

  it('is read by its name with .json, with a byte order mark or without', async () => {
    for (const mark of ['', '\ufeff']) {
      await upload('allowlist.json', Buffer.from(`${mark}{\r\n "entries": []\r\n}\r\n`));
      assert.deepEqual((await configuration().read('allowlist'))?.value, { entries: [] });
    }
  });

  it('is named where it is not JSON', async () => {
    const broken = [
      Buffer.from(''),
      Buffer.from('{"feeds":'),
      Buffer.from('<html></html>'),
      Buffer.from('{"feeds":[]}', 'utf16le'),
      Buffer.from('{"name":"\xe4"}', 'latin1'),
    ];
    for (const bytes of broken) {
      await upload('feeds.json', bytes);
      await assert.rejects(configuration().read('feeds'), /configuration\/feeds\.json is not JSON/);
    }
  });
});

describe('configuration over a faulty network', () => {
  it('does not claim a write whose answer was lost, and throws while the store refuses', async () => {
    const proxy = await startFaultyProxy(blobs.address);
    const configuration = new BlobConfiguration(blobs.through(proxy.address));
    const first = await configuration.write('lost', { at: 1 }, null);
    proxy.next(once(({ method }) => method === 'PUT', 'dropAnswer'));
    assert.equal(await configuration.write('lost', { at: 2 }, first), null);
    assert.deepEqual((await configuration.read('lost'))?.value, { at: 2 });
    proxy.next(() => 'refuse');
    await assert.rejects(configuration.read('lost'), { statusCode: 503 });
    await assert.rejects(configuration.write('lost', { at: 3 }, first), { statusCode: 503 });
    await proxy.stop();
  });
});
