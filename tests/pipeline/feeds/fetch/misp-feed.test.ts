import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readMispFeed } from '../../../../shared/pipeline/feeds/fetch/misp-feed.ts';
import { Pieces } from '../../../../shared/pipeline/feeds/fetch/pieces.ts';
import { FetchError, type ReadPieces } from '../../../../shared/pipeline/feeds/fetch/source.ts';
import { startWebServer } from '../../../support/hostile-web.ts';
import { type ContextOptions, contextOf, DAY, networks, NOW } from './source-context.ts';

type File = string | object | ((response: ServerResponse) => void);

function uuid(n: number): string {
  return `5c0d3e5a-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

function address(n: number): string {
  return `45.66.64.${n}`;
}

function event(n: number, value = address(n)): object {
  const attribute = { type: 'ip-dst', category: 'Network activity', value, to_ids: true };
  return { Event: { uuid: uuid(n), info: 'x', timestamp: '1715767121', Attribute: [attribute] } };
}

/** The folder that the server has; each test fills it anew. */
const files = new Map<string, File>();
const VALIDATORS = { etag: 'W/"1"', 'last-modified': 'Tue, 24 Nov 2026 08:00:00 GMT' };
let validators: Readonly<Record<string, string>> = {};

const server = await startWebServer(({ url = '', headers }, response) => {
  const { pathname } = new URL(url, 'http://misp.example.com');
  const file = files.get(pathname.replace('/feed/', ''));
  const isManifest = pathname.endsWith('/manifest.json');
  if (isManifest && headers['if-none-match'] === validators['etag'] && 'etag' in validators) {
    response.writeHead(304).end();
  } else if (file === undefined) response.writeHead(404).end();
  else if (typeof file === 'function') file(response);
  else {
    const ours = isManifest ? validators : {};
    response.writeHead(200, { 'content-type': 'text/plain', ...ours });
    response.end(typeof file === 'string' ? file : JSON.stringify(file));
  }
});
after(async () => server.stop());

/** Events 1 to `count`, the manifest of which is of that time. */
function fill(count: number, timestamp: unknown = 1_715_767_121): Record<string, object> {
  const manifest: Record<string, object> = {};
  for (let n = 1; n <= count; n++) {
    manifest[uuid(n)] = { info: 'x', date: '2026-11-24', timestamp, Orgc: { name: 'Somebody' } };
    files.set(`${uuid(n)}.json`, event(n));
  }
  files.set('manifest.json', manifest);
  return manifest;
}

beforeEach(() => {
  files.clear();
  validators = {};
  server.requests.length = 0;
});

async function read(known: Pieces | null = null, options: ContextOptions = {}) {
  server.requests.length = 0;
  return readMispFeed(contextOf(`${server.origin}/feed/`, options), known);
}

/** As the next poll gets them. */
function stored(result: ReadPieces | null): Pieces {
  return Pieces.fromBytes(result!.pieces.toBytes());
}

function asked(): readonly string[] {
  return server.requests.map(({ url }) => url.replace('/feed/', '')).sort();
}

function addresses(...ns: readonly number[]): readonly string[] {
  return ns.map((n) => `${address(n)}/32`);
}

function isFetchError(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof FetchError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

describe('reading a MISP feed as a whole', () => {
  it('takes every event of the manifest', async () => {
    fill(9);
    const result = await read();
    assert.deepEqual(networks(result?.pieces), addresses(1, 2, 3, 4, 5, 6, 7, 8, 9));
    assert.deepEqual(result?.problems, []);
    assert.equal(result?.pieces.versionOf(uuid(1)), '1715767121');
  });

  for (const end of ['/feed', '/feed/', '/feed/manifest.json']) {
    it(`takes an address ending in ${end}`, async () => {
      fill(2);
      const result = await readMispFeed(contextOf(`${server.origin}${end}`), null);
      assert.deepEqual(networks(result?.pieces), addresses(1, 2));
    });
  }

  it('keeps the query of the address on every request', async () => {
    fill(1);
    await readMispFeed(contextOf(`${server.origin}/feed/manifest.json?sig=a%2Fb`), null);
    assert.deepEqual(asked(), [`${uuid(1)}.json?sig=a%2Fb`, 'manifest.json?sig=a%2Fb']);
  });

  it('sends the credential with every request', async () => {
    fill(2);
    await read(null, { secretHeaders: { authorization: 'of-news' } });
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['of-news', 'of-news', 'of-news'],
    );
  });

  it('asks for at most four events at once', async () => {
    const manifest = fill(12);
    let [open, most] = [0, 0];
    for (const name of Object.keys(manifest)) {
      const body = JSON.stringify(files.get(`${name}.json`));
      files.set(`${name}.json`, (response) => {
        most = Math.max(most, ++open);
        setTimeout(() => {
          open--;
          response.end(body);
        }, 10);
      });
    }
    const result = await read();
    assert.equal(result?.pieces.size, 12);
    assert.ok(most > 1 && most <= 4, `${most} at once`);
  });

  it('reads no name as a path, and tells how many it left out', async () => {
    const manifest = fill(1);
    const about = manifest[uuid(1)]!;
    const names = ['../../etc/passwd', `../${uuid(1)}`, `${uuid(1)}/..`, '', 'constructor'];
    const others = Object.fromEntries(names.map((name) => [name, about]));
    const text = JSON.stringify({ ...manifest, ...others });
    files.set('manifest.json', `${text.slice(0, -1)},"__proto__":${JSON.stringify(about)}}`);
    const result = await read();
    assert.deepEqual(asked(), [`${uuid(1)}.json`, 'manifest.json']);
    assert.match(result!.problems!.join(), /^6 members/);
  });

  it('asks without conditions when it has no pieces', async () => {
    fill(1);
    validators = VALIDATORS;
    const result = await read(null, { memory: { etag: 'W/"1"', lastModified: 'x' } });
    assert.equal(result?.pieces.size, 1);
  });
});

describe('a MISP feed that was read before', () => {
  async function known(count: number): Promise<Pieces> {
    fill(count);
    return stored(await read(null, { now: NOW - DAY }));
  }

  it('asks for the manifest as it had it, and takes 304 as nothing new', async () => {
    validators = VALIDATORS;
    fill(2);
    const first = await read();
    assert.equal(first?.memory.etag, 'W/"1"');
    const result = await read(stored(first), { memory: first.memory });
    assert.equal(result, null);
    const { headers } = server.requests[0]!;
    assert.equal(headers['if-none-match'], 'W/"1"');
    assert.equal(headers['if-modified-since'], VALIDATORS['last-modified']);
  });

  it('does not take 304 for an answer that it did not ask for', async () => {
    files.set('manifest.json', (response) => response.writeHead(304).end());
    await assert.rejects(read(new Pieces()), isFetchError('http304'));
  });

  it('fetches only what changed, and keeps the rest', async () => {
    const pieces = await known(3);
    files.set('manifest.json', { ...fill(3), [uuid(2)]: { timestamp: 1_715_767_122 } });
    files.set(`${uuid(2)}.json`, event(2, '45.66.65.1'));
    const result = await read(pieces);
    assert.deepEqual(asked(), [`${uuid(2)}.json`, 'manifest.json']);
    assert.deepEqual(networks(result?.pieces), [...addresses(1, 3), '45.66.65.1/32']);
  });

  it('fetches also what turned older', async () => {
    const pieces = await known(1);
    fill(1, 1_715_767_120);
    const result = await read(pieces);
    assert.equal(result?.pieces.versionOf(uuid(1)), '1715767120');
  });

  it('takes a time in text as the same time', async () => {
    const pieces = await known(2);
    fill(2, '1715767121');
    await read(pieces);
    assert.deepEqual(asked(), ['manifest.json']);
  });

  it('fetches always what has no time that reads', async () => {
    fill(1, 'yesterday');
    const pieces = stored(await read());
    await read(pieces);
    assert.deepEqual(asked(), [`${uuid(1)}.json`, 'manifest.json']);
  });

  it('drops what its manifest does not name any more', async () => {
    const pieces = await known(3);
    fill(2);
    const result = await read(pieces);
    assert.deepEqual(networks(result?.pieces), addresses(1, 2));
    assert.equal(result?.pieces.size, 2);
  });

  it('drops everything with an empty manifest', async () => {
    const pieces = await known(3);
    files.set('manifest.json', {});
    assert.equal((await read(pieces))?.pieces.size, 0);
  });
});

describe('a MISP feed with a broken event', () => {
  const json = { 'content-type': 'application/json' };
  const big = gzipSync(' '.repeat(65 * 1024 ** 2));
  for (const [what, file] of [
    ['is not there', undefined],
    ['is not JSON', '{"Event":{"uuid":'],
    ['is a web page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end()],
    ['is no event', { Attribute: [] }],
    ['is another one', event(7)],
    ['has no uuid', { Event: { Attribute: [] } }],
    ['does not unpack', (response) => response.writeHead(200, { 'content-encoding': 'x' }).end()],
    [
      'breaks off',
      (response) => response.writeHead(200, json).write('{', () => response.destroy()),
    ],
  ] as readonly (readonly [string, File | undefined])[]) {
    it(`has the others, and names the one that ${what}`, async () => {
      validators = VALIDATORS;
      fill(4);
      if (file === undefined) files.delete(`${uuid(3)}.json`);
      else files.set(`${uuid(3)}.json`, file);
      const result = await read(null, { maxBytes: 1e8 });
      assert.deepEqual(networks(result?.pieces), addresses(1, 2, 4));
      assert.equal(result?.problems?.length, 1);
      assert.match(result.problems[0]!, new RegExp(`^event ${uuid(3)}: `));
    });
  }

  it('names the limit of an event that is larger', async () => {
    fill(2);
    files.set(`${uuid(2)}.json`, (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(big),
    );
    const result = await read(null, { maxBytes: 1e8 });
    assert.match(result!.problems!.join(), /over 67108864 bytes/);
  });

  it('keeps what it knew of it, and tries again at the next poll', async () => {
    validators = VALIDATORS;
    fill(3);
    const pieces = stored(await read(null, { now: NOW - DAY }));
    fill(3, 1_715_767_999);
    files.set(`${uuid(2)}.json`, 'no');
    const result = await read(pieces);
    assert.deepEqual(networks(result?.pieces), addresses(1, 2, 3));
    assert.deepEqual([result?.memory.etag, result?.memory.lastModified], [null, null]);

    files.set(`${uuid(2)}.json`, event(2, '45.66.65.1'));
    const next = await read(stored(result), { memory: result!.memory });
    assert.deepEqual(asked(), [`${uuid(2)}.json`, 'manifest.json']);
    assert.deepEqual(networks(next?.pieces), [...addresses(1, 3), '45.66.65.1/32']);
    assert.equal(next?.memory.etag, 'W/"1"');
  });

  it('is not broken itself where that event is missing for good', async () => {
    fill(3);
    files.delete(`${uuid(3)}.json`);
    const first = await read();
    const next = await read(stored(first), { memory: first!.memory });
    assert.deepEqual(asked(), [`${uuid(3)}.json`, 'manifest.json']);
    assert.deepEqual(networks(next?.pieces), addresses(1, 2));
  });

  it('takes the uuid of an event in capitals as the same', async () => {
    fill(1);
    const text = JSON.stringify(event(1)).replace(uuid(1), uuid(1).toUpperCase());
    files.set(`${uuid(1)}.json`, text);
    assert.deepEqual(networks((await read())?.pieces), addresses(1));
  });

  it('is usable with half of its events, and broken with fewer', async () => {
    fill(4);
    for (const n of [1, 2]) files.set(`${uuid(n)}.json`, 'no');
    assert.deepEqual(networks((await read())?.pieces), addresses(3, 4));
    files.set(`${uuid(3)}.json`, 'no');
    await assert.rejects(read(), isFetchError('brokenEvents'));
  });

  it('is broken with a single event that is', async () => {
    fill(1);
    files.set(`${uuid(1)}.json`, 'no');
    await assert.rejects(read(), isFetchError('brokenEvents'));
  });

  it('is left alone once it is known to be broken', async () => {
    fill(60);
    for (const name of files.keys()) if (name !== 'manifest.json') files.delete(name);
    await assert.rejects(read(), isFetchError('brokenEvents'));
    assert.ok(server.requests.length < 40, `${server.requests.length} requests`);
  });

  it('is left alone once it says so, and what came until then is kept', async () => {
    fill(60);
    for (let n = 40; n <= 60; n++) {
      files.set(`${uuid(n)}.json`, (response) =>
        response.writeHead(429, { 'retry-after': '60' }).end(),
      );
    }
    const result = await read();
    assert.equal(result?.pieces.size, 39);
    assert.ok(server.requests.length < 46, `${server.requests.length} requests`);
    assert.equal(result.problems?.length, 21);
    assert.equal(result.problems.at(-1), '1 more events');
  });

  it('is left alone once it was asked too often, also if it does not say until when', async () => {
    fill(20);
    for (let n = 11; n <= 20; n++) {
      files.set(`${uuid(n)}.json`, (response) => response.writeHead(429).end());
    }
    const result = await read();
    assert.equal(result?.pieces.size, 10);
    assert.ok(server.requests.length < 17, `${server.requests.length} requests`);
  });

  it('tells when it wants to be asked again', async () => {
    fill(3);
    for (let n = 1; n <= 3; n++) {
      files.set(`${uuid(n)}.json`, (response) =>
        response.writeHead(503, { 'retry-after': '60' }).end(),
      );
    }
    await assert.rejects(read(), (error: unknown) => {
      assert.equal((error as FetchError).code, 'brokenEvents');
      assert.equal((error as FetchError).retryAt, NOW + 60_000);
      return true;
    });
  });
});

describe('a MISP feed that is none', () => {
  for (const [what, code, file] of [
    ['not there', 'http404', undefined],
    ['a web page', 'html', (response) => response.setHeader('content-type', 'text/html').end()],
    ['no JSON', 'badJson', '<html></html>'],
    ['cut', 'badJson', '{"5c0d3e5a-0000-4000-8000-000000000001":{'],
    ['a list', 'badManifest', '[]'],
    ['an error message', 'badManifest', '{"message":"no"}'],
  ] as readonly (readonly [string, string, File | undefined])[]) {
    it(`fails where its manifest is ${what}`, async () => {
      if (file !== undefined) files.set('manifest.json', file);
      await assert.rejects(read(new Pieces()), isFetchError(code));
    });
  }

  it('fails with more events than a feed can have', async () => {
    const entries = Array.from({ length: 50_001 }, (_, n) => [uuid(n), { timestamp: 1 }]);
    files.set('manifest.json', Object.fromEntries(entries) as object);
    await assert.rejects(read(null, { maxBytes: 1e8 }), isFetchError('tooLarge'));
    assert.deepEqual(asked(), ['manifest.json']);
  });

  it('fails with more bytes than the feed may have, over all its events', async () => {
    fill(60);
    for (let n = 1; n <= 60; n++) {
      files.set(`${uuid(n)}.json`, `${JSON.stringify(event(n))}${' '.repeat(10_000)}`);
    }
    await assert.rejects(read(null, { maxBytes: 100_000 }), isFetchError('tooLarge'));
    assert.ok(server.requests.length < 20, `${server.requests.length} requests`);
  });
});
