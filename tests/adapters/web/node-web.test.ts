import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompressSync, createGzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { NodeWeb, type NodeWebOptions } from '../../../shared/adapters/web/node-web.ts';
import { isPublicAddress } from '../../../shared/adapters/web/target.ts';
import {
  type WebLimits,
  type WebRequest,
  type WebResponse,
  WebError,
} from '../../../shared/ports/web.ts';
import {
  drip,
  startRawServer,
  startWebServer,
  TEST_IDENTITY,
  type WebHandler,
  writeForEver,
} from '../../support/hostile-web.ts';

const LIMITS: WebLimits = {
  totalMs: 20_000,
  idleMs: 10_000,
  maxWireBytes: 1 << 20,
  maxBodyBytes: 1 << 20,
  maxRedirects: 3,
};
const LIST = '192.0.2.1\n198.51.100.7\n';
const HUSH = /hush/;

type Change = Omit<Partial<WebRequest>, 'limits'> & { readonly limits?: Partial<WebLimits> };

function requestOf(url: string, { limits, ...change }: Change = {}): WebRequest {
  return {
    url,
    headers: {},
    secretHeaders: {},
    allowPrivate: true,
    ...change,
    limits: { ...LIMITS, ...limits },
  };
}

async function get(url: string, change: Change = {}, web = new NodeWeb()): Promise<WebResponse> {
  return web.get(requestOf(url, change));
}

async function textOf({ body }: WebResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Fetches and reads; gives the code it failed with, having looked that the error tells no secret. */
async function failureOf(url: string, change: Change = {}, web = new NodeWeb()): Promise<string> {
  try {
    await textOf(await get(url, change, web));
    return 'none';
  } catch (error) {
    assert.ok(error instanceof WebError, String(error));
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, HUSH);
    return error.code;
  }
}

async function serve(t: TestContext, handler: WebHandler) {
  const server = await startWebServer(handler);
  t.after(() => server.stop());
  return server;
}

/** A server on loopback that passes for one on the Internet, and a client that trusts it and nothing else private. */
async function servePublic(t: TestContext, handler: WebHandler, options: NodeWebOptions = {}) {
  const server = await startWebServer(handler, TEST_IDENTITY);
  t.after(() => server.stop());
  const isPublic = (address: string) => address === '127.0.0.1' || isPublicAddress(address);
  return { ...server, web: new NodeWeb({ ca: TEST_IDENTITY.cert, isPublic, ...options }) };
}

/** A socket that is reset has an error as well, which does not matter here. */
const closingOf = async ({ socket }: Pick<IncomingMessage, 'socket'>) =>
  new Promise((resolve) => socket.once('close', resolve));

const redirect = (response: ServerResponse, location: string, status = 302) =>
  response.writeHead(status, { location }).end('moved');

