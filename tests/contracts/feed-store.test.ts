import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { CosmosClient } from '@azure/cosmos';
import { createHttpServer } from '@vercel/cosmosdb-server';
import { createDatabase } from '../../shared/adapters/cosmos/cosmos.ts';
import { CosmosFeedStore } from '../../shared/adapters/cosmos/feed-store.ts';
import { MemoryFeedStore } from '../../shared/adapters/memory/feed-store.ts';
import { connect } from '../local/cosmos/client-suite.ts';
import { type TestCosmos, startTestCosmos } from '../support/cosmos.ts';
import { type FaultyProxy, once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { aFeed, feedStoreContract } from './feed-store.ts';

feedStoreContract('in memory', async () => ({
  store: new MemoryFeedStore(),
  close: async () => undefined,
}));

feedStoreContract('Cosmos, on the local server', async () => {
  const cosmos = await startTestCosmos();
  return { store: new CosmosFeedStore(cosmos.client), close: () => cosmos.stop() };
});

// A second opinion: a server written by others.
feedStoreContract('Cosmos, on @vercel/cosmosdb-server', async () => {
  const server = createHttpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await createDatabase(client);
  return {
    store: new CosmosFeedStore(client),
    close: async () => {
      client.dispose();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections?.();
      });
    },
  };
});

describe('the Cosmos feed store', () => {
  let cosmos: TestCosmos;
  let proxy: FaultyProxy;
  let client: CosmosClient;
  let store: CosmosFeedStore;
  let direct: CosmosFeedStore;

  before(async () => {
    cosmos = await startTestCosmos();
    proxy = await startFaultyProxy(cosmos.address);
    client = cosmos.through(proxy.address);
    store = new CosmosFeedStore(client);
    direct = new CosmosFeedStore(cosmos.client);
  });
  after(async () => {
    client.dispose();
    await proxy.stop();
    await cosmos.stop();
  });
  beforeEach(() => proxy.next(() => 'pass'));

  const toDocuments = ({ url }: { url: string }) => url.includes('/docs');

  it('asks nothing about a name that cannot be an id, and refuses to write it', async () => {
    const before = proxy.requests.filter(toDocuments).length;
    for (const name of ['', '.', '..', 'a/b', 'a\\b', 'a?b', 'a#b', 'a'.repeat(256)]) {
      assert.equal(await store.read(name), null);
      await store.remove(name);
      await assert.rejects(store.write(aFeed(name), null), /a feed name that can be the id/);
      await assert.rejects(store.write(aFeed(name), '"1"'), /a feed name that can be the id/);
    }
    assert.equal(proxy.requests.filter(toDocuments).length, before);
  });

  it('throws where an answer is lost, and writes nothing twice', async () => {
    proxy.next(once(toDocuments, 'dropAnswer'));
    await assert.rejects(store.write(aFeed('lost', 1), null), { code: 'ECONNRESET' });
    assert.equal(await store.write(aFeed('lost', 2), null), false);
    const { version } = (await store.read('lost'))!;
    proxy.next(once(toDocuments, 'dropAnswer'));
    await assert.rejects(store.write(aFeed('lost', 3), version), { code: 'ECONNRESET' });
    assert.equal(await store.write(aFeed('lost', 4), version), false);
    assert.equal((await direct.read('lost'))!.feed.failure?.times, 3);
  });

  it('throws while the store refuses', async () => {
    await direct.write(aFeed('refused'), null);
    proxy.next((request) => (toDocuments(request) ? 'refuse' : 'pass'));
    await assert.rejects(store.read('refused'), { code: 503 });
    await assert.rejects(store.write(aFeed('new'), null), { code: 503 });
    await assert.rejects(store.remove('refused'), { code: 503 });
    await assert.rejects(store.list(), { code: 503 });
    assert.notEqual(await direct.read('refused'), null);
  });

  it('does not list documents of another sort', async () => {
    const container = cosmos.client.database('threadwatch').container('feeds');
    await container.items.create({ id: 'note', record: 'note' });
    assert.ok((await direct.list()).every(({ feed }) => feed !== undefined));
  });

  it('throws where the database is missing and a feed is written or listed', async () => {
    const empty = await startTestCosmos();
    await empty.client.database('threadwatch').delete();
    const homeless = new CosmosFeedStore(empty.client);
    await assert.rejects(homeless.write(aFeed('a'), null), { code: 404 });
    await assert.rejects(homeless.list(), { code: 404 });
    await empty.stop();
  });
});
