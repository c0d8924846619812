import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type ApiValues, apiPath, openApi } from '../../local/api-client.ts';
import { leaveFolder, noteRunning } from '../../local/running.ts';
import { FakeApi } from '../support/fake-api.ts';

describe('the management API as commands ask it', () => {
  let api: FakeApi;
  let directory: string;
  before(async () => {
    api = await FakeApi.start();
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-api-'));
  });
  after(async () => {
    await api.stop();
    await rm(directory, { recursive: true });
  });
  beforeEach(() => api.clear());

  const open = (
    values: ApiValues,
    env: Record<string, string> = {},
    signal = new AbortController().signal,
  ) => {
    const stream = new PassThrough();
    const io = { stdin: stream, stdout: stream, stderr: stream, env, cwd: directory, signal };
    return openApi(values, io);
  };

  it('sends the key in its header, and JSON where there is a body', async () => {
    api.on('GET /api/feeds', { body: { value: [] }, headers: { etag: '"1"' } });
    api.on('POST /api/feeds/refresh', { status: 202, body: {} });
    const client = open({ url: api.url, key: 'SECRET' });
    const { status, etag, body } = await client.get('feeds');
    assert.deepEqual([status, etag, body], [200, '"1"', { value: [] }]);
    await client.post('feeds/refresh');
    const [first, second] = api.asked;
    assert.equal(first!.headers['x-functions-key'], 'SECRET');
    assert.equal(first!.headers['content-type'], undefined);
    assert.deepEqual(second!.body, {});
    assert.equal(second!.headers['content-type'], 'application/json');
  });

  it('takes URL and key from the environment, and what is given before that', async () => {
    api.on('GET /api/feeds', { body: 1 });
    const env = { THREADWATCH_URL: `${api.url}/api/`, THREADWATCH_KEY: 'FROM-ENV' };
    await open({}, env).get('feeds');
    await open({ url: `${api.url}/`, key: 'GIVEN' }, env).get('feeds');
    const keys = api.asked.map(({ headers }) => headers['x-functions-key']);
    assert.deepEqual(keys, ['FROM-ENV', 'GIVEN']);
    assert.throws(() => open({ data: 'none' }, env), /no Threadwatch runs on none/);
  });

  it('finds the Threadwatch that runs on a folder, and sends it no key', async () => {
    api.on('GET /api/feeds', { body: 1 });
    const data = join(directory, '.threadwatch');
    assert.throws(() => open({}), /no Threadwatch runs on \.threadwatch; run "threadwatch start"/);
    await mkdir(data);
    noteRunning(data, null);
    assert.throws(() => open({}), /is starting on \.threadwatch/);
    noteRunning(data, { httpAddress: api.url, settings: {} });
    await open({}, { THREADWATCH_KEY: 'SECRET' }).get('feeds');
    assert.equal(api.asked[0]!.headers['x-functions-key'], undefined);
    leaveFolder(data);
  });

  it('sends a key over https only, and takes no other address', () => {
    for (const url of ['http://threadwatch.example.com', 'ftp://example.com', 'example.com']) {
      assert.throws(() => open({ url, key: 'SECRET' }), { code: 'USAGE' });
    }
    open({ url: 'http://threadwatch.example.com' });
    open({ url: 'https://threadwatch.example.com', key: 'SECRET' });
  });

  it('says what the API says, with each detail, fit for a terminal', async () => {
    api.refuse('GET /api/a', 400, 'InvalidRequest', 'not so', ['x: \u001b[31m', 'y']);
    await assert.rejects(open({ url: api.url }).get('a'), {
      status: 400,
      code: 'InvalidRequest',
      message: 'not so: x: \\x1b[31m; y',
    });
  });

  it('asks for a key where there is none, or a wrong one', async () => {
    api.on('GET /api/a', { status: 401, text: '' });
    const refused = open({ url: api.url, key: 'SECRET' }).get('a');
    await assert.rejects(refused, ({ message }: Error) => {
      assert.match(message, /asks for a key: --key, or THREADWATCH_KEY/);
      return !message.includes('SECRET');
    });
  });

  it('does not take another server for a Threadwatch, and follows it nowhere', async () => {
    api.on('GET /api/page', { text: '<html>' });
    api.on('GET /api/moved', { status: 302, headers: { location: '/api/feeds' }, text: '' });
    api.on('GET /api/list', { status: 500, body: [1] });
    for (const [path, status] of [
      ['page', 200],
      ['moved', 302],
      ['list', 500],
      ['none', 404],
    ] as const) {
      const asked = open({ url: api.url, key: 'SECRET' }).get(path);
      await assert.rejects(asked, { code: 'NoThreadwatch', status });
    }
    assert.equal(api.asked.length, 4);
  });

  it('says so when nobody answers, and when it is stopped', async () => {
    const unanswered = open({ url: 'http://127.0.0.1:2' }).get('feeds');
    await assert.rejects(unanswered, /^Error: http:\/\/127\.0\.0\.1:2 cannot be reached: /);
    const stopped = open({ url: api.url }, {}, AbortSignal.abort()).get('feeds');
    await assert.rejects(stopped, /^Error: stopped$/);
  });

  it('encodes each segment of a path', () => {
    assert.equal(apiPath('feeds', 'a/../b ?#'), 'feeds/a%2F..%2Fb%20%3F%23');
  });
});
