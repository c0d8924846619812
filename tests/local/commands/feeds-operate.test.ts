import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { tmpdir } from 'node:os';
import type { Command } from '../../../local/commands/command.ts';
import { command as accept } from '../../../local/commands/feeds-accept.ts';
import { command as refresh } from '../../../local/commands/feeds-refresh.ts';
import { command as rollback } from '../../../local/commands/feeds-rollback.ts';
import { command as status } from '../../../local/commands/feeds-status.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { runCommand } from './run-command.ts';

const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();
const MINUTE = 60_000;
const counts = (indicators: number) => ({
  format: 'plain',
  entries: indicators + 3,
  indicators,
  active: indicators,
  duplicates: 1,
  listed: indicators - 1,
  promised: null,
  refused: { bogon: 2, notAnAddress: 1, url: 0 },
});
const feed = (name: string, more: object = {}) => ({
  name,
  address: 'https://feeds.example.com/a.txt',
  format: 'auto',
  kind: 'threat',
  enabled: true,
  state: 'current',
  counts: counts(1234),
  inUse: {
    state: 'abcdef012345',
    fetchedAt: ago(180 * MINUTE),
    confirmedAt: ago(5 * MINUTE),
    expiresAt: ago(-3 * 24 * 60 * MINUTE - MINUTE),
  },
  held: null,
  failure: null,
  lastAttempt: ago(5 * MINUTE),
  lastSuccess: ago(5 * MINUTE),
  nextAttempt: ago(-55 * MINUTE - 5000),
  licence: 'MIT',
  attribution: null,
  terms: null,
  credential: 'FeedCredentialA',
  ...more,
});
const held = {
  state: '0123456789ab',
  reason: 'shrunk',
  explanation: '3 indicators after 1234',
  since: ago(2.5 * 60 * MINUTE),
  counts: counts(3),
};
const failure = {
  code: 'http500',
  message: 'feeds.example.com answered \u001b[2J500',
  since: ago(4 * 24 * 60 * MINUTE),
  at: ago(MINUTE),
  times: 7,
};

let api: FakeApi;
before(async () => {
  api = await FakeApi.start();
});
after(async () => api.stop());
beforeEach(() => api.clear());

const run = async (command: Command, ...args: string[]) =>
  runCommand(command, [...args, '--url', api.url], { cwd: tmpdir() });

describe('feeds status', () => {
  it('shows a line a feed, and what is wrong with it', async () => {
    api.on('GET /api/feeds', {
      body: {
        value: [
          feed('alpha'),
          feed('b', { state: 'held', held }),
          feed('c', { state: 'failing', failure }),
          feed('d', {
            state: 'waiting',
            counts: null,
            inUse: null,
            lastSuccess: null,
            nextAttempt: null,
          }),
          feed('e', {
            state: 'expired',
            inUse: { ...feed('e').inUse, expiresAt: ago(3 * 60 * MINUTE) },
          }),
        ],
      },
    });
    const { code, stdout } = await run(status);
    assert.equal(code, 0);
    assert.deepEqual(stdout.split('\n'), [
      'NAME   STATE    INDICATORS  LAST SUCCESS  NEXT       PROBLEM',
      'alpha  current       1,234  5 min ago     in 55 min',
      'b      held          1,234  5 min ago     in 55 min  shrunk: 3 indicators after 1234 (state 0123456789ab, 2 h ago)',
      'c      failing       1,234  5 min ago     in 55 min  http500: feeds.example.com answered \\x1b[2J500 (7 times, first 4 d ago)',
      'd      waiting           -  -             -',
      'e      expired       1,234  5 min ago     in 55 min  expired 3 h ago',
      '',
    ]);
  });

  it('shows one feed with refusals and earlier states', async () => {
    const history = [
      { state: 'fedcba987654', fetchedAt: '2026-08-22T11:00:00.000Z', counts: counts(9) },
    ];
    api.on('GET /api/feeds/a%20b', { body: { ...feed('a b'), history } });
    const { code, stdout } = await run(status, 'a b');
    assert.equal(code, 0);
    for (const line of [
      /^a b\n/,
      /^ {2}format +auto, read as plain$/m,
      /^ {2}in use +state abcdef012345, fetched 3 h ago, confirmed 5 min ago, expires in 3 d$/m,
      /^ {2}indicators +1234 of 1237 entries, 1234 active, 1 duplicates, 1233 addresses and networks$/m,
      /^ {2}refused +bogon 2, notAnAddress 1$/m,
      /^ {2}credential +FeedCredentialA$/m,
      /^ {2}earlier +fedcba987654 {2}2026-08-22T11:00:00\.000Z {2}9 indicators$/m,
    ]) {
      assert.match(stdout, line);
    }
    assert.doesNotMatch(stdout, /null|undefined|terms/);
  });

  it('prints the API’s own objects as JSON', async () => {
    const [a, b] = [feed('a'), feed('b', { failure })];
    api.on('GET /api/feeds', { body: { value: [a, b] } });
    assert.deepEqual((await run(status, '--json')).records, [
      { record: 'feed', ...a },
      { record: 'feed', ...b },
    ]);
  });

  it('says how to begin, and refuses what it does not understand', async () => {
    api.on('GET /api/feeds', { body: { value: [] } });
    assert.match((await run(status)).stdout, /feeds add --starter all/);
    await assert.rejects(run(status, 'a', 'b'), { code: 'USAGE' });
    api.refuse('GET /api/feeds/x', 404, 'UnknownFeed', 'no feed is called "x"');
    await assert.rejects(run(status, 'x'), /^Error: no feed is called "x"$/);
  });
});

