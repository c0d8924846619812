import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { after, before, beforeEach, describe, it } from 'node:test';
import { command as add } from '../../../local/commands/allowlist-add.ts';
import { command as apply } from '../../../local/commands/allowlist-apply.ts';
import { command as list } from '../../../local/commands/allowlist-list.ts';
import { command as remove } from '../../../local/commands/allowlist-remove.ts';
import type { Command } from '../../../local/commands/command.ts';
import { command as explain } from '../../../local/commands/explain.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { runCommand } from './run-command.ts';

let api: FakeApi;
before(async () => {
  api = await FakeApi.start();
});
after(async () => api.stop());
beforeEach(() => api.clear());

const run = async (command: Command, args: readonly string[], stdin = '') =>
  runCommand(command, [...args, '--url', api.url], { cwd: tmpdir(), stdin });
const calls = () => api.asked.map(({ call }) => call);

const entry = (network: string, more: object = {}) => ({
  network,
  reason: 'our own',
  expiresAt: null,
  addedAt: '2026-08-22T11:00:00.000Z',
  ...more,
});

describe('allowlist list', () => {
  it('shows each network with its end and reason', async () => {
    const value = [
      entry('203.0.113.0/24', { reason: 'a \u001b[2J reason' }),
      entry('2001:db8::/32', { expiresAt: '2026-08-22T12:00:00.000Z', expired: true }),
    ];
    api.on('GET /api/allowlist', { body: { value } });
    assert.equal(
      (await run(list, [])).stdout,
      'NETWORK         UNTIL                               REASON\n' +
        '203.0.113.0/24  -                                   a \\x1b[2J reason\n' +
        '2001:db8::/32   2026-08-22T12:00:00.000Z (expired)  our own\n',
    );
    const { records } = await run(list, ['--json']);
    assert.deepEqual(
      records,
      value.map((one) => ({ record: 'allowed', ...one })),
    );
    api.on('GET /api/allowlist', { body: { value: [] } });
    assert.equal((await run(list, [])).stdout, 'nothing is on the allowlist\n');
  });
});

describe('allowlist add and remove', () => {
  it('put a network with its reason and end', async () => {
    const put = 'PUT /api/allowlist/2001%3Adb8%3A%3A/32';
    api.on(put, { status: 201, body: entry('2001:db8::/32') });
    const args = ['2001:db8::/32', '--reason', 'our own'];
    assert.equal((await run(add, args)).stdout, 'added: 2001:db8::/32\n');
    api.on(put, { status: 200, body: entry('2001:db8::/32') });
    const until = '2030-01-01T00:00:00Z';
    const { stdout } = await run(add, [...args, '--until', until]);
    assert.equal(stdout, 'on the allowlist: 2001:db8::/32\n');
    assert.deepEqual(
      api.asked.map(({ body }) => body),
      [
        { reason: 'our own', expiresAt: null },
        { reason: 'our own', expiresAt: until },
      ],
    );
  });

  it('remove networks; one that is not there is no error', async () => {
    api.on('DELETE /api/allowlist/203.0.113.0/24', { status: 204 });
    api.refuse('DELETE /api/allowlist/203.0.113.1/32', 404, 'UnknownNetwork', 'it is not there');
    const { code, stdout } = await run(remove, ['203.0.113.9/24', '203.0.113.1']);
    assert.equal(code, 0);
    assert.equal(stdout, 'removed: 203.0.113.0/24\nnot on the allowlist: 203.0.113.1/32\n');
    // What is no Threadwatch answers 404 too.
    await assert.rejects(run(remove, ['203.0.113.2']), { code: 'NoThreadwatch' });
  });

  it('ask nothing where the arguments are not understood', async () => {
    const cases: [Command, string[]][] = [
      [add, []],
      [add, ['1.2.3', '--reason', 'our own']],
      [add, ['203.0.113.1']],
      [add, ['203.0.113.1', '203.0.113.2', '--reason', 'our own']],
      [add, ['203.0.113.1', '--reason', 'our own', '--until', 'soon']],
      [remove, []],
      [remove, ['203.0.113.1', '../feeds']],
      [apply, []],
      [explain, []],
      [explain, ['1.2.3']],
      [explain, ['203.0.113.0/24']],
      [explain, ['-', '-']],
    ];
    for (const [command, args] of cases) {
      await assert.rejects(run(command, args), { code: 'USAGE' });
    }
    assert.deepEqual(calls(), []);
  });
});

