import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Container, CosmosClient, type Database } from '@azure/cosmos';

export interface Opened {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** What a server is known to do otherwise than Cosmos; the suite holds it to that too. */
export interface Differences {
  /** Answers 200 with the document where If-None-Match names its etag. */
  readonly ignoresIfNoneMatch?: boolean;
  /** Answers a query for one partition key with documents of all. */
  readonly ignoresPartitionKeyOfQuery?: boolean;
}

interface Alert {
  readonly id: string;
  readonly pk: string;
  readonly n: number;
}

/** Facts that the real client must find at any server that plays Cosmos. */
export function cosmosClientSuite(
  name: string,
  open: () => Promise<Opened>,
  differences: Differences = {},
): void {
  describe(`@azure/cosmos against ${name}`, () => {
    let server: Opened;
    let client: CosmosClient;
    let database: Database;
    let alerts: Container;
    let databases = 0;

    before(async () => {
      server = await open();
      client = connect(server.endpoint);
    });
    after(async () => {
      client.dispose();
      await server.close();
    });
    beforeEach(async () => {
      ({ database } = await client.databases.create({ id: `db${databases++}` }));
      ({ container: alerts } = await database.containers.create({
        id: 'alerts',
        partitionKey: { paths: ['/pk'] },
      }));
    });

    it('creates a database and a container once', async () => {
      const again = await client.databases.createIfNotExists({ id: database.id });
      assert.equal(again.statusCode, 200);
      await assert.rejects(client.databases.create({ id: database.id }), { code: 409 });
      const { resource } = await alerts.read();
      assert.deepEqual(resource?.partitionKey?.paths, ['/pk']);
      await assert.rejects(
        database.containers.create({ id: 'alerts', partitionKey: { paths: ['/pk'] } }),
        { code: 409 },
      );
    });

    it('lists and deletes databases and containers', async () => {
      const { resources: containers } = await database.containers.readAll().fetchAll();
      assert.deepEqual(
        containers.map(({ id }) => id),
        ['alerts'],
      );
      await alerts.delete();
      await assert.rejects(alerts.read(), { code: 404 });
      await database.delete();
      const { resources } = await client.databases.readAll().fetchAll();
      assert.ok(resources.every(({ id }) => id !== database.id));
    });

    it('gives a document back as it was created, with the properties of the service', async () => {
      const document = { id: 'a', pk: 'dév-1', n: 1, deep: { list: [1, 'zwei', null] } };
      const { statusCode } = await alerts.items.create({ ...document });
      assert.equal(statusCode, 201);
      const { resource, etag } = await alerts.item('a', 'dév-1').read();
      assert.partialDeepStrictEqual(resource, document);
      assert.equal(resource._etag, etag);
      assert.equal(typeof resource._rid, 'string');
      assert.equal(typeof resource._self, 'string');
      assert.ok(Math.abs(resource._ts - Date.now() / 1000) < 10);
    });

    it('refuses to create what exists, in the same partition only', async () => {
      await alerts.items.create({ id: 'a', pk: 'x', n: 1 });
      await assert.rejects(alerts.items.create({ id: 'a', pk: 'x', n: 2 }), { code: 409 });
      await alerts.items.create({ id: 'a', pk: 'y', n: 3 });
      assert.equal((await alerts.item('a', 'x').read<Alert>()).resource?.n, 1);
      assert.equal((await alerts.item('a', 'y').read<Alert>()).resource?.n, 3);
    });

    it('says 404 for what does not exist', async () => {
      assert.equal((await alerts.item('a', 'x').read()).statusCode, 404);
      const replaced = alerts.item('a', 'x').replace({ id: 'a', pk: 'x' });
      await assert.rejects(replaced, { code: 404 });
      await assert.rejects(alerts.item('a', 'x').delete(), { code: 404 });
      const elsewhere = database.container('none').items.query('SELECT * FROM c').fetchAll();
      await assert.rejects(elsewhere, { code: 404 });
    });

    it('replaces and deletes only what still has the etag of If-Match', async () => {
      const first = await alerts.items.create({ id: 'a', pk: 'x', n: 1 });
      const stale = { accessCondition: { type: 'IfMatch', condition: first.etag } };
      const item = alerts.item('a', 'x');
      const second = await item.replace({ id: 'a', pk: 'x', n: 2 }, stale);
      assert.notEqual(second.etag, first.etag);
      await assert.rejects(item.replace({ id: 'a', pk: 'x', n: 3 }, stale), { code: 412 });
      await assert.rejects(item.delete(stale), { code: 412 });
      assert.equal((await item.read<Alert>()).resource?.n, 2);
      await item.delete({ accessCondition: { type: 'IfMatch', condition: second.etag } });
      assert.equal((await item.read()).statusCode, 404);
    });

    it('upserts: creates, replaces, and heeds If-Match', async () => {
      const first = await alerts.items.upsert({ id: 'a', pk: 'x', n: 1 });
      assert.equal(first.statusCode, 201);
      const second = await alerts.items.upsert({ id: 'a', pk: 'x', n: 2 });
      assert.equal(second.statusCode, 200);
      const stale = { accessCondition: { type: 'IfMatch', condition: first.etag } };
      await assert.rejects(alerts.items.upsert({ id: 'a', pk: 'x', n: 3 }, stale), { code: 412 });
      assert.equal((await alerts.item('a', 'x').read<Alert>()).resource?.n, 2);
    });

    it('does not send a document again that If-None-Match says is known', async () => {
      const { etag } = await alerts.items.create({ id: 'a', pk: 'x', n: 1 });
      const known = { accessCondition: { type: 'IfNoneMatch', condition: etag } };
      const unchanged = differences.ignoresIfNoneMatch === true ? 200 : 304;
      assert.equal((await alerts.item('a', 'x').read(known)).statusCode, unchanged);
      await alerts.items.upsert({ id: 'a', pk: 'x', n: 2 });
      assert.equal((await alerts.item('a', 'x').read(known)).statusCode, 200);
    });

    describe('queries', () => {
      beforeEach(async () => {
        for (let n = 0; n < 12; n++) {
          await alerts.items.create({ id: `a${n}`, pk: n % 3 === 0 ? 'x' : 'y', n: (n * 7) % 12 });
        }
      });

      it('filters by parameters and keeps the order asked for', async () => {
        const { resources } = await alerts.items
          .query({
            query: 'SELECT VALUE c.n FROM c WHERE c.n >= @least ORDER BY c.n DESC',
            parameters: [{ name: '@least', value: 5 }],
          })
          .fetchAll();
        assert.deepEqual(resources, [11, 10, 9, 8, 7, 6, 5]);
      });

      it('sees one partition key where one is given', async () => {
        const { resources } = await alerts.items
          .query<string>('SELECT VALUE c.id FROM c ORDER BY c.id', { partitionKey: 'x' })
          .fetchAll();
        const seen = differences.ignoresPartitionKeyOfQuery === true ? 12 : 4;
        assert.equal(resources.length, seen);
        assert.deepEqual(
          resources.filter((id) => Number(id.slice(1)) % 3 === 0),
          ['a0', 'a3', 'a6', 'a9'],
        );
      });

      it('gives every document once over pages', async () => {
        for (const order of ['', ' ORDER BY c.n']) {
          const query = alerts.items.query<Alert>(`SELECT * FROM c${order}`, { maxItemCount: 5 });
          const pages: number[] = [];
          const seen: string[] = [];
          while (query.hasMoreResults()) {
            const { resources } = await query.fetchNext();
            pages.push(resources.length);
            seen.push(...resources.map(({ id }) => id));
          }
          assert.deepEqual(pages, [5, 5, 2]);
          assert.equal(new Set(seen).size, 12);
        }
      });

      it('counts', async () => {
        const { resources } = await alerts.items
          .query("SELECT VALUE COUNT(1) FROM c WHERE c.pk = 'y'")
          .fetchAll();
        assert.deepEqual(resources, [8]);
      });

      it('reads all documents of a container', async () => {
        assert.equal((await alerts.items.readAll().fetchAll()).resources.length, 12);
      });

      it('refuses a text that is no query', async () => {
        await assert.rejects(alerts.items.query('SELEKT').fetchAll(), { code: 400 });
      });
    });
  });
}

/** The client as the product makes it, but for retries that would only make tests slow. */
export function connect(endpoint: string): CosmosClient {
  return new CosmosClient({
    endpoint,
    key: 'bG9jYWw=',
    connectionPolicy: {
      // The independent server names an https location for itself.
      enableEndpointDiscovery: false,
      retryOptions: {
        maxRetryAttemptCount: 2,
        fixedRetryIntervalInMilliseconds: 0,
        maxWaitTimeInSeconds: 5,
      },
    },
  });
}