describe('feeds refresh', () => {
  const requestedAt = '2026-08-22T11:00:00.000Z';
  const before = '2026-08-22T10:59:59.999Z';

  /** The API answers so many times that nothing was tried, then with these feeds. */
  const tryAfter = (polls: number, feeds: readonly ReturnType<typeof feed>[]) => {
    let left = polls;
    api.on('GET /api/feeds', () => {
      const value = left-- > 0 ? feeds.map((one) => ({ ...one, lastAttempt: before })) : feeds;
      return { body: { value: [...value, feed('other', { failure, held })] } };
    });
  };

  it('asks for all and waits until each was tried', async () => {
    const requested = ['a', 'b'];
    api.on('POST /api/feeds/refresh', { status: 202, body: { requested, requestedAt } });
    tryAfter(1, [feed('a', { lastAttempt: requestedAt }), feed('b', { lastAttempt: ago(0) })]);
    const { code, records, stderr } = await run(refresh, '--json');
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(
      records.map(({ name }) => name),
      requested,
    );
    assert.equal(api.asked.filter(({ call }) => call === 'GET /api/feeds').length, 2);
  });

  it('asks for those that are named', async () => {
    for (const [path, name] of [
      ['A', 'a'],
      ['b', 'b'],
    ] as const) {
      const body = { requested: [name], requestedAt };
      api.on(`POST /api/feeds/${path}/refresh`, { status: 202, body });
    }
    tryAfter(0, [feed('a'), feed('b')]);
    const { code, stdout } = await run(refresh, 'A', 'b');
    assert.equal(code, 0);
    assert.match(stdout, /^a .*\nb /m);
    assert.doesNotMatch(stdout, /other/);
  });

  it('ends with 1 for what failed or is held, and not for what is only missing a part', async () => {
    const partial = { ...failure, code: 'partial' };
    for (const [more, expected] of [
      [{ failure }, 1],
      [{ held }, 1],
      [{ failure: partial }, 0],
    ] as const) {
      api.on('POST /api/feeds/refresh', { status: 202, body: { requested: ['a'], requestedAt } });
      tryAfter(0, [feed('a', more)]);
      assert.equal((await run(refresh)).code, expected);
    }
  });

  it('waits no longer than it is told to', async () => {
    api.on('POST /api/feeds/refresh', { status: 202, body: { requested: ['a'], requestedAt } });
    tryAfter(1000, [feed('a')]);
    const { code, stderr } = await run(refresh, '--wait', '1');
    assert.deepEqual([code, stderr], [1, 'not tried within 1 s: a\n']);
    const asked = await run(refresh, '--wait', '0');
    assert.deepEqual([asked.code, asked.stdout, asked.stderr], [0, '', 'asked for: a\n']);
    await assert.rejects(run(refresh, '--wait', 'long'), { code: 'USAGE' });
  });
});

describe('feeds accept and rollback', () => {
  it('ask for it, and show the feed', async () => {
    const body = { ...feed('a'), history: [] };
    api.on('POST /api/feeds/a/accept', { body });
    api.on('POST /api/feeds/a/rollback', { body });
    assert.match((await run(accept, 'a')).stdout, /^a\n {2}state +current\n/);
    await run(accept, 'a', '--state', 'abcd');
    await run(rollback, 'a');
    const { records } = await run(rollback, 'a', '--state', 'abcd', '--json');
    assert.deepEqual(records, [{ record: 'feed', ...body }]);
    assert.deepEqual(
      api.asked.map((asked) => asked.body),
      [{}, { state: 'abcd' }, {}, { state: 'abcd' }],
    );
  });

  it('need one name', async () => {
    for (const command of [accept, rollback]) {
      await assert.rejects(run(command), { code: 'USAGE' });
      await assert.rejects(run(command, 'a', 'b'), { code: 'USAGE' });
    }
  });
});