describe('allowlist apply', () => {
  const file = JSON.stringify([
    { network: '203.0.113.77/24', reason: 'our own' },
    { network: '203.0.113.1', reason: 'another reason', expiresAt: '2120-01-01T00:00:00Z' },
    { network: '203.0.113.2', reason: 'new here' },
    { network: '203.0.113.3', reason: 'long ago', expiresAt: '2020-01-01T00:00:00Z' },
  ]);
  beforeEach(() => {
    const value = [entry('203.0.113.0/24'), entry('203.0.113.1/32'), entry('203.0.113.9/32')];
    api.on('GET /api/allowlist', { body: { value } });
    api.on('PUT /api/allowlist/203.0.113.1/32', { body: {} });
    api.on('PUT /api/allowlist/203.0.113.2/32', { status: 201, body: {} });
    api.on('DELETE /api/allowlist/203.0.113.9/32', { status: 204 });
  });
  const plan =
    'change 203.0.113.1/32 until 2120-01-01T00:00:00.000Z (another reason)\n' +
    'add 203.0.113.2/32 (new here)\n';

  it('adds and changes what differs, and touches nothing else', async () => {
    const { code, stdout } = await run(apply, ['-'], file);
    assert.deepEqual([code, stdout], [0, plan]);
    assert.deepEqual(calls().slice(1), [
      'PUT /api/allowlist/203.0.113.1/32',
      'PUT /api/allowlist/203.0.113.2/32',
    ]);
    assert.deepEqual(api.asked[1]!.body, {
      reason: 'another reason',
      expiresAt: '2120-01-01T00:00:00.000Z',
    });
  });

  it('removes what the file does not have where it is told to', async () => {
    const { stdout } = await run(apply, ['-', '--prune'], file);
    assert.equal(stdout, `${plan}remove 203.0.113.9/32 (our own)\n`);
    assert.equal(calls().at(-1), 'DELETE /api/allowlist/203.0.113.9/32');
  });

  it('only shows the steps where it is told to', async () => {
    const { records } = await run(apply, ['-', '--plan', '--json'], file);
    assert.deepEqual(
      records.map(({ action, network }) => [action, network]),
      [
        ['change', '203.0.113.1/32'],
        ['add', '203.0.113.2/32'],
      ],
    );
    assert.deepEqual(calls(), ['GET /api/allowlist']);
  });

  it('does nothing where nothing differs', async () => {
    const same = JSON.stringify([{ network: '203.0.113.0/24', reason: 'our own' }]);
    assert.equal((await run(apply, ['-'], same)).stdout, 'the allowlist is as it should be\n');
    assert.deepEqual(calls(), ['GET /api/allowlist']);
  });

  it('refuses a file with a mistake before anything is done', async () => {
    for (const wrong of ['', '{}', '[{"network":"x","reason":"our own"}]', '[{"network":"::"}]']) {
      await assert.rejects(run(apply, ['-'], wrong));
    }
    assert.deepEqual(calls(), []);
  });
});