describe('an answer', () => {
  it('has its status, headers, address and body', async (t) => {
    const { origin, requests } = await serve(t, (_request, response) => {
      response.setHeader('X-Twice', ['a', 'b']);
      response.writeHead(200, { ETag: 'W/"1"', 'Content-Type': 'text/plain' }).end(LIST);
    });
    const url = `${origin}/list?key=1`;
    const answer = await get(`${url}#part`, { headers: { 'If-None-Match': '"0"' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.url, url);
    assert.equal(answer.headers['etag'], 'W/"1"');
    assert.equal(answer.headers['x-twice'], 'a, b');
    assert.equal(await textOf(answer), LIST);
    const [seen] = requests;
    assert.equal(seen?.method, 'GET');
    assert.equal(seen?.url, '/list?key=1');
    assert.equal(seen?.headers['if-none-match'], '"0"');
    assert.equal(seen?.headers['accept-encoding'], 'gzip, zstd, br');
    assert.equal(seen?.headers['connection'], 'close');
  });

  it('may have any status, with or without a body', async (t) => {
    const { origin } = await serve(t, ({ url = '' }, response) => {
      const status = Number(url.slice(1));
      const headers = { etag: '"7"', 'content-encoding': 'gzip', 'content-length': 9e9 };
      if (status === 304 || status === 204) response.writeHead(status, headers).end();
      else response.writeHead(status, { 'retry-after': '5' }).end('<html>no</html>');
    });
    for (const status of [200, 300, 400, 404, 406, 429, 500, 503]) {
      const answer = await get(`${origin}/${status}`);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['retry-after'], '5');
      assert.equal(await textOf(answer), '<html>no</html>');
    }
    for (const status of [204, 304]) {
      const answer = await get(`${origin}/${status}`);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['etag'], '"7"');
      assert.equal(await textOf(answer), '');
    }
  });

  it('keeps headers with the names of prototypes as data', async (t) => {
    const { origin } = await serve(t, (_request, response) => {
      response.writeHead(200, ['__proto__', 'x', 'constructor', 'y']).end();
    });
    const answer = await get(origin);
    assert.ok(Object.hasOwn(answer.headers, '__proto__'));
    assert.equal(Object.getPrototypeOf(answer.headers), Object.prototype);
    answer.discard();
  });

  it('cannot have its body read twice, nor after it was discarded', async (t) => {
    const { origin } = await serve(t, (_request, response) => response.end(LIST));
    const answer = await get(origin);
    await textOf(answer);
    await assert.rejects(textOf(answer), /once/);
    const discarded = await get(origin);
    discarded.discard();
    await assert.rejects(textOf(discarded), /discarded/);
  });

  it('comes whole when it is larger than any buffer and slowly read', async (t) => {
    const bytes = randomBytes(3 << 20);
    const { origin } = await serve(t, ({ url }, response) => {
      if (url === '/zstd')
        response.setHeader('content-encoding', 'zstd').end(zstdCompressSync(bytes));
      else response.end(bytes);
    });
    for (const path of ['/', '/zstd']) {
      const limits = { maxWireBytes: 4 << 20, maxBodyBytes: bytes.length };
      const { body } = await get(origin + path, { limits });
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) {
        chunks.push(chunk);
        if (chunks.length % 10 === 0) await wait(1);
      }
      assert.ok(Buffer.concat(chunks).equals(bytes));
    }
  });

  it('is not asked for with what the caller may not set', async (t) => {
    const { origin, requests } = await serve(t, (_request, response) => response.end());
    const headers = {
      Host: 'evil.example.com',
      'Accept-Encoding': 'rot13',
      CONNECTION: 'keep-alive',
    };
    await failureOf(origin, { headers });
    const seen = requests[0]?.headers;
    assert.equal(seen?.host, new URL(origin).host);
    assert.equal(seen?.['accept-encoding'], 'gzip, zstd, br');
    assert.equal(seen?.connection, 'close');
  });

  it('is not asked for when a header cannot be sent, and the error does not tell which', async (t) => {
    const { origin, requests } = await serve(t, (_request, response) => response.end());
    for (const secretHeaders of [
      { 'x-hush': 'a\r\nb: c' },
      { 'x hush': 'a' },
      { 'x-hush': 'ключ' },
    ]) {
      assert.equal(await failureOf(origin, { secretHeaders }), 'badUrl');
    }
    assert.equal(requests.length, 0);
  });
});

