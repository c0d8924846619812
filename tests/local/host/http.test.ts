import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as rawRequest } from 'node:http';
import { get as getSecurely } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { HttpRequest, InvocationContext } from '@azure/functions';
import { type FunctionsHost, startFunctionsHost } from '../../../local/host/functions-host.ts';
import { type LocalCertificate, openCertificate } from '../../../local/tls/certificate.ts';
import { on } from '../../fixtures/host-app/probe.ts';
import { appDirectory, Log } from './support.ts';

const log = new Log();
let host: FunctionsHost;
let directory: string;
let certificate: LocalCertificate;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'threadwatch-http-'));
  certificate = await openCertificate(directory, Date.now());
  host = await startFunctionsHost({
    appDirectory: appDirectory('http'),
    settings: {},
    http: { port: 0, keys: ['the-key', 'another'], tls: { port: 0, ...certificate } },
    openEventSource: () => Promise.reject(new Error('no function reads a stream')),
    log: log.add,
  });
});
after(async () => {
  await host.stop();
  await rm(directory, { recursive: true });
});

const ask = (path: string, init?: RequestInit) => fetch(`${host.httpAddress}${path}`, init);

/** What goes out exactly as written, which fetch would tidy up. */
async function askRaw(head: string): Promise<string> {
  const socket = connect(Number(new URL(host.httpAddress!).port), '127.0.0.1');
  socket.end(`${head}\r\nConnection: close\r\n\r\n`);
  return (await text(socket)).split('\r\n')[0]!;
}

/** What the functions on the alert routes say they were called with. */
function answerParams(...names: string[]): void {
  for (const name of names) {
    on(name, (request: HttpRequest) => ({ jsonBody: { name, params: request.params } }));
  }
}

describe('an HTTP function', () => {
  it('answers under the route prefix, on the loopback address', async () => {
    assert.match(host.httpAddress!, /^http:\/\/127\.0\.0\.1:\d+$/);
    on('echo', () => ({ body: 'hello' }));
    const response = await ask('/api/echo');
    assert.deepEqual([response.status, await response.text()], [200, 'hello']);
    assert.equal((await ask('/echo')).status, 404);
  });

  it('sees method, url, query, headers and the bytes of the body', async () => {
    let seen: unknown;
    on('echo', async (request: HttpRequest, context: InvocationContext) => {
      seen = {
        method: request.method,
        url: request.url,
        query: Object.fromEntries(request.query),
        header: request.headers.get('x-device'),
        body: [...new Uint8Array(await request.arrayBuffer())],
        metadata: context.triggerMetadata,
      };
      return { status: 201 };
    });
    const path = '/api/echo?a=1&a=2&empty=&b=%C3%A9';
    const response = await ask(path, {
      method: 'POST',
      headers: { 'X-Device': 'dev-1' },
      body: new Uint8Array([0, 255, 10]),
    });
    assert.equal(response.status, 201);
    assert.deepEqual(seen, {
      method: 'POST',
      url: `${host.httpAddress}${path}`,
      query: { a: '1,2', empty: '', b: 'é' },
      header: 'dev-1',
      body: [0, 255, 10],
      metadata: undefined,
    });
  });

  it('joins a header that comes twice', async () => {
    on('echo', (request: HttpRequest) => ({ body: request.headers.get('x-tag') ?? '' }));
    const answered = Promise.withResolvers<string>();
    const raw = rawRequest(`${host.httpAddress}/api/echo`, { headers: { 'X-Tag': ['a', 'b'] } });
    raw.on('response', (response) => void text(response).then(answered.resolve)).end();
    assert.equal((await answered.promise).replace(', ', ','), 'a,b');
  });

  it('sets status, headers, cookies and body of the answer', async () => {
    on('echo', () => ({
      status: 202,
      headers: { 'x-answer': 'yes', 'content-length': '999' },
      cookies: [{ name: 'session', value: 'a b', httpOnly: true, maxAge: 60, sameSite: 'Strict' }],
      body: new Uint8Array([1, 2]),
    }));
    const response = await ask('/api/echo');
    assert.equal(response.status, 202);
    assert.equal(response.headers.get('x-answer'), 'yes');
    assert.deepEqual(response.headers.getSetCookie(), [
      'session=a%20b; path=/; max-age=60; httponly; samesite=strict',
    ]);
    assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [1, 2]);
  });

  it('that returns nothing answers 204', async () => {
    on('echo', () => undefined);
    assert.equal((await ask('/api/echo')).status, 204);
  });

  it('that throws answers 500 without a word, and the next request is served', async () => {
    on('echo', () => {
      throw new Error('secret of the app');
    });
    const response = await ask('/api/echo');
    assert.deepEqual([response.status, await response.text()], [500, '']);
    assert.ok(log.has(/Exception: secret of the app/, { level: 'error', functionName: 'echo' }));
    on('echo', () => ({ status: 200 }));
    assert.equal((await ask('/api/echo')).status, 200);
  });

  it('that returns what is no response answers 500', async () => {
    on('echo', () => 'text');
    assert.equal((await ask('/api/echo')).status, 500);
  });

  it('that gives a header HTTP cannot carry answers 500', async () => {
    on('echo', () => ({ cookies: [{ name: 'a\nb', value: 'x' }] }));
    assert.equal((await ask('/api/echo')).status, 500);
    assert.ok(log.has(/could not be answered/, { level: 'error' }));
  });

  it('gets no body that Content-Length does not announce', async () => {
    on('echo', async (request: HttpRequest) => ({ body: `[${await request.text()}]` }));
    const stream = new Blob(['streamed']).stream();
    const init = { method: 'POST', body: stream, duplex: 'half' } as RequestInit;
    assert.equal(await (await ask('/api/echo', init)).text(), '[]');
  });
});

