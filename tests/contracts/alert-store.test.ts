import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { CosmosClient } from '@azure/cosmos';
import { createHttpServer } from '@vercel/cosmosdb-server';
import { CosmosAlertStore } from '../../shared/adapters/cosmos/alert-store.ts';
import { createDatabase } from '../../shared/adapters/cosmos/cosmos.ts';
import { MemoryAlertStore } from '../../shared/adapters/memory/alert-store.ts';
import type { Alert } from '../../shared/domain/alert/alert.ts';
import type { AlertStore } from '../../shared/ports/alert-store.ts';
import { connect } from '../local/cosmos/client-suite.ts';
import { type TestCosmos, startTestCosmos } from '../support/cosmos.ts';
import { type FaultyProxy, once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { alertStoreContract, anAlert } from './alert-store.ts';

alertStoreContract('in memory', async () => ({
  store: new MemoryAlertStore(),
  close: async () => undefined,
}));

alertStoreContract('Cosmos, on the local server', async () => {
  const cosmos = await startTestCosmos();
  return { store: new CosmosAlertStore(cosmos.client), close: () => cosmos.stop() };
});

// A second opinion: a server written by others. It names an https address for itself, so the client is told to stay.
alertStoreContract(
  'Cosmos, on @vercel/cosmosdb-server',
  async () => {
    const server = createHttpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await createDatabase(client);
    return {
      store: new CosmosAlertStore(client),
      close: async () => {
        client.dispose();
        await new Promise((resolve) => {
          server.close(resolve);
          server.closeAllConnections?.();
        });
      },
    };
  },
  { listsEveryPartition: true },
);

describe('the Cosmos alert store over a faulty network', () => {
  let cosmos: TestCosmos;
  let proxy: FaultyProxy;
  let client: CosmosClient;
  let store: CosmosAlertStore;
  let direct: CosmosAlertStore;
  let device: string;
  let devices = 0;

  before(async () => {
    cosmos = await startTestCosmos();
    proxy = await startFaultyProxy(cosmos.address);
    client = cosmos.through(proxy.address);
    store = new CosmosAlertStore(client);
    direct = new CosmosAlertStore(cosmos.client);
  });
  after(async () => {
    client.dispose();
    await proxy.stop();
    await cosmos.stop();
  });
  beforeEach(() => {
    device = `device-${devices++}`;
    proxy.next(() => 'pass');
  });

  const toDocuments = ({ url }: { url: string }) => url.includes('/docs');

  it('asks again after 429, as long as the answer says', async () => {
    let refusals = 3;
    proxy.next((request) => (toDocuments(request) && refusals-- > 0 ? 'throttle' : 'pass'));
    const before = proxy.requests.length;
    assert.equal(await store.create(device, anAlert('a1', device)), true);
    assert.equal(proxy.requests.slice(before).filter(toDocuments).length, 4);
    assert.equal((await direct.read(device, 'a1'))?.alert.id, 'a1');
  });

  it('throws when 429 does not end', async () => {
    proxy.next((request) => (toDocuments(request) ? 'throttle' : 'pass'));
    await assert.rejects(store.create(device, anAlert('a1', device)), { code: 429 });
    await assert.rejects(store.read(device, 'a1'), { code: 429 });
    await assert.rejects(listOf(store, device), { code: 429 });
    assert.equal(await direct.read(device, 'a1'), null);
  });

  it('throws where the answer to a creation is lost, and finds the alert the next time', async () => {
    proxy.next(once(toDocuments, 'dropAnswer'));
    await assert.rejects(store.create(device, anAlert('a1', device)), { code: 'ECONNRESET' });
    assert.equal(await store.create(device, anAlert('a1', device)), false);
    assert.equal((await listOf(direct, device)).length, 1);
  });

  it('throws where the answer to a replacement is lost, and does not replace twice', async () => {
    await direct.create(device, anAlert('a1', device));
    const { alert, version } = (await direct.read(device, 'a1'))!;
    const replace = (revision: number) => store.replace(device, { ...alert, revision }, version);
    proxy.next(once(toDocuments, 'dropAnswer'));
    await assert.rejects(replace(2), { code: 'ECONNRESET' });
    assert.equal(await replace(3), false);
    assert.equal((await direct.read(device, 'a1'))!.alert.revision, 2);
  });

  it('throws while the store refuses', async () => {
    proxy.next((request) => (toDocuments(request) ? 'refuse' : 'pass'));
    await assert.rejects(store.read(device, 'a1'), { code: 503 });
    await assert.rejects(store.create(device, anAlert('a1', device)), { code: 503 });
    await assert.rejects(listOf(store), { code: 503 });
    assert.equal(await direct.read(device, 'a1'), null);
  });
});

describe('a Cosmos account without the database', () => {
  it('throws where an alert is written, and where alerts are listed', async () => {
    const cosmos = await startTestCosmos();
    await cosmos.client.database('threadwatch').delete();
    const store = new CosmosAlertStore(cosmos.client);
    await assert.rejects(store.create('device', anAlert('a1', 'device')), { code: 404 });
    await assert.rejects(listOf(store), { code: 404 });
    await cosmos.stop();
  });
});

async function listOf(store: AlertStore, partitionKey?: string): Promise<Alert[]> {
  const alerts: Alert[] = [];
  for await (const alert of store.list(partitionKey)) alerts.push(alert);
  return alerts;
}