describe('a target that is not allowed', () => {
  it('is never connected to, however it is spelled', async (t) => {
    const { origin, requests } = await servePublic(t, (_request, response) => response.end());
    const { port } = new URL(origin);
    const hosts = ['127.0.0.1', '0x7f.1', '2130706433', '127.1', 'localhost', '[::1]', '0'];
    hosts.push('[::ffff:10.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '10.0.0.1');
    hosts.push('169.254.169.254', '168.63.129.16', '[2002:7f00:1::]', '[fe80::1]');
    for (const host of hosts) {
      const url = `https://${host}:${port}/hush`;
      assert.equal(await failureOf(url, { allowPrivate: false }), 'privateTarget', host);
    }
    assert.equal(await failureOf('http://8.8.8.8/', { allowPrivate: false }), 'privateTarget');
    assert.equal(requests.length, 0);
  });

  it('is a name of which only one address is private', async () => {
    for (const bad of ['10.0.0.1', '::1', 'fe80::1%1', '::ffff:169.254.169.254', '168.63.129.16']) {
      for (const addresses of [[bad], ['8.8.8.8', bad], [bad, '8.8.8.8']]) {
        const web = new NodeWeb({ resolve: async () => addresses });
        const url = 'https://feeds.example.com/hush';
        assert.equal(await failureOf(url, { allowPrivate: false }, web), 'privateTarget', bad);
      }
    }
  });

  it('is one that a redirect leads to', async (t) => {
    const places = [
      'https://127.0.0.2/',
      'https://0x0a.1/',
      'https://[::1]/',
      'https://localhost/',
    ];
    places.push('//[::ffff:127.0.0.2]/', 'https://inner.example.com/', 'http://8.8.8.8/');
    const resolve = async (name: string) => [name === 'web.example.com' ? '127.0.0.1' : '10.1.2.3'];
    const { origin, requests, web } = await servePublic(
      t,
      ({ url = '' }, response) => {
        if (url === '/ok') response.end(LIST);
        else redirect(response, decodeURIComponent(url.slice(1)));
      },
      { resolve },
    );
    const from = `https://web.example.com:${new URL(origin).port}`;
    for (const place of places) {
      const url = `${from}/${encodeURIComponent(place)}`;
      assert.equal(await failureOf(url, { allowPrivate: false }, web), 'privateTarget', place);
    }
    assert.equal(requests.length, places.length);
    const answer = await get(`${from}/%2Fok`, { allowPrivate: false }, web);
    assert.equal(await textOf(answer), LIST);
  });

  it('cannot hide behind a second resolution of the same name', async (t) => {
    const { origin, web } = await servePublic(t, (_request, response) => response.end(LIST), {
      resolve: async () => [...(answers.shift() ?? [])],
    });
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    const url = `https://web.example.com:${new URL(origin).port}/`;
    assert.equal(await textOf(await get(url, { allowPrivate: false }, web)), LIST);
    assert.equal(answers.length, 1, 'resolved once for one connection');
    assert.equal(await failureOf(url, { allowPrivate: false }, web), 'privateTarget');
  });

  it('is fine where private targets are', async (t) => {
    const { origin, requests } = await serve(t, (_request, response) => response.end(LIST));
    const { port } = new URL(origin);
    const unresolved = new NodeWeb({ resolve: async () => Promise.reject(new Error('no names')) });
    for (const host of ['127.0.0.1', '0x7f.1', '[::ffff:127.0.0.1]']) {
      const answer = await get(`http://${host}:${port}/`, {}, unresolved);
      assert.equal(await textOf(answer), LIST, host);
    }
    assert.equal(await textOf(await get(`http://localhost:${port}/`)), LIST);
    assert.equal(requests.length, 4);
  });

  it('is an address that is no URL, holds credentials, or names another scheme', async () => {
    for (const url of [
      'hush',
      'https://user:hush@8.8.8.8/',
      'ftp://8.8.8.8/hush',
      'file:///hush',
    ]) {
      assert.equal(await failureOf(url), 'badUrl', url);
    }
  });
});

describe('a redirect', () => {
  it('is followed for each of its statuses, relative or not', async (t) => {
    const { origin, requests } = await serve(t, ({ url = '' }, response) => {
      const status = Number(url.slice(-3));
      if (url === '/lists/end?x=1') response.end(LIST);
      else redirect(response, status === 307 ? `${origin}/lists/end?x=1` : 'end?x=1', status);
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = await get(`${origin}/lists/${status}`);
      assert.equal(answer.url, `${origin}/lists/end?x=1`);
      assert.equal(await textOf(answer), LIST);
    }
    assert.ok(requests.every(({ method }) => method === 'GET'));
  });

  it('is followed as often as the limit says', async (t) => {
    const { origin, requests } = await serve(t, ({ url = '' }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) response.end(LIST);
      else redirect(response, `/${left - 1}`);
    });
    assert.equal(await failureOf(`${origin}/3`), 'none');
    assert.equal(await failureOf(`${origin}/4`), 'tooManyRedirects');
    assert.equal(
      await failureOf(`${origin}/1`, { limits: { maxRedirects: 0 } }),
      'tooManyRedirects',
    );
    assert.equal(requests.length, 4 + 4 + 1);
  });

  it('in a circle ends', async (t) => {
    const { origin, requests } = await serve(t, (_request, response) =>
      redirect(response, '/hush'),
    );
    assert.equal(await failureOf(`${origin}/hush`), 'tooManyRedirects');
    assert.equal(requests.length, LIMITS.maxRedirects + 1);
  });

  it('needs one good Location', async (t) => {
    const { origin } = await serve(t, ({ url = '' }, response) => {
      const location = decodeURIComponent(url.slice(1));
      if (location === 'none') response.writeHead(302).end();
      else if (location === 'two')
        response.writeHead(302, ['location', '/a', 'location', '/b']).end();
      else redirect(response, location);
    });
    const bad = [
      'none',
      'two',
      '',
      'https://',
      'https://a:b@hush/',
      'gopher://hush/',
      'javascript:1',
    ];
    for (const location of bad) {
      const url = `${origin}/${encodeURIComponent(location)}`;
      assert.equal(await failureOf(url), 'badRedirect', location);
    }
  });

  it('takes secret headers along to the first origin only', async (t) => {
    const other = await serve(t, (_request, response) =>
      redirect(response, `${first.origin}/back`),
    );
    const first = await serve(t, ({ url }, response) => {
      if (url === '/start') redirect(response, '/same');
      else if (url === '/same') redirect(response, `${other.origin}/away`);
      else response.end(LIST);
    });
    const secretHeaders = { Authorization: 'Bearer hush', 'X-Key': 'hush' };
    const answer = await get(`${first.origin}/start`, {
      secretHeaders,
      headers: { 'X-Open': '1' },
    });
    assert.equal(await textOf(answer), LIST);
    for (const { headers } of first.requests) {
      assert.equal(headers.authorization, 'Bearer hush');
      assert.equal(headers['x-key'], 'hush');
    }
    const [away] = other.requests;
    assert.equal(away?.headers['x-open'], '1');
    assert.doesNotMatch(JSON.stringify(away?.headers), HUSH);
  });

  it('to another scheme or name on the same machine is another origin', async (t) => {
    const plain = await serve(t, (_request, response) => response.end(LIST));
    const { origin, requests, web } = await servePublic(
      t,
      ({ headers }, response) => {
        if (headers.host?.startsWith('web.'))
          redirect(response, `https://other.example.com:${port}/`);
        else redirect(response, plain.origin);
      },
      { resolve: async () => ['127.0.0.1'] },
    );
    const { port } = new URL(origin);
    const secretHeaders = { Authorization: 'hush' };
    await textOf(await get(`https://web.example.com:${port}/`, { secretHeaders }, web));
    const seen = [...requests, ...plain.requests].map(({ headers }) => headers.authorization);
    assert.deepEqual(seen, ['hush', undefined, undefined]);
  });
});

describe('an encoded body', () => {
  const packed: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync(LIST),
    'X-GZIP': gzipSync(LIST),
    deflate: deflateSync(LIST),
    br: brotliCompressSync(LIST),
    zstd: zstdCompressSync(LIST),
    'gzip, gzip': gzipSync(gzipSync(LIST)),
    'zstd, br': brotliCompressSync(zstdCompressSync(LIST)),
    identity: Buffer.from(LIST),
  };

  it('is unpacked', async (t) => {
    const { origin } = await serve(t, ({ url = '' }, response) => {
      const encoding = decodeURIComponent(url.slice(1));
      response.setHeader('content-encoding', encoding).end(packed[encoding]);
    });
    for (const encoding of Object.keys(packed)) {
      const answer = await get(`${origin}/${encodeURIComponent(encoding)}`);
      assert.equal(await textOf(answer), LIST, encoding);
    }
  });

  it('fails when cut, even where the server calls it complete', async (t) => {
    const { origin } = await serve(t, ({ url = '' }, response) => {
      const encoding = decodeURIComponent(url.slice(1));
      response.setHeader('content-encoding', encoding).end(packed[encoding]?.subarray(0, -1));
    });
    for (const encoding of Object.keys(packed).filter((name) => name !== 'identity')) {
      assert.equal(
        await failureOf(`${origin}/${encodeURIComponent(encoding)}`),
        'encoding',
        encoding,
      );
    }
  });

  it('fails when it is not what it is said to be, or something unknown', async (t) => {
    const { origin } = await serve(t, ({ url = '' }, response) => {
      response.setHeader('content-encoding', decodeURIComponent(url.slice(1))).end('<html></html>');
    });
    for (const encoding of [
      'gzip',
      'zstd',
      'br',
      'deflate',
      'rot13',
      'gzip, gzip, gzip',
      'gzip, x',
    ]) {
      assert.equal(
        await failureOf(`${origin}/${encodeURIComponent(encoding)}`),
        'encoding',
        encoding,
      );
    }
  });

  it('fails where the transfer itself is packed', async (t) => {
    const server = await startRawServer((socket) => {
      const body = gzipSync(LIST);
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n');
      socket.write(`${body.length.toString(16)}\r\n`);
      socket.write(body);
      socket.end('\r\n0\r\n\r\n');
    });
    t.after(() => server.stop());
    assert.equal(await failureOf(server.origin), 'encoding');
  });

  it('has its status told although it cannot be unpacked', async (t) => {
    const { origin } = await serve(t, (_request, response) => {
      response
        .writeHead(503, { 'content-encoding': 'rot13', 'content-length': 9e9 })
        .flushHeaders();
    });
    const answer = await get(origin);
    assert.equal(answer.status, 503);
    answer.discard();
  });
});

