import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { CosmosStore } from '../../../local/cosmos/store.ts';

const X = '["x"]';

describe('a store of documents', () => {
  let directory: string;
  let now: number;
  let store: CosmosStore;

  const open = (): CosmosStore => new CosmosStore({ directory, now: () => now });
  const reopen = (): void => {
    store.close();
    store = open();
  };
  const create = (body: object, upsert = false): ReturnType<CosmosStore['createDocument']> =>
    store.createDocument('db', 'c', X, { pk: 'x', ...body }, { upsert });
  const ids = (): string[] => store.documents('db', 'c').map(({ id }) => id);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cosmos-'));
    now = Date.UTC(2026, 0, 1);
    store = open();
    store.createDatabase({ id: 'db' });
    store.createContainer('db', { id: 'c', partitionKey: { paths: ['/pk'] }, defaultTtl: -1 });
  });
  afterEach(() => {
    store.close();
    rmSync(directory, { recursive: true });
  });

  it('numbers writes upwards, over deletes and restarts, and the etag is the number', () => {
    const first = create({ id: 'a' }).resource;
    assert.equal(first._etag, `"${first._lsn}"`);
    store.deleteDocument('db', 'c', X, 'a', undefined);
    reopen();
    const second = create({ id: 'a' }).resource;
    assert.ok(second._lsn > first._lsn + 1);
    assert.notEqual(second._rid, first._rid);
    assert.equal(create({ id: 'a' }, true).resource._rid, second._rid);
  });

  it('finds everything after a restart', () => {
    create({ id: 'a', n: 1 });
    create({ id: 'b', n: 1 });
    create({ id: 'b', n: 2 }, true);
    create({ id: 'c', n: 3 });
    store.deleteDocument('db', 'c', X, 'c', undefined);
    store.createContainer('db', { id: 'gone', partitionKey: { paths: ['/id'] } });
    store.deleteContainer('db', 'gone');
    const before = store.documents('db', 'c');
    reopen();
    assert.deepEqual(store.documents('db', 'c'), before);
    assert.equal(before.length, 2);
    assert.deepEqual(
      store.containers('db').map(({ id }) => id),
      ['c'],
    );
  });

  it('drops a line that was cut short, and nothing else', () => {
    create({ id: 'a' });
    const journal = join(directory, 'journal.ndjson');
    const whole = readFileSync(journal);
    create({ id: 'b' });
    const both = readFileSync(journal);
    for (const length of [whole.length + 1, both.length - 1]) {
      store.close();
      writeFileSync(journal, both.subarray(0, length));
      store = open();
      assert.deepEqual(ids(), ['a']);
      create({ id: 'c' });
      reopen();
      assert.deepEqual(ids(), ['a', 'c']);
    }
  });

  it('refuses a journal that is damaged before its end', () => {
    const journal = join(directory, 'journal.ndjson');
    appendFileSync(journal, '{"torn\n[9,"account"]\n');
    assert.throws(open, /damaged at byte/);
  });

  it('keeps only what stands when it starts', () => {
    for (let i = 0; i < 50; i++) create({ id: 'a', text: 'x'.repeat(1000) }, true);
    const journal = join(directory, 'journal.ndjson');
    assert.ok(statSync(journal).size > 50_000);
    reopen();
    assert.ok(statSync(journal).size < 2000);
    assert.equal(store.document('db', 'c', X, 'a')['text'], 'x'.repeat(1000));
  });

  describe('time to live', () => {
    it('counts from the last write, to the second', () => {
      create({ id: 'a', ttl: 10 });
      now += 5000;
      create({ id: 'a', ttl: 10 }, true);
      now += 9999;
      assert.deepEqual(ids(), ['a']);
      now += 1;
      assert.deepEqual(ids(), []);
      assert.throws(() => store.document('db', 'c', X, 'a'), { status: 404 });
      assert.throws(() => store.deleteDocument('db', 'c', X, 'a', undefined), { status: 404 });
    });

    it('frees the id', () => {
      const { resource } = create({ id: 'a', ttl: 1 });
      now += 1000;
      const again = create({ id: 'a' }, true);
      assert.equal(again.created, true);
      assert.notEqual(again.resource._rid, resource._rid);
    });

    it('comes from the container unless the document says otherwise', () => {
      const container = { id: 'short', partitionKey: { paths: ['/pk'] }, defaultTtl: 2 };
      store.createContainer('db', container);
      const put = (body: object) =>
        store.createDocument('db', 'short', X, { pk: 'x', ...body }, { upsert: false });
      put({ id: 'default' });
      put({ id: 'never', ttl: -1 });
      put({ id: 'long', ttl: 100 });
      now += 50_000;
      reopen();
      const left = store.documents('db', 'short').map(({ id }) => id);
      assert.deepEqual(left.toSorted(), ['long', 'never']);
    });

    it('is off where the container does not turn it on', () => {
      store.createContainer('db', { id: 'off', partitionKey: { paths: ['/pk'] } });
      store.createDocument('db', 'off', X, { id: 'a', pk: 'x', ttl: 1 }, { upsert: false });
      now += 1e9;
      assert.equal(store.documents('db', 'off').length, 1);
    });

    it('is a whole number of seconds or -1', () => {
      for (const ttl of [0, -2, 1.5, '10', null, 2 ** 31]) {
        assert.throws(() => create({ id: 'a', ttl }), { status: 400 });
      }
    });
  });

  it('tells partition keys apart by value and type', () => {
    for (const [i, pk] of ['1', 1, true, 'true', null, '', '["x"]'].entries()) {
      const key = JSON.stringify([pk]);
      store.createDocument('db', 'c', key, { id: 'a', pk, i }, { upsert: false });
      assert.equal(store.document('db', 'c', key, 'a')['i'], i);
      assert.deepEqual(
        store.documents('db', 'c', key).map((d) => d['i']),
        [i],
      );
    }
    store.createDocument('db', 'c', '[{}]', { id: 'a', other: 1 }, { upsert: false });
    assert.equal(ids().length, 8);
  });

  it('refuses a document under another key than its own', () => {
    assert.throws(
      () => store.createDocument('db', 'c', '["y"]', { id: 'a', pk: 'x' }, { upsert: true }),
      { status: 400, headers: { 'x-ms-substatus': '1001' } },
    );
    create({ id: 'a' });
    assert.throws(() => store.replaceDocument('db', 'c', X, 'a', { id: 'b', pk: 'x' }, undefined), {
      status: 400,
    });
  });

  it('refuses what Cosmos would not take as a resource', () => {
    for (const body of [
      null,
      [],
      'text',
      {},
      { id: 1 },
      { id: '' },
      { id: 'a/b' },
      { id: 'x'.repeat(1024) },
    ]) {
      assert.throws(() => store.createDatabase(body), { status: 400 });
    }
    for (const partitionKey of [
      undefined,
      {},
      { paths: [] },
      { paths: ['pk'] },
      { paths: ['/a', '/b'] },
    ]) {
      assert.throws(() => store.createContainer('db', { id: 'x', partitionKey }), { status: 400 });
    }
    const uniqueKeyPolicy = { uniqueKeys: [{ paths: ['/n'] }] };
    const container = { id: 'x', partitionKey: { paths: ['/pk'] }, uniqueKeyPolicy };
    assert.throws(() => store.createContainer('db', container), { status: 400 });
  });

  it('agrees with a plain map over any sequence of writes and restarts', () => {
    const id = fc.constantFrom('a', 'b');
    const key = fc.constantFrom('x', 'y');
    const step = fc.record({
      kind: fc.constantFrom('create', 'upsert', 'replace', 'delete', 'restart', 'torn'),
      id,
      key,
      match: fc.constantFrom('none', 'current', 'stale'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        store.deleteContainer('db', 'c');
        store.createContainer('db', { id: 'c', partitionKey: { paths: ['/pk'] } });
        const model = new Map<string, { n: number; etag: string }>();
        for (const [n, { kind, id, key, match }] of steps.entries()) {
          if (kind === 'torn') appendFileSync(join(directory, 'journal.ndjson'), '[1,"docu');
          if (kind === 'torn' || kind === 'restart') {
            reopen();
            continue;
          }
          const name = `${key}/${id}`;
          const pk = JSON.stringify([key]);
          const held = model.get(name);
          const ifMatch = { none: undefined, current: held?.etag, stale: '"0"' }[match];
          const body = { id, pk: key, n };
          const run = (): void => {
            if (kind === 'delete') {
              store.deleteDocument('db', 'c', pk, id, ifMatch);
              model.delete(name);
              return;
            }
            const written =
              kind === 'replace'
                ? store.replaceDocument('db', 'c', pk, id, body, ifMatch)
                : store.createDocument('db', 'c', pk, body, { upsert: kind === 'upsert', ifMatch })
                    .resource;
            model.set(name, { n, etag: written._etag });
          };
          const refused = refusal(
            kind,
            held !== undefined,
            ifMatch !== undefined && match === 'stale',
          );
          if (refused === undefined) run();
          else assert.throws(run, { status: refused });
        }
        const found = store
          .documents('db', 'c')
          .map((d) => [`${String(d['pk'])}/${d.id}`, d['n'], d._etag]);
        const expected = [...model].map(([name, { n, etag }]) => [name, n, etag]);
        assert.deepEqual(new Set(found.map(String)), new Set(expected.map(String)));
      }),
      { numRuns: 60 },
    );
  });
});

function refusal(kind: string, held: boolean, stale: boolean): number | undefined {
  if (kind === 'create') return held ? 409 : undefined;
  if (kind === 'upsert') return held && stale ? 412 : undefined;
  if (!held) return 404;
  return stale ? 412 : undefined;
}
