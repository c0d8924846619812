import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { CosmosClient } from '@azure/cosmos';
import { createHttpServer } from '@vercel/cosmosdb-server';
import { createDatabase } from '../../shared/adapters/cosmos/cosmos.ts';
import { CosmosSecurityGroups } from '../../shared/adapters/cosmos/security-groups.ts';
import { MemorySecurityGroups } from '../../shared/adapters/memory/security-groups.ts';
import { connect } from '../local/cosmos/client-suite.ts';
import { type TestCosmos, startTestCosmos } from '../support/cosmos.ts';
import { type FaultyProxy, once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { aGroup, securityGroupsContract } from './security-groups.ts';

securityGroupsContract('in memory', async () => ({
  store: new MemorySecurityGroups(),
  close: async () => undefined,
}));

securityGroupsContract('Cosmos, on the local server', async () => {
  const cosmos = await startTestCosmos();
  return { store: new CosmosSecurityGroups(cosmos.client), close: () => cosmos.stop() };
});

// A second opinion: a server written by others.
securityGroupsContract('Cosmos, on @vercel/cosmosdb-server', async () => {
  const server = createHttpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await createDatabase(client);
  return {
    store: new CosmosSecurityGroups(client),
    close: async () => {
      client.dispose();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections?.();
      });
    },
  };
});

describe('the Cosmos store of security groups', () => {
  let cosmos: TestCosmos;
  let proxy: FaultyProxy;
  let client: CosmosClient;
  let store: CosmosSecurityGroups;
  let direct: CosmosSecurityGroups;

  before(async () => {
    cosmos = await startTestCosmos();
    proxy = await startFaultyProxy(cosmos.address);
    client = cosmos.through(proxy.address);
    store = new CosmosSecurityGroups(client);
    direct = new CosmosSecurityGroups(cosmos.client);
  });
  after(async () => {
    client.dispose();
    await proxy.stop();
    await cosmos.stop();
  });
  beforeEach(() => proxy.next(() => 'pass'));

  const isWrite = ({ url, method }: { url: string; method: string }) =>
    url.includes('/docs') && method !== 'GET';
  const toDocuments = ({ url }: { url: string }) => url.includes('/docs');

  it('throws where an answer is lost, and writes nothing twice', async () => {
    proxy.next(once(isWrite, 'dropAnswer'));
    await assert.rejects(store.write(aGroup('lost', 1), null), { code: 'ECONNRESET' });
    assert.equal(await store.write(aGroup('lost', 2), null), null);
    const { version } = (await store.read('lost'))!;
    proxy.next(once(isWrite, 'dropAnswer'));
    await assert.rejects(store.write(aGroup('lost', 3), version), { code: 'ECONNRESET' });
    assert.equal(await store.write(aGroup('lost', 4), version), null);
    assert.deepEqual((await direct.read('lost'))!.group, aGroup('lost', 3));
    assert.equal((await direct.current()).revision, 2);
  });

  it('throws while the store refuses', async () => {
    await direct.write(aGroup('refused'), null);
    proxy.next((request) => (toDocuments(request) ? 'refuse' : 'pass'));
    await assert.rejects(store.read('refused'), { code: 503 });
    await assert.rejects(store.write(aGroup('new'), null), { code: 503 });
    await assert.rejects(store.remove('refused', '"1"'), { code: 503 });
    await assert.rejects(store.list(), { code: 503 });
    await assert.rejects(store.current(), { code: 503 });
    assert.notEqual(await direct.read('refused'), null);
  });

  it('does not take documents of another sort for groups', async () => {
    const container = cosmos.client.database('threadwatch').container('securityGroups');
    const { revision } = await direct.current();
    await container.items.create({ id: 'note', record: 'note', revision: 100 });
    assert.ok((await direct.list()).every(({ group }) => group !== undefined));
    assert.equal((await direct.current()).revision, revision);
  });

  it('throws where the database is missing and a group is written or listed', async () => {
    const empty = await startTestCosmos();
    await empty.client.database('threadwatch').delete();
    const homeless = new CosmosSecurityGroups(empty.client);
    await assert.rejects(homeless.write(aGroup('a'), null), { code: 404 });
    await assert.rejects(homeless.list(), { code: 404 });
    await empty.stop();
  });
});