describe('a body that is too large', () => {
  const MEGABYTE = 1 << 20;

  async function readUntilRefused(url: string, limits: Partial<WebLimits>): Promise<number> {
    const { body } = await get(url, { limits });
    let bytes = 0;
    const reading = async () => {
      for await (const chunk of body) bytes += chunk.length;
    };
    await assert.rejects(reading(), { code: 'tooLarge' });
    return bytes;
  }

  it('may be just as large as the limit', async (t) => {
    const { origin } = await serve(t, ({ url }, response) => {
      if (url === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync(LIST));
      else response.end(LIST);
    });
    const { length } = gzipSync(LIST);
    const fits = { maxBodyBytes: LIST.length, maxWireBytes: LIST.length };
    const fitsPacked = { maxBodyBytes: LIST.length, maxWireBytes: length };
    assert.equal(await failureOf(`${origin}/`, { limits: fits }), 'none');
    assert.equal(await failureOf(`${origin}/gzip`, { limits: fitsPacked }), 'none');
    for (const [path, limits] of [
      ['/', { ...fits, maxBodyBytes: LIST.length - 1 }],
      ['/', { ...fits, maxWireBytes: LIST.length - 1 }],
      ['/gzip', { ...fitsPacked, maxBodyBytes: LIST.length - 1 }],
      ['/gzip', { ...fitsPacked, maxWireBytes: length - 1 }],
    ] as const) {
      assert.equal(await failureOf(origin + path, { limits }), 'tooLarge', JSON.stringify(limits));
    }
  });

  it('is refused by its Content-Length before a byte is read', async (t) => {
    const { origin } = await serve(t, (_request, response) => {
      response.writeHead(200, { 'content-length': MEGABYTE + 1 }).write('x');
    });
    assert.equal(await readUntilRefused(origin, { maxWireBytes: MEGABYTE, idleMs: 10_000 }), 0);
  });

  it('and without an end is refused, and its connection closed', async (t) => {
    const { origin } = await serve(t, (request, response) => {
      writeForEver(response, Buffer.alloc(64 * 1024, '1'));
      closed.push(closingOf(request));
    });
    const closed: Promise<unknown>[] = [];
    const bytes = await readUntilRefused(origin, { maxWireBytes: MEGABYTE, maxBodyBytes: 8e9 });
    assert.ok(bytes <= MEGABYTE);
    assert.equal(await failureOf(origin, { limits: { maxBodyBytes: MEGABYTE } }), 'tooLarge');
    await Promise.all(closed);
    assert.equal(closed.length, 2);
  });

  it('once unpacked is refused at the limit', async (t) => {
    const bombs: Readonly<Record<string, Buffer>> = {
      // Half noise, half zeros in small pieces: near 100:1. All zeros: near 1000:1.
      gzip: gzipSync(Buffer.concat(Array.from({ length: 400 }, () => mostlyZeros(200)))),
      deflate: deflateSync(Buffer.alloc(80 * MEGABYTE)),
      zstd: zstdCompressSync(Buffer.alloc(80 * MEGABYTE)),
      br: brotliCompressSync(Buffer.alloc(20 * MEGABYTE)),
    };
    const { origin } = await serve(t, ({ url = '' }, response) => {
      const encoding = url.slice(1);
      response.setHeader('content-encoding', encoding).end(bombs[encoding]);
    });
    for (const encoding of Object.keys(bombs)) {
      const bytes = await readUntilRefused(`${origin}/${encoding}`, { maxBodyBytes: MEGABYTE });
      assert.ok(bytes <= MEGABYTE && bytes > MEGABYTE / 2, `${encoding}: ${bytes}`);
    }
  });

  it('is refused although its stream of zeros never ends', async (t) => {
    const { origin } = await serve(t, (_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      const gzip = createGzip();
      gzip.pipe(response);
      response.once('close', () => gzip.destroy());
      const zeros = Buffer.alloc(MEGABYTE);
      const fill = () => gzip.write(zeros, () => !gzip.destroyed && fill());
      fill();
    });
    await readUntilRefused(origin, { maxBodyBytes: 8 * MEGABYTE, maxWireBytes: 8e9 });
  });

  it('between its two encodings is refused too', async (t) => {
    // 40 MB of gzip members that are all empty: nothing at the end, much on the way.
    const empty = Buffer.alloc(40 * MEGABYTE, gzipSync(''));
    const { origin } = await serve(t, (_request, response) => {
      response.setHeader('content-encoding', 'gzip, gzip').end(gzipSync(empty, { level: 1 }));
    });
    assert.equal(await readUntilRefused(origin, {}), 0);
  });

  function mostlyZeros(noise: number): Buffer {
    return Buffer.concat([randomBytes(noise), Buffer.alloc(100 * noise)]);
  }
});

