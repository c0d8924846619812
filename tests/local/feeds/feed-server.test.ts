import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FeedServer, startFeedServer } from '../../../local/feeds/feed-server.ts';

const list = '45.66.64.1\n';

let root: string;
let folder: string;
let server: FeedServer;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'feed-server-'));
  folder = join(root, 'feeds');
  await mkdir(join(folder, 'misp'), { recursive: true });
  await mkdir(join(root, 'feeds-secret'));
  await writeFile(join(folder, 'a.txt'), list);
  await writeFile(join(folder, 'misp', 'manifest.json'), '{}');
  await writeFile(join(folder, 'ä #?%2e b&.txt'), 'odd');
  await writeFile(join(folder, 'empty.txt'), '');
  await writeFile(join(root, 'secret.txt'), 'secret');
  await writeFile(join(root, 'feeds-secret', 'a.txt'), 'secret');
  server = await startFeedServer(() => folder);
});
after(async () => {
  await server.stop();
  await rm(root, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The path as it is: `fetch` would tidy it up. */
async function ask(path: string, headers = {}, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('the server of feed files', () => {
  it('listens on this machine only', () => {
    assert.match(server.origin, /^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('gives the files of its folder, and of folders in it', async () => {
    assert.partialDeepStrictEqual(await ask('/a.txt'), {
      status: 200,
      body: list,
      headers: { 'content-length': '11' },
    });
    assert.equal((await ask('/misp/manifest.json')).body, '{}');
    assert.equal((await ask('/misp/../a.txt')).body, list);
    assert.equal((await ask('/a.txt?x=/../b')).body, list);
    assert.partialDeepStrictEqual(await ask('/empty.txt'), { status: 200, body: '' });
  });

  it('gives files with odd names', async () => {
    const path = `/${encodeURIComponent('ä #?%2e b&.txt')}`;
    assert.equal((await ask(path)).body, 'odd');
  });

  for (const path of [
    '/',
    '/misp',
    '/misp/',
    '/none.txt',
    '/a.txt/',
    '/a.txt/x',
    '/%00',
    '/a.txt%00',
    '/%zz',
    '/%ff',
    `/${'x'.repeat(5000)}`,
    '*',
  ]) {
    it(`has nothing at ${path.slice(0, 20)}`, async () => {
      assert.partialDeepStrictEqual(await ask(path), { status: 404, body: '' });
    });
  }

  for (const path of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/misp/../../secret.txt',
    '/misp/%2e%2e/%2e%2e/secret.txt',
    '/../feeds-secret/a.txt',
    '/..%2ffeeds-secret%2fa.txt',
    '//etc/passwd',
    '/%2fetc%2fpasswd',
    '/..\\secret.txt',
    'http://x/../../../secret.txt',
    'http://x/../../../feeds-secret/a.txt',
  ]) {
    it(`lets nobody out of its folder by ${path}`, async () => {
      assert.partialDeepStrictEqual(await ask(path), { status: 404, body: '' });
    });
  }

  it('takes no path without a slash in front', async () => {
    for (const path of ['../secret.txt', '..%2fsecret.txt', '-secret/a.txt', 'a.txt']) {
      assert.partialDeepStrictEqual(await ask(path), { status: 400, body: '' });
    }
  });

  it('answers 304 to who has the file already', async () => {
    const { etag } = (await ask('/a.txt')).headers;
    assert.ok(typeof etag === 'string');
    const again = await ask('/a.txt', { 'if-none-match': etag });
    assert.partialDeepStrictEqual(again, { status: 304, body: '', headers: { etag } });
    const other = await ask('/a.txt', { 'if-none-match': '"other"' });
    assert.partialDeepStrictEqual(other, { status: 200, body: list });
  });

  it('gives another tag to other content, and the same to the same', async () => {
    const tagOf = async (path: string) => (await ask(path)).headers['etag'];
    await writeFile(join(folder, 'b.txt'), list);
    assert.equal(await tagOf('/b.txt'), await tagOf('/a.txt'));
    const before = await tagOf('/b.txt');
    await writeFile(join(folder, 'b.txt'), `${list}45.66.64.2\n`);
    assert.notEqual(await tagOf('/b.txt'), before);
    assert.equal((await ask('/b.txt', { 'if-none-match': before })).status, 200);
  });

  it('only gives', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      assert.equal((await ask('/a.txt', {}, method)).status, 405);
    }
    assert.equal((await ask('/a.txt')).body, list);
  });

  it('serves another folder as soon as it is named', async () => {
    const usual = folder;
    folder = join(root, 'feeds-secret');
    assert.equal((await ask('/a.txt')).body, 'secret');
    folder = `${usual}/`;
    assert.equal((await ask('/a.txt')).body, list);
    assert.equal((await ask('/../secret.txt')).status, 404);
    folder = join(root, 'gone');
    assert.equal((await ask('/a.txt')).status, 404);
    folder = usual;
  });

  it('is gone when it was stopped, with the connections that it had', async () => {
    const stopped = await startFeedServer(() => folder);
    const address = `${stopped.origin}/a.txt`;
    assert.equal(await (await fetch(address)).text(), list);
    await stopped.stop();
    await assert.rejects(fetch(address));
  });
});
