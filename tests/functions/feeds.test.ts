// The management of feeds on the platform of this machine: the handlers called as functions, then the command line against
// the functions in their host.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { HttpRequest, type HttpResponseInit, type Timer } from '@azure/functions';
import { acceptFeed } from '../../functions/http/accept-feed.ts';
import { deleteAllowEntry } from '../../functions/http/delete-allow-entry.ts';
import { explainIndicator } from '../../functions/http/explain-indicator.ts';
import { getFeed } from '../../functions/http/get-feed.ts';
import { getFeedConfiguration } from '../../functions/http/get-feed-configuration.ts';
import { listAllowlist } from '../../functions/http/list-allowlist.ts';
import { listFeeds } from '../../functions/http/list-feeds.ts';
import { putAllowEntry } from '../../functions/http/put-allow-entry.ts';
import { putFeedConfiguration } from '../../functions/http/put-feed-configuration.ts';
import { refreshFeed } from '../../functions/http/refresh-feed.ts';
import { refreshFeeds } from '../../functions/http/refresh-feeds.ts';
import { rollbackFeed } from '../../functions/http/rollback-feed.ts';
import { refreshThreatFeeds } from '../../functions/schedules/refresh-threat-feeds.ts';
import { type FunctionsProcess, startFunctions } from '../../local/functions/start.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { leaveFolder, noteRunning } from '../../local/running.ts';
import { closeServices } from '../../shared/wiring.ts';
import { runCli } from '../support/run-cli.ts';
import { listOf } from '../support/feed-world.ts';
import { type WebServer, startWebServer } from '../support/hostile-web.ts';
import { contextOf } from '../support/trigger-metadata.ts';

const LISTED = '45.66.0.1';

type Handler = (request: HttpRequest) => Promise<HttpResponseInit>;

interface Sent {
  readonly params?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

async function call(handler: Handler, { params = {}, headers = {}, body }: Sent = {}) {
  const {
    status = 200,
    headers: given,
    jsonBody,
  } = await handler(
    new HttpRequest({
      method: body === undefined ? 'GET' : 'POST',
      url: 'http://127.0.0.1/api/x',
      params,
      headers,
      ...(body === undefined
        ? {}
        : { body: { string: typeof body === 'string' ? body : JSON.stringify(body) } }),
    }),
  );
  return { status, etag: new Headers(given).get('etag'), body: jsonBody };
}

describe('the management of feeds', () => {
  let directory: string;
  let platform: Platform;
  let web: WebServer;
  let list = listOf(100);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-feeds-'));
    web = await startWebServer((_, response) => response.end(list));
    platform = await startPlatform({
      directory: join(directory, 'data'),
      partitionCount: 1,
      anyPorts: true,
    });
    Object.assign(process.env, platform.settings);
  });
  after(async () => {
    await closeServices();
    await platform.stop();
    await web.stop();
    await rm(directory, { recursive: true });
  });

  const refresh = async () => {
    const { context } = contextOf('refreshThreatFeeds');
    await refreshThreatFeeds({} as Timer, context);
  };
  const name = 'OWN-list';
  const params = { name };
  const configuration = () => ({
    version: 1,
    feeds: [{ name: 'own-list', address: `${web.origin}/list?key=SECRET`, allowPrivate: true }],
  });

  it('begins with nothing', async () => {
    assert.deepEqual((await call(listFeeds)).body, { value: [] });
    const { status, etag, body } = await call(getFeedConfiguration);
    assert.deepEqual([status, etag, body], [200, null, { version: 1, feeds: [] }]);
    assert.deepEqual((await call(listAllowlist)).body, { value: [] });
    const { body: explained } = await call(explainIndicator, { params: { address: LISTED } });
    assert.deepEqual(explained.snapshot, { ordinal: 0, id: 'none' });
    assert.equal((await call(getFeed, { params })).status, 404);
  });

  it('takes a configuration under its ETag', async () => {
    const body = configuration();
    const { status } = await call(putFeedConfiguration, { body });
    assert.equal(status, 428);
    const ifNone = { 'if-none-match': '*' };
    const created = await call(putFeedConfiguration, { body, headers: ifNone });
    assert.equal(created.status, 201);
    const read = await call(getFeedConfiguration);
    assert.deepEqual([read.etag, read.body], [created.etag, body]);
    const again = await call(putFeedConfiguration, { body, headers: ifNone });
    assert.deepEqual([again.status, again.body.error.code], [412, 'PreconditionFailed']);
    const headers = { 'if-match': read.etag! };
    assert.equal((await call(putFeedConfiguration, { body, headers })).status, 200);
    assert.equal((await call(putFeedConfiguration, { body, headers })).status, 412);
  });

  it('names what is wrong with a configuration', async () => {
    const headers = { 'if-match': '*' };
    const wrong = { version: 1, feeds: [{ name: 'a b' }] };
    const { status, body } = await call(putFeedConfiguration, { body: wrong, headers });
    assert.equal(status, 400);
    assert.equal(body.error.details.length, 2);
    assert.equal((await call(putFeedConfiguration, { body: '{', headers })).status, 400);
    const long = ' '.repeat(1_000_001);
    assert.equal((await call(putFeedConfiguration, { body: long, headers })).status, 413);
  });