describe('a body that breaks off', () => {
  const answers = {
    'short of its Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n192.0.2.1\n',
    'in a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n192.0.2.1\n',
    'between chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n192.0.2.1\n\r\n',
    'in its trailer':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n192.0.2.1\n\r\n0\r\n',
    'into a bad chunk':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n192.0.2.1\n\r\nxyz\r\n',
  };

  it('is never a short body', async (t) => {
    const server = await startRawServer((socket) => {
      socket.once('data', (request) => {
        const [, path = ''] = /^GET \/(\S*) /.exec(String(request)) ?? [];
        const { how, kind } = JSON.parse(decodeURIComponent(path)) as { how: string; kind: string };
        const answer = answers[kind as keyof typeof answers];
        if (how === 'end') socket.end(answer);
        else socket.write(answer, () => setTimeout(() => socket.resetAndDestroy(), 20));
      });
    });
    t.after(() => server.stop());
    for (const kind of Object.keys(answers)) {
      for (const how of ['end', 'reset']) {
        const path = encodeURIComponent(JSON.stringify({ how, kind }));
        assert.equal(await failureOf(`${server.origin}/${path}`), 'network', `${how} ${kind}`);
      }
    }
  });

  it('in the middle of a gzip stream blames the connection', async (t) => {
    const { origin } = await serve(t, (request, response) => {
      const packed = gzipSync(randomBytes(10_000));
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length });
      response.write(packed.subarray(0, 5_000), () => request.socket.destroySoon());
    });
    assert.equal(await failureOf(origin), 'network');
  });
});