describe('explain', () => {
  const indicator = {
    feed: 'one',
    kind: 'malware',
    value: '203.0.113.5',
    matchedPrefix: '203.0.113.5/32',
    id: 'x-1',
    sources: ['one'],
    labels: ['evil \u001b[31m', 'b'],
    confidence: 80,
    tlp: 'amber',
    constraint: { ports: [443, 80], direction: 'destination', protocol: 'tcp' },
    listedSince: '2026-08-01T00:00:00.000Z',
    validFrom: null,
    validUntil: '2026-09-01T00:00:00Z',
    state: 'active',
  };
  const explanation = {
    address: '203.0.113.5',
    listed: true,
    snapshot: { ordinal: 3, id: 'abc' },
    indicators: [
      indicator,
      { ...indicator, feed: 'two', sources: ['x', 'y'], constraint: null, labels: [] },
    ],
    warningLists: [{ list: 'clouds', matchedPrefix: '203.0.0.0/16' }],
    allowlist: entry('203.0.113.0/24'),
    effect: 'A contact raises nothing.',
  };

  it('shows what is known of an address', async () => {
    api.on('GET /api/indicators/203.0.113.5', { body: explanation });
    const { code, stdout } = await run(explain, ['203.0.113.5']);
    assert.equal(code, 0);
    assert.deepEqual(stdout.split('\n'), [
      '203.0.113.5: listed',
      '  A contact raises nothing.',
      '  one  malware  203.0.113.5/32  active  id x-1  listed since 2026-08-01T00:00:00.000Z  valid until 2026-09-01T00:00:00Z  confidence 80  tlp amber  ports 443,80  direction destination  protocol tcp  labels evil \\x1b[31m, b',
      '  two  malware  203.0.113.5/32  active  id x-1  listed since 2026-08-01T00:00:00.000Z  valid until 2026-09-01T00:00:00Z  confidence 80  tlp amber  said by x, y',
      '  warning list clouds  203.0.0.0/16',
      '  allowlist  203.0.113.0/24  our own',
      '',
    ]);
    const { records } = await run(explain, ['203.0.113.5', '--json']);
    assert.deepEqual(records, [{ record: 'explanation', ...explanation }]);
  });

  it('tells which devices talked to it lately, and when that is not all', async () => {
    const since = '2026-08-21T11:00:00.000Z';
    const device = {
      deviceId: 'cam-1\u001b',
      messages: 2,
      connections: 3,
      bytesIn: 4,
      bytesOut: 5,
      firstSeen: '2026-08-22T11:00:00.000Z',
      lastSeen: '2026-08-22T11:05:00.000Z',
    };
    const contacts = {
      since,
      complete: false,
      problem: null,
      devices: [device],
      devicesLeftOut: 4,
    };
    api.on('GET /api/indicators/203.0.113.5', { body: { ...explanation, contacts } });
    const { stdout } = await run(explain, ['203.0.113.5']);
    assert.deepEqual(stdout.split('\n').slice(-4), [
      `  contacts  at least 5 devices since ${since}: the log of that time was too much; "hunt" reads it all`,
      '    cam-1\\x1b  2 messages  3 connections  first 2026-08-22T11:00:00.000Z  last 2026-08-22T11:05:00.000Z',
      '    and 4 more',
      '',
    ]);
    const none = { ...contacts, complete: true, devices: [], devicesLeftOut: 0 };
    api.on('GET /api/indicators/203.0.113.5', { body: { ...explanation, contacts: none } });
    const quiet = await run(explain, ['203.0.113.5']);
    assert.match(quiet.stdout, /contacts {2}0 devices since 2026-08-21T11:00:00\.000Z\n$/);
  });

  it('takes several addresses, also from stdin', async () => {
    const body = { ...explanation, indicators: [], warningLists: [], allowlist: null };
    api.on('GET /api/indicators/203.0.113.5', { body });
    api.on('GET /api/indicators/2001%3Adb8%3A%3A1', { body });
    const { stdout } = await run(explain, ['2001:DB8:0::1', '-'], '203.0.113.5\n2001:db8::1 ');
    assert.equal(stdout.match(/: not listed$/gm)!.length, 3);
    assert.equal(calls().length, 3);
  });
});
