import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { startPlatform } from '../../local/platform.ts';
import { BlobCheckpoints } from '../../shared/adapters/blob/checkpoints.ts';
import { openBlobService } from '../../shared/adapters/blob/blob-service.ts';
import { CosmosAlertStore } from '../../shared/adapters/cosmos/alert-store.ts';
import { openCosmos } from '../../shared/adapters/cosmos/cosmos.ts';
import { parseSettings } from '../../shared/wiring.ts';
import { anAlert } from '../contracts/alert-store.ts';

describe('the platform on this machine', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-platform-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('names each part as it starts, and gives the settings with which it is found', async () => {
    const started: string[] = [];
    const platform = await startPlatform({
      directory,
      partitionCount: 2,
      onStarted: (name, address) => started.push(`${name} ${new URL(address).hostname}`),
    });
    assert.deepEqual(started.sort(), [
      'blob storage 127.0.0.1',
      'cosmos db 127.0.0.1',
      'event hub 127.0.0.1',
    ]);
    assert.equal(parseSettings({ ...platform.settings }).IotHubName, 'local-hub');
    assert.deepEqual(await platform.hub.client.partitionIds(), ['0', '1']);
    await platform.stop();
    await Promise.all([platform.hub, platform.blobs, platform.cosmos].map(({ exited }) => exited));
  });

  it('finds everything after a restart on the same folder', async () => {
    const stores = (platform: Awaited<ReturnType<typeof startPlatform>>) => ({
      checkpoints: new BlobCheckpoints(
        openBlobService({ connectionString: platform.blobs.connectionString }),
      ),
      alerts: new CosmosAlertStore(
        openCosmos({ connectionString: platform.cosmos.connectionString }),
      ),
    });
    const first = await startPlatform({ directory, partitionCount: 1 });
    const before = stores(first);
    await before.checkpoints.write('fold/a', { at: 1 }, null);
    await before.alerts.create('cam-1', anAlert('a1', 'cam-1'));
    await first.hub.client.send([{ partitionId: '0', body: Uint8Array.of(1) }]);
    await first.stop();
    const second = await startPlatform({ directory, partitionCount: 1 });
    const after = stores(second);
    assert.deepEqual((await after.checkpoints.read('fold/a'))?.value, { at: 1 });
    assert.equal((await after.alerts.read('cam-1', 'a1'))?.alert.id, 'a1');
    const { lastEnqueuedSequenceNumber } = await second.hub.client.partitionProperties('0');
    assert.equal(lastEnqueuedSequenceNumber, 0);
    await second.stop();
  });

  it('says which part ended though nobody asked', async () => {
    const platform = await startPlatform({ directory, partitionCount: 1 });
    await platform.cosmos.kill('SIGKILL');
    assert.equal(await platform.failed, 'cosmos ended (SIGKILL)');
    await platform.stop();
  });

  it('stops what has started when a part cannot start', async () => {
    await (await startPlatform({ directory, partitionCount: 1 })).stop();
    const addresses: string[] = [];
    const refused = startPlatform({
      directory,
      partitionCount: 2,
      onStarted: (_, address) => addresses.push(address),
    });
    await assert.rejects(refused, /has 1 partitions, not 2/);
    assert.equal(addresses.length, 2);
    for (const address of addresses) await assert.rejects(fetch(address), { name: 'TypeError' });
  });

  it('starts nothing where its folders cannot be made', async () => {
    await writeFile(join(directory, 'cosmos'), 'a file');
    await assert.rejects(startPlatform({ directory, partitionCount: 1 }), { code: 'EEXIST' });
    assert.ok(!process.getActiveResourcesInfo().includes('ProcessWrap'));
  });
});