describe('a server that does not speak HTTP', () => {
  const answers = {
    nothing: '',
    garbage: 'SSH-2.0-OpenSSH_9.6\r\nhush\r\n',
    'half a header': 'HTTP/1.1 200 OK\r\nContent-Le',
    'a header without an end': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}`,
    'headers without an end': `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`,
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'length and chunks':
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    'a bad length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab',
    'another protocol': 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nab',
  };

  it('fails as a network does', async (t) => {
    const server = await startRawServer((socket) => {
      socket.once('data', (request) => {
        const [, path = ''] = /^GET \/(\S*) /.exec(String(request)) ?? [];
        socket.end(answers[decodeURIComponent(path) as keyof typeof answers]);
      });
    });
    t.after(() => server.stop());
    for (const kind of Object.keys(answers)) {
      const url = `${server.origin}/${encodeURIComponent(kind)}?hush`;
      assert.equal(await failureOf(url), 'network', kind);
    }
  });

  it('or is not there, or speaks plain where TLS was expected, does so too', async (t) => {
    const gone = await startWebServer(() => undefined);
    await gone.stop();
    assert.equal(await failureOf(`${gone.origin}/hush`), 'network');
    const plain = await serve(t, () => undefined);
    assert.equal(await failureOf(`${plain.origin.replace('http', 'https')}/hush`), 'network');
    const nameless = new NodeWeb({ resolve: async () => [] });
    assert.equal(await failureOf('https://feeds.example.com/hush', {}, nameless), 'network');
  });

  it('is named by host and cause', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    };
    const asked = get('https://feeds.example.com:444/x', {}, new NodeWeb({ resolve }));
    await assert.rejects(asked, { code: 'network', message: 'feeds.example.com:444: ENOTFOUND' });
  });
});

describe('TLS', () => {
  it('trusts no unknown authority and no other name', async (t) => {
    const { origin, requests, web } = await servePublic(
      t,
      (_request, response) => response.end(LIST),
      { resolve: async () => ['127.0.0.1'] },
    );
    const { port } = new URL(origin);
    assert.equal(await failureOf(origin), 'network');
    assert.equal(await failureOf(`https://wrong.example.com:${port}/`, {}, web), 'network');
    assert.equal(requests.length, 0);
    assert.equal(await textOf(await get(`https://web.example.com:${port}/`, {}, web)), LIST);
    assert.equal(await textOf(await get(origin, {}, web)), LIST);
  });
});

