import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type CosmosProcess, startCosmos } from '../../../local/cosmos/start.ts';
import { connect } from './client-suite.ts';

describe('the Cosmos process', () => {
  let directory: string;
  let cosmos: CosmosProcess;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cosmos-'));
    // Any port: while it is killed and starts again, another test would take the usual one.
    cosmos = await startCosmos({ directory, port: 0 });
    const client = connect(cosmos.endpoint);
    const { database } = await client.databases.create({ id: 'db' });
    const indexingPolicy = {
      compositeIndexes: [
        [
          { path: '/a', order: 'ascending' as const },
          { path: '/b', order: 'ascending' as const },
        ],
      ],
    };
    await database.containers.create({ id: 'c', partitionKey: { paths: ['/pk'] }, indexingPolicy });
    client.dispose();
  });
  after(async () => {
    await cosmos.stop();
    await rm(directory, { recursive: true });
  });
  afterEach(() => cosmos.throttle(0, 0));

  const container = () => connect(cosmos.endpoint).database('db').container('c');

  it('loses no write that it answered, killed at any moment', async () => {
    for (let round = 0; round < 2; round++) {
      const answered: string[] = [];
      const { items } = container();
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; ; n++) {
          const id = `${round}-${writer}-${n}`;
          await items.create({ id, pk: 'kill', text: 'x'.repeat(2000) });
          answered.push(id);
        }
      });
      const all = Promise.allSettled(writers);
      while (answered.length < 100) await new Promise((resolve) => setTimeout(resolve, 5));
      await cosmos.kill('SIGKILL');
      await all;
      cosmos = await startCosmos({ directory, port: cosmos.listening.port });
      const { resources } = await container()
        .items.query<string>('SELECT VALUE c.id FROM c', { partitionKey: 'kill' })
        .fetchAll();
      const found = new Set(resources);
      assert.deepEqual(
        answered.filter((id) => !found.has(id)),
        [],
      );
    }
  });

  it('throttles as told, and the client comes back after the time given', async () => {
    const { items } = container();
    await items.upsert({ id: 'throttled', pk: 'x' });
    await cosmos.throttle(2, 1);
    assert.equal((await items.upsert({ id: 'throttled', pk: 'x' })).statusCode, 200);
    await cosmos.throttle(3, 1);
    await assert.rejects(items.upsert({ id: 'throttled', pk: 'x' }), {
      code: 429,
      retryAfterInMs: 1,
    });
  });

  it('takes 2 MB in a request and no more', async () => {
    const { items } = container();
    const overhead = JSON.stringify({ id: 'big', pk: 'x', text: '' }).length;
    const text = 'x'.repeat(2 * 1024 * 1024 - overhead);
    assert.equal((await items.create({ id: 'big', pk: 'x', text })).statusCode, 201);
    const larger = items.create({ id: 'bigger', pk: 'x', text });
    await assert.rejects(larger, { code: 413 });
  });

  it('wants a composite index for ORDER BY over two paths, as Cosmos does', async () => {
    const { items } = container();
    await items.upsert({ id: 'ordered', pk: 'x', a: 1, b: 2 });
    const served = await items.query('SELECT VALUE c.b FROM c ORDER BY c.a, c.b').fetchAll();
    assert.ok(served.resources.includes(2));
    await assert.rejects(items.query('SELECT * FROM c ORDER BY c.b, c.a').fetchAll(), {
      code: 400,
    });
  });

  it('refuses what is not part of it, and bodies that are no JSON', async () => {
    const docs = `${cosmos.endpoint}dbs/db/colls/c/docs`;
    const plan = { 'x-ms-cosmos-is-query-plan-request': 'True' };
    const key = { 'x-ms-documentdb-partitionkey': '["x"]' };
    const cases: [number, string, RequestInit][] = [
      [400, docs, { method: 'POST', body: '{}', headers: plan }],
      [400, docs, { method: 'POST', body: '{"id":', headers: key }],
      [400, docs, { method: 'POST', body: '{"id":"a"}' }],
      [400, docs, { method: 'POST', body: '{}', headers: { 'x-ms-documentdb-isquery': 'true' } }],
      [
        400,
        docs,
        { method: 'POST', body: '[]', headers: { 'x-ms-cosmos-is-batch-request': 'true' } },
      ],
      [400, `${docs}/a`, { headers: { 'x-ms-documentdb-partitionkey': '"x"' } }],
      [400, `${docs}/%E0%A4%A`, { headers: key }],
      [400, `${cosmos.endpoint}_throttle`, { method: 'POST', body: '{}' }],
      [404, `${docs}/a/attachments`, {}],
      [404, `${cosmos.endpoint}dbs/db`, { method: 'PATCH' }],
    ];
    for (const [status, url, init] of cases) {
      const response = await fetch(url, init);
      assert.equal(response.status, status, `${init.method ?? 'GET'} ${url}`);
      const body = (await response.json()) as { code: string; message: string };
      assert.equal(typeof body.message, 'string');
    }
  });

  it('answers programs on this machine, not pages in a browser', async () => {
    assert.equal(await statusOf({ host: 'localhost:8081' }), 200);
    assert.equal(await statusOf({ host: 'attacker.example.com' }), 403);
    assert.equal(
      await statusOf({ host: '127.0.0.1', origin: 'https://attacker.example.com' }),
      403,
    );
  });

  function statusOf(headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(cosmos.endpoint, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  }
});
