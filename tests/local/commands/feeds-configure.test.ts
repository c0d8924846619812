import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { command as add } from '../../../local/commands/feeds-add.ts';
import { command as list } from '../../../local/commands/feeds-list.ts';
import { command as remove } from '../../../local/commands/feeds-remove.ts';
import { command as starter } from '../../../local/commands/feeds-starter.ts';
import type { Command } from '../../../local/commands/command.ts';
import { STARTER_FEEDS } from '../../../local/feeds/starter.ts';
import starterFile from '../../../local/feeds/starter-feeds.json' with { type: 'json' };
import { parseFeedConfiguration } from '../../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { runCli } from '../../support/run-cli.ts';
import { runCommand } from './run-command.ts';

const ADDRESS = 'https://feeds.example.com/a.txt';
const FILE = ['--file', 'feeds.json'];

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'threadwatch-configure-'));
});
afterEach(async () => {
  await rm(cwd, { recursive: true });
});

const run = async (command: Command, args: readonly string[], stdin = '') =>
  runCommand(command, args, { cwd, stdin });
const printed = async (command: Command, ...args: string[]) => {
  const { code, stdout, stderr } = await run(command, args);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout;
};
const stored = async () => JSON.parse(await readFile(join(cwd, 'feeds.json'), 'utf8'));

describe('feeds add', () => {
  it('writes what was said and no more', async () => {
    assert.equal(await printed(add, 'a', ADDRESS, ...FILE), 'added a\n');
    assert.deepEqual(await stored(), { version: 1, feeds: [{ name: 'a', address: ADDRESS }] });
  });

  it('knows every field', async () => {
    const options =
      '--format csv --kind malware --confidence 70 --minimum-confidence 20 --refresh-every PT2H ' +
      '--time-to-live P3D --direction source --tlp green --credential-setting FeedCredentialA ' +
      '--credential-type basic --user me --allow-private --disabled --licence MIT ' +
      '--attribution somebody --terms https://example.com/terms';
    await printed(add, 'a', 'http://127.0.0.1/a', ...options.split(' '), ...FILE);
    assert.deepEqual((await stored()).feeds[0], {
      name: 'a',
      address: 'http://127.0.0.1/a',
      enabled: false,
      format: 'csv',
      kind: 'malware',
      confidence: 70,
      minimumConfidence: 20,
      refreshEvery: 'PT2H',
      timeToLive: 'P3D',
      direction: 'source',
      tlp: 'green',
      licence: 'MIT',
      terms: 'https://example.com/terms',
      attribution: 'somebody',
      credential: { type: 'basic', user: 'me', setting: 'FeedCredentialA' },
      allowPrivate: true,
    });
  });

  it('tells the kind of a credential by what goes with it', async () => {
    const setting = ['--credential-setting', 'FeedCredentialA'];
    await printed(add, 'a', ADDRESS, ...setting, ...FILE);
    await printed(add, 'b', ADDRESS, ...setting, '--header', 'X-Key', ...FILE);
    assert.deepEqual(
      (await stored()).feeds.map((feed: any) => feed.credential),
      [
        { type: 'bearer', setting: 'FeedCredentialA' },
        { type: 'header', header: 'X-Key', setting: 'FeedCredentialA' },
      ],
    );
  });

  it('changes nothing the second time, and says which fields a change is', async () => {
    await printed(add, 'Alpha', ADDRESS, '--confidence', '5', ...FILE);
    await printed(add, 'b', ADDRESS, ...FILE);
    const before = await readFile(join(cwd, 'feeds.json'), 'utf8');
    assert.equal(
      await printed(add, 'alpha', ADDRESS, '--confidence', '5', ...FILE),
      'unchanged Alpha\n',
    );
    assert.equal(await readFile(join(cwd, 'feeds.json'), 'utf8'), before);
    assert.equal(
      await printed(add, 'ALPHA', ADDRESS, '--tlp', 'red', ...FILE),
      'changed Alpha: confidence, tlp\n',
    );
    assert.deepEqual((await stored()).feeds[0], { name: 'Alpha', address: ADDRESS, tlp: 'red' });
  });

  it('leaves everything else in the file as it is', async () => {
    const file = { $schema: './x.json', version: 1, refreshEvery: 'PT3H', feeds: [] };
    await writeFile(join(cwd, 'feeds.json'), JSON.stringify(file));
    await printed(add, 'a', ADDRESS, ...FILE);
    assert.deepEqual(await stored(), { ...file, feeds: [{ name: 'a', address: ADDRESS }] });
  });

  it('refuses what is no feed as bad usage, with every problem', async () => {
    const cases: [string[], RegExp][] = [
      [['a', 'http://example.com'], /address: plain http/],
      [['a b', 'ftp://x', '--confidence', '101'], /name: .*; address: .*; confidence: /],
      [['a', ADDRESS, '--confidence', 'much'], /confidence: /],
      [['a', ADDRESS, '--refresh-every', '1h'], /refreshEvery: /],
      [['a', ADDRESS, '--credential-setting', 'Storage'], /credential\.setting: /],
      [['a', ADDRESS, '--user', 'me'], /--credential-setting/],
      [['a'], /NAME and ADDRESS were expected, found 1/],
      [['a', ADDRESS, 'b'], /found 3/],
      [['--starter'], /NAME or "all"/],
      [['--starter', 'nothing'], /"nothing" is no feed of the starter set/],
      [['--starter', 'all', '--from', 'x'], /either/],
      [['--starter', 'all', '--kind', 'abuse'], /--kind goes with NAME and ADDRESS/],
      [['--from', 'x', 'y'], /no "y"/],
    ];
    for (const [args, message] of cases) {
      await assert.rejects(run(add, [...args, ...FILE]), { code: 'USAGE', message });
    }
    await assert.rejects(stored(), { code: 'ENOENT' });
  });

  it('takes the feeds of a file or of stdin, a configuration or a list', async () => {
    const feeds = [
      { name: 'a', address: ADDRESS },
      { name: 'b', address: ADDRESS, confidence: 3 },
    ];
    await writeFile(join(cwd, 'more.json'), JSON.stringify({ version: 1, feeds }));
    assert.equal(await printed(add, '--from', 'more.json', ...FILE), 'added a\nadded b\n');
    const changed = JSON.stringify([{ ...feeds[0], tlp: 'red' }, feeds[1]]);
    const { records } = await run(add, ['--from', '-', '--json', ...FILE], changed);
    assert.deepEqual(records, [
      { record: 'feed', name: 'a', outcome: 'changed', fields: ['tlp'] },
      { record: 'feed', name: 'b', outcome: 'unchanged', fields: [] },
    ]);
    for (const wrong of ['', '7', '{}', '[{}]', '{"feeds":{}}', '[null]']) {
      await assert.rejects(run(add, ['--from', '-', ...FILE], wrong), /stdin|feeds/);
    }
    const bad = JSON.stringify([{ name: 'c', address: 'x' }]);
    await assert.rejects(run(add, ['--from', '-', ...FILE], bad), { code: 'CONFIGURATION' });
    assert.equal((await stored()).feeds.length, 2);
  });
});