describe('a server that takes its time', () => {
  const slow: Readonly<
    Record<string, (request: IncomingMessage, response: ServerResponse) => void>
  > = {
    '/silent': () => undefined,
    '/headers': (_request, response) => response.flushHeaders(),
    '/stalled': (_request, response) => void response.write('192.0.2.1\n'),
    '/stalled-gzip': (_request, response) => {
      response.setHeader('content-encoding', 'gzip').write(gzipSync(LIST).subarray(0, 10));
    },
    '/drip': (_request, response) => drip(response, '1', 10),
    '/drip-gzip': (_request, response) => {
      response.setHeader('content-encoding', 'gzip').write(gzipSync(LIST).subarray(0, 10));
      // Stored blocks of nothing: bytes come, but never any content.
      drip(response, Buffer.from([0, 0, 0, 0xff, 0xff]), 10);
    },
    '/redirects': ({ url = '' }, response) => {
      setTimeout(() => redirect(response, `${url}0`), 20);
    },
  };
  const handler: WebHandler = (request, response) => {
    const [path = ''] = /^\/[a-z-]*/.exec(request.url ?? '') ?? [];
    slow[path]?.(request, response);
  };

  it('fails when it is silent for too long', async (t) => {
    const { origin } = await serve(t, handler);
    const paths = ['/silent', '/headers', '/stalled', '/stalled-gzip'];
    const asked = paths.map(async (path) => failureOf(origin + path, { limits: { idleMs: 100 } }));
    assert.deepEqual(
      await Promise.all(asked),
      paths.map(() => 'timeout'),
    );
  });

  it('fails when it takes too long in all, however busy it is', async (t) => {
    const { origin } = await serve(t, handler);
    const paths = ['/silent', '/stalled', '/drip', '/drip-gzip', '/redirects'];
    const limits = { totalMs: 200, maxRedirects: 1e6 };
    const asked = paths.map(async (path) => failureOf(origin + path, { limits }));
    assert.deepEqual(
      await Promise.all(asked),
      paths.map(() => 'timeout'),
    );
  });

  it('fails in its headers, its handshake, or where its name is resolved', async (t) => {
    const headers = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('X: y\r\n'), 20);
      socket.once('close', () => clearInterval(timer));
    });
    t.after(() => headers.stop());
    const information = await startRawServer((socket) => {
      const timer = setInterval(() => socket.write('HTTP/1.1 103 Early\r\nX: y\r\n\r\n'), 20);
      socket.once('close', () => clearInterval(timer));
    });
    t.after(() => information.stop());
    const mute = await startRawServer(() => undefined);
    t.after(() => mute.stop());
    const handshake = mute.origin.replace('http', 'https');
    const unnamed = new NodeWeb({ resolve: async () => new Promise(() => undefined) });
    const [total, idle] = [{ totalMs: 150 }, { idleMs: 150 }];
    const failures = await Promise.all([
      failureOf(headers.origin, { limits: total }),
      failureOf(headers.origin, { limits: idle }),
      failureOf(information.origin, { limits: total }),
      failureOf(handshake, { limits: total }),
      failureOf(handshake, { limits: idle }),
      failureOf('https://feeds.example.com/hush', { limits: total }, unnamed),
      failureOf('https://feeds.example.com/hush', { limits: idle }, unnamed),
    ]);
    assert.deepEqual(new Set(failures), new Set(['timeout']));
  });

  it('but keeps sending is not silent, and a reader that takes its time does not make it so', async (t) => {
    const { origin } = await serve(t, ({ url }, response) => {
      if (url === '/') return void response.end(Buffer.alloc(300_000, '1'));
      let left = 8;
      const timer = setInterval(() => {
        response.write('1');
        if (--left > 0) return;
        clearInterval(timer);
        response.end();
      }, 50);
    });
    const limits = { idleMs: 300 };
    assert.equal(await textOf(await get(`${origin}/slow`, { limits })), '11111111');
    const { body } = await get(origin, { limits });
    let bytes = 0;
    for await (const chunk of body) {
      if (bytes === 0) await wait(500);
      bytes += chunk.length;
    }
    assert.equal(bytes, 300_000);
  });

  it('is not blamed for a process that was busy', async (t) => {
    const { origin } = await serve(t, (_request, response) => {
      response.write('1');
      setTimeout(() => {
        response.write('2');
        setTimeout(() => response.end('3'), 20);
      }, 30);
    });
    const { body } = await get(origin, { limits: { idleMs: 150 } });
    const busy = setTimeout(() => {
      // From before the server's next byte until after the clock of silence: both wait in the event loop.
      const until = performance.now() + 300;
      while (performance.now() < until);
    }, 25);
    const read: string[] = [];
    for await (const chunk of body) read.push(String(chunk));
    clearTimeout(busy);
    assert.equal(read.join(''), '123');
  });

  it('fails for a reader that comes too late', async (t) => {
    const { origin } = await serve(t, ({ url }, response) => {
      if (url === '/whole') response.end(LIST);
      else response.write(LIST);
    });
    const read = async (path: string) => {
      const answer = await get(origin + path, { limits: { totalMs: 250 } });
      await wait(350);
      await assert.rejects(textOf(answer), { code: 'timeout' }, path);
    };
    await Promise.all([read('/whole'), read('/part')]);
  });
});