describe('an HTTP route', () => {
  it('goes to the most specific function', async () => {
    answerParams('alert', 'alertByName', 'latestAlert');
    const answers = {
      '/api/alerts/7': { name: 'alert', params: { id: '7' } },
      '/api/alerts/7/full': { name: 'alert', params: { id: '7', view: 'full' } },
      '/api/alerts/seven': { name: 'alertByName', params: { name: 'seven' } },
      '/api/ALERTS/latest/': { name: 'latestAlert', params: {} },
      '//api//alerts/7': { name: 'alert', params: { id: '7' } },
    };
    for (const [path, expected] of Object.entries(answers)) {
      assert.deepEqual(await (await ask(path)).json(), expected, path);
    }
  });

  it('chooses by method among functions of one path', async () => {
    answerParams('alertByName', 'replaceAlert');
    const put = await ask('/api/alerts/x', { method: 'PUT' });
    assert.deepEqual(await put.json(), { name: 'replaceAlert', params: { name: 'x' } });
  });

  it('that nothing has is 404, as is a method that no function takes', async () => {
    assert.equal((await ask('/api/nothing')).status, 404);
    assert.equal((await ask('/api/alerts/seven/full')).status, 404);
    assert.equal((await ask('/api/echo', { method: 'DELETE' })).status, 404);
  });

  it('decodes its parameters, but not an encoded slash', async () => {
    answerParams('file', 'alertByName');
    const cases = {
      '/api/files/a/b%20c': { name: 'file', params: { path: 'a/b c' } },
      '/api/files': { name: 'file', params: {} },
      '/api/alerts/a%2Fb%2525': { name: 'alertByName', params: { name: 'a%2Fb%25' } },
    };
    for (const [path, expected] of Object.entries(cases)) {
      assert.deepEqual(await (await ask(path)).json(), expected, path);
    }
  });
});

describe('under TLS', () => {
  const askSecurely = (path: string, ca?: string) =>
    new Promise<string>((resolve, reject) => {
      getSecurely(`${host.httpsAddress}${path}`, ca === undefined ? {} : { ca }, (response) => {
        text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
      }).once('error', reject);
    });

  it('the same functions answer, on a port of its own', async () => {
    assert.match(host.httpsAddress!, /^https:\/\/localhost:\d+$/);
    assert.notEqual(new URL(host.httpsAddress!).port, new URL(host.httpAddress!).port);
    on('echo', (request: HttpRequest) => ({ body: request.url }));
    const body = await askSecurely('/api/echo?a=1', certificate.certificate);
    assert.equal(body, `200 ${host.httpsAddress}/api/echo?a=1`);
    assert.match(await askSecurely('/api/keys', certificate.certificate), /^401 /);
  });

  it('nobody is answered who does not trust the certificate', async () => {
    await assert.rejects(askSecurely('/api/echo'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });
});

describe('a function that asks for a key', () => {
  it('is 401 without one, or with a wrong one', async () => {
    on('guarded', () => ({ body: 'in' }));
    on('admin', () => ({ body: 'in' }));
    for (const path of [
      '/api/guarded',
      '/api/guarded?code=wrong',
      '/api/guarded?code=',
      '/api/keys',
    ]) {
      assert.equal((await ask(path)).status, 401, path);
    }
  });

  it('takes one of the keys, in the query or in a header', async () => {
    assert.equal(await (await ask('/api/guarded?code=the-key')).text(), 'in');
    const headers = { 'x-functions-key': 'another' };
    assert.equal(await (await ask('/api/keys', { headers })).text(), 'in');
  });
});

describe('a hostile request', () => {
  it('is refused before any function sees it', async () => {
    let calls = 0;
    on('echo', () => void calls++);
    const cases = [
      ['GET /api/alerts/%E0%A4%A HTTP/1.1\r\nHost: example.com', '400'],
      ['GET http://example.com/api/echo HTTP/1.1\r\nHost: example.com', '400'],
      ['GET /api/echo HTTP/1.1\r\nHost: exa mple', '400'],
      ['POST /api/echo HTTP/1.1\r\nHost: example.com\r\nContent-Length: 104857601', '413'],
    ] as const;
    for (const [head, status] of cases) assert.match(await askRaw(head), new RegExp(` ${status} `));
    assert.equal(calls, 0);
  });
});

describe('a function with a trigger that this host does not know', () => {
  it('is listed and reported, and the others run', () => {
    assert.deepEqual(
      host.functions.find(({ name }) => name === 'queued'),
      { name: 'queued', trigger: 'queueTrigger', detail: 'not supported by the local host' },
    );
    assert.ok(log.has(/does not support queueTrigger yet/, { level: 'warning' }));
  });
});

describe('stopping', () => {
  it('lets a request in flight end, and takes no new one', async () => {
    const release = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    on('echo', async () => {
      entered.resolve();
      await release.promise;
      return { body: 'done' };
    });
    const inFlight = ask('/api/echo');
    await entered.promise;
    const stopped = host.stop();
    await assert.rejects(ask('/api/echo'), /fetch failed/);
    release.resolve();
    assert.equal(await (await inFlight).text(), 'done');
    await stopped;
  });
});