describe('the starter set', () => {
  it('is a valid configuration; each feed has its licence, terms and source', () => {
    const { feeds } = parseFeedConfiguration(starterFile);
    assert.ok(feeds.length >= 8);
    for (const { name, licence, terms, attribution, kind, refreshEvery, timeToLive } of feeds) {
      assert.ok(licence && terms && attribution && kind && refreshEvery && timeToLive, name);
      assert.ok(refreshEvery < timeToLive, name);
    }
  });

  it('is never fetched from Spamhaus more than once a day', () => {
    const asked = STARTER_FEEDS.filter(({ address }) => address.includes('spamhaus.org'));
    assert.deepEqual(
      asked.map((feed) => feed['refreshEvery']),
      ['P1D', 'P1D'],
    );
  });

  it('is listed with licence and terms', async () => {
    const lines = (await printed(starter)).trimEnd().split('\n');
    assert.equal(lines.length, STARTER_FEEDS.length + 1);
    assert.match(lines[1]!, /^spamhaus-drop-v4 .* https:\/\/www\.spamhaus\.org\/drop\/terms\/$/);
    assert.deepEqual((await run(starter, ['--json'])).records, starterFile.feeds);
  });

  it('is added by name or whole, and leaves alone what is configured otherwise', async () => {
    assert.equal(await printed(add, '--starter', 'TOR-exit', ...FILE), 'added tor-exit\n');
    await printed(add, 'tor-exit', ADDRESS, '--confidence', '50', ...FILE);
    const all = await printed(add, '--starter', 'all', ...FILE);
    assert.match(all, /^added spamhaus-drop-v4$/m);
    assert.match(all, /^kept tor-exit as it is configured, which differs in: address, /m);
    const { feeds } = await stored();
    assert.equal(feeds.length, STARTER_FEEDS.length);
    assert.equal(feeds[0].address, ADDRESS);
    assert.doesNotMatch(await printed(add, '--starter', 'all', ...FILE), /^(?:added|changed)/m);
  });
});