describe('an exchange that is over', () => {
  const endless: WebHandler = (_request, response) =>
    writeForEver(response, Buffer.alloc(10_000, '1'));

  it(
    'has closed its connection, read, abandoned, discarded or failed',
    { timeout: 30_000 },
    async (t) => {
      const closed: Promise<unknown>[] = [];
      const { origin } = await serve(t, (request, response) => {
        closed.push(closingOf(request));
        if (request.url === '/list') response.end(LIST);
        else if (request.url === '/gzip') {
          response.setHeader('content-encoding', 'gzip').write(gzipSync(LIST));
        } else if (request.url === '/redirect') {
          response.writeHead(302, { location: '/list' });
          endless(request, response);
        } else if (request.url !== '/silent') endless(request, response);
      });
      await textOf(await get(`${origin}/list`));
      await textOf(await get(`${origin}/redirect`));
      for (const path of ['/endless', '/gzip']) {
        const { body } = await get(origin + path);
        for await (const chunk of body) {
          assert.ok(chunk.length > 0);
          break;
        }
      }
      (await get(`${origin}/endless`)).discard();
      const late = await get(`${origin}/endless`);
      const iterator = late.body[Symbol.asyncIterator]();
      await iterator.next();
      late.discard();
      await assert.rejects(async () => {
        while ((await iterator.next()).done !== true);
      });
      assert.equal(
        await failureOf(`${origin}/endless`, { limits: { maxBodyBytes: 10 } }),
        'tooLarge',
      );
      assert.equal(await failureOf(`${origin}/silent`, { limits: { idleMs: 150 } }), 'timeout');
      await Promise.all(closed);
      assert.equal(closed.length, 9);
    },
  );

  it(
    'has closed its connection where HTTP was left, or never reached',
    { timeout: 30_000 },
    async (t) => {
      const closed: Promise<unknown>[] = [];
      const upgrading = await startRawServer((socket) => {
        closed.push(closingOf({ socket }));
        socket.resume();
        socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nab');
      });
      t.after(() => upgrading.stop());
      const mute = await startRawServer((socket) => {
        closed.push(closingOf({ socket }));
        socket.resume();
      });
      t.after(() => mute.stop());
      assert.equal(await failureOf(upgrading.origin), 'network');
      const handshake = mute.origin.replace('http', 'https');
      assert.equal(await failureOf(handshake, { limits: { idleMs: 150 } }), 'timeout');
      await Promise.all(closed);
      assert.equal(closed.length, 2);
    },
  );

  it('does not keep its process alive', async (t) => {
    const { origin } = await serve(t, (request, response) => {
      if (request.url === '/loop') redirect(response, '/loop');
      else endless(request, response);
    });
    const module = new URL('../../../shared/adapters/web/node-web.ts', import.meta.url).href;
    const request = requestOf(origin, { limits: { totalMs: 600_000, idleMs: 600_000 } });
    const script = `
      const { NodeWeb } = await import(${JSON.stringify(module)});
      const web = new NodeWeb();
      const request = ${JSON.stringify(request)};
      (await web.get(request)).discard();
      for await (const chunk of (await web.get(request)).body) break;
      try {
        for await (const chunk of (await web.get(request)).body);
      } catch ({ code }) {
        console.log(code);
      }
      await web.get({ ...request, url: request.url + '/loop' }).catch(({ code }) => console.log(code));`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 30_000,
    });
    assert.equal((await run).stdout, 'tooLarge\ntooManyRedirects\n');
  });
});