  it('fetches what is asked for, and shows how it is', async () => {
    assert.equal((await call(listFeeds)).body.value[0].state, 'waiting');
    const asked = await call(refreshFeeds);
    assert.deepEqual([asked.status, asked.body.requested], [202, ['own-list']]);
    await refresh();
    const { body } = await call(getFeed, { params });
    assert.partialDeepStrictEqual(body, {
      name: 'own-list',
      address: `${web.origin}/list?key=…`,
      state: 'current',
      counts: { indicators: 100 },
    });
    assert.ok(!JSON.stringify(body).includes('SECRET'));
  });

  it('explains an address', async () => {
    const { body } = await call(explainIndicator, { params: { address: `::ffff:${LISTED}` } });
    assert.deepEqual([body.address, body.listed, body.snapshot.ordinal], [LISTED, true, 1]);
    assert.match(body.effect, /^A contact raises IoT_TiConnection/);
    const wrong = await call(explainIndicator, { params: { address: '45.66.1' } });
    assert.deepEqual([wrong.status, wrong.body.error.code], [400, 'InvalidRequest']);
  });

  it('suppresses with the allowlist as soon as it has answered', async () => {
    const entry = { params: { network: '45.66.0.0%2F24' } };
    const put = async (body: unknown) => call(putAllowEntry, { ...entry, body });
    assert.equal((await put({ reason: '' })).status, 400);
    assert.equal((await put({ reason: 'our own' })).status, 201);
    assert.equal((await put({ reason: 'our own' })).status, 200);
    const explained = async () =>
      (await call(explainIndicator, { params: { address: LISTED } })).body;
    assert.match((await explained()).effect, /allowlist \(our own\)/);
    assert.equal((await call(listAllowlist)).body.value[0].network, '45.66.0.0/24');
    assert.equal((await call(deleteAllowEntry, entry)).status, 204);
    assert.equal((await call(deleteAllowEntry, entry)).status, 404);
    assert.match((await explained()).effect, /^A contact raises IoT_TiConnection/);
  });

  it('accepts what is held, and goes back', async () => {
    const accept = async () => call(acceptFeed, { params, body: '' });
    const rollback = async (body: unknown = '') => call(rollbackFeed, { params, body });
    assert.deepEqual((await accept()).body.error.code, 'NothingHeld');
    assert.deepEqual((await rollback()).status, 409);
    list = listOf(2);
    const asked = await call(refreshFeed, { params });
    assert.deepEqual([asked.status, asked.body.requested], [202, ['own-list']]);
    await refresh();
    assert.equal((await call(getFeed, { params })).body.held.reason, 'shrunk');
    const accepted = await accept();
    assert.deepEqual([accepted.status, accepted.body.counts.indicators], [200, 2]);
    const { state } = accepted.body.history[0];
    assert.equal((await rollback({ state: 'ffff' })).status, 409);
    assert.equal((await rollback({ state: 1 })).status, 400);
    const back = await rollback({ state });
    assert.deepEqual([back.status, back.body.counts.indicators], [200, 100]);
    assert.equal((await call(refreshFeed, { params: { name: 'none' } })).status, 404);
  });

  describe('from the command line', () => {
    let functions: FunctionsProcess;
    before(async () => {
      functions = await startFunctions({
        platform,
        settings: { FeedRefreshSchedule: '* * * * * *' },
        httpPort: 0,
      });
      const { httpAddress } = functions.listening;
      noteRunning(join(directory, 'data'), { httpAddress, settings: platform.settings });
    });
    after(async () => {
      leaveFolder(join(directory, 'data'));
      await functions.stop();
    });

    const run = async (...args: string[]) => runCli([...args, '--data', 'data'], directory);
    const ran = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };

    it('adds a feed, fetches it, and explains what it lists', async () => {
      // Before it is added: the timer comes every second.
      list = listOf(3, 500);
      const added = ['feeds', 'add', 'two', `${web.origin}/two`, '--allow-private'];
      assert.equal(await ran(...added), 'added two\n');
      assert.equal(await ran(...added), 'unchanged two\n');
      const [status] = (await ran('feeds', 'refresh', 'TWO', '--json')).trim().split('\n');
      assert.partialDeepStrictEqual(JSON.parse(status!), { name: 'two', state: 'current' });
      assert.match(await ran('explain', '45.66.1.245'), /: listed\n {2}A contact raises IoT_/);
      await ran('allowlist', 'add', '45.66.1.0/24', '--reason', 'our own');
      assert.match(await ran('explain', '45.66.1.245'), /raises nothing: 45\.66\.1\.0\/24/);
      assert.equal(await ran('allowlist', 'remove', '45.66.1.0/24'), 'removed: 45.66.1.0/24\n');
    });

    it('accepts and goes back', async () => {
      assert.match(await ran('feeds', 'accept', 'own-list'), /state +current/);
      assert.match(await ran('feeds', 'rollback', 'own-list'), /held +rolledBack: /);
      const { code, stderr } = await run('feeds', 'rollback', 'two');
      assert.deepEqual(
        [code, stderr],
        [1, 'threadwatch feeds rollback: there is no earlier state of this feed\n'],
      );
    });

    it('removes a feed', async () => {
      assert.equal(await ran('feeds', 'remove', 'two'), 'removed two\n');
      assert.doesNotMatch(await ran('feeds', 'list'), /^two /m);
    });
  });
});