describe('feeds list and remove', () => {
  it('list what a file configures, without the values of a query', async () => {
    assert.match(await printed(list, ...FILE), /^no feed is configured/);
    await printed(add, 'a', `${ADDRESS}?key=SECRET`, '--kind', 'abuse', '--disabled', ...FILE);
    assert.equal(
      await printed(list, ...FILE),
      'NAME          FORMAT  KIND   LICENCE  ADDRESS\n' +
        `a (disabled)  auto    abuse  -        ${ADDRESS}?key=…\n`,
    );
    assert.deepEqual((await run(list, ['--json', ...FILE])).records, (await stored()).feeds);
  });

  it('remove by name in any case; twice is once', async () => {
    for (const name of ['a', 'b', 'c']) await printed(add, name, ADDRESS, ...FILE);
    assert.equal(
      await printed(remove, 'A', 'c', 'x', ...FILE),
      'removed A\nremoved c\nno feed is called x\n',
    );
    assert.deepEqual((await stored()).feeds, [{ name: 'b', address: ADDRESS }]);
    const { records } = await run(remove, ['a', '--json', ...FILE]);
    assert.deepEqual(records, [{ record: 'feed', name: 'a', outcome: 'absent' }]);
    await assert.rejects(run(remove, FILE), { code: 'USAGE' });
  });
});

describe('a configuration of a running Threadwatch', () => {
  let api: FakeApi;
  before(async () => {
    api = await FakeApi.start();
  });
  after(async () => api.stop());
  beforeEach(() => api.clear());

  const GET = 'GET /api/feed-configuration';
  const PUT = 'PUT /api/feed-configuration';
  const a = { name: 'a', address: ADDRESS };

  it('is created where there is none, and else replaced under its ETag', async () => {
    api.on(GET, { body: { version: 1, feeds: [] } });
    api.on(PUT, { status: 201, body: {} });
    await printed(add, 'a', ADDRESS, '--url', api.url);
    assert.equal(api.asked[1]!.headers['if-none-match'], '*');
    api.on(GET, { body: { version: 1, feeds: [a], more: 1 }, headers: { etag: '"7"' } });
    await printed(add, 'b', ADDRESS, '--url', api.url);
    const { headers, body } = api.asked[3]!;
    assert.deepEqual([headers['if-match'], headers['if-none-match']], ['"7"', undefined]);
    assert.deepEqual(body, { version: 1, feeds: [a, { ...a, name: 'b' }], more: 1 });
  });

  it('is not written where nothing changes', async () => {
    api.on(GET, { body: { version: 1, feeds: [a] }, headers: { etag: '"7"' } });
    assert.equal(await printed(add, 'a', ADDRESS, '--url', api.url), 'unchanged a\n');
    assert.equal(await printed(remove, 'x', '--url', api.url), 'no feed is called x\n');
    assert.deepEqual(
      api.asked.map(({ call }) => call),
      [GET, GET],
    );
  });

  it('is read anew when somebody else changed it, and not for ever', async () => {
    api.on(GET, { body: { version: 1, feeds: [] }, headers: { etag: '"7"' } });
    api.on(PUT, () => {
      api.on(GET, { body: { version: 1, feeds: [a] }, headers: { etag: '"8"' } });
      api.on(PUT, { body: {} });
      return { status: 412, body: { error: { code: 'PreconditionFailed', message: 'changed' } } };
    });
    await printed(add, 'b', ADDRESS, '--url', api.url);
    assert.deepEqual(
      api.asked[3]!.body.feeds.map(({ name }: any) => name),
      ['a', 'b'],
    );
    api.refuse(PUT, 412, 'PreconditionFailed', 'changed');
    await assert.rejects(run(add, ['c', ADDRESS, '--url', api.url]), /changed by somebody else/);
  });

  it('is refused by the server with its reasons', async () => {
    api.on(GET, { body: { version: 1, feeds: [] } });
    api.refuse(PUT, 400, 'InvalidRequest', 'not so', ['feeds[0].name: no']);
    await assert.rejects(
      run(add, ['a', ADDRESS, '--url', api.url]),
      /not so: feeds\[0\]\.name: no/,
    );
  });
});

describe('threadwatch feeds schema', () => {
  it('prints a JSON schema that knows the fields of a feed', async () => {
    const { code, stdout } = await runCli(['feeds', 'schema'], import.meta.dirname);
    assert.equal(code, 0);
    const { properties, required } = JSON.parse(stdout).properties.feeds.items;
    assert.deepEqual(required, ['name', 'address']);
    for (const field of ['format', 'kind', 'refreshEvery', 'credential'])
      assert.ok(properties[field]);
  });
});
