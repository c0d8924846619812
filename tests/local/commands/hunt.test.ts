import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { command } from '../../../local/commands/hunt.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { runCommand } from './run-command.ts';

const ID = '8c1d3948-17d4-4e9a-81d6-a0070972db90';
const hunt = (more: object = {}) => ({
  id: ID,
  status: 'done',
  requestedAt: '2026-08-22T13:00:00.000Z',
  failure: null,
  finishedAt: '2026-08-22T13:00:05.000Z',
  since: '2026-08-08T13:00:00.000Z',
  networks: 2,
  progress: {
    partitions: 4,
    partitionsDone: 4,
    blocks: 1234,
    blocksSkipped: 1230,
    filesSkipped: 3,
    bytesRead: 2_500_000,
  },
  contacts: [],
  connectionsLeftOut: 0,
  ...more,
});
const contact = (more: object = {}) => ({
  deviceId: 'cam-1',
  address: '203.0.113.5',
  messages: 2,
  connections: 3,
  bytesIn: 40,
  bytesOut: 50,
  firstSeen: '2026-08-22T11:00:00.000Z',
  lastSeen: '2026-08-22T11:05:00.000Z',
  alertId: null,
  ...more,
});

describe('hunt', () => {
  let api: FakeApi;
  let directory: string;
  before(async () => {
    api = await FakeApi.start();
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-hunt-test-'));
  });
  after(async () => {
    await api.stop();
    await rm(directory, { recursive: true });
  });
  beforeEach(() => {
    api.clear();
    api.on('POST /api/hunts', { status: 202, body: hunt({ status: 'waiting' }) });
    api.on(`GET /api/hunts/${ID}`, { body: hunt() });
  });
  const run = (args: readonly string[], stdin = '') =>
    runCommand(command, [...args, '--url', api.url], { cwd: directory, stdin });
  const sent = () => api.asked.find(({ call }) => call === 'POST /api/hunts')?.body;

  it('asks for addresses, networks and all that files name, and waits until it is done', async () => {
    await writeFile(join(directory, 'list.txt'), '# seen in a report\n45.66.0.1\n45.66.4.0/22\n');
    let asked = 0;
    api.on(`GET /api/hunts/${ID}`, () => ({
      body:
        ++asked < 3
          ? hunt({ status: asked === 1 ? 'waiting' : 'running', finishedAt: null })
          : hunt(),
    }));
    const args = ['203.0.113.5', '2001:DB8::/32', 'list.txt', '-', '--since', 'P7D'];
    const { code, stdout } = await run(args, '45.66.0.9:443\n');
    assert.equal(code, 0);
    assert.equal(asked, 3);
    assert.deepEqual(sent(), {
      addresses: [
        '203.0.113.5/32',
        '2001:db8::/32',
        '45.66.0.1/32',
        '45.66.4.0/22',
        '45.66.0.9/32',
      ],
      since: 'P7D',
    });
    assert.equal(
      stdout,
      '0 contacts with 2 addresses and networks since 2026-08-08T13:00:00.000Z; 1,234 blocks, 1,230 of them left out by their summary, 2.5 MB read\n',
    );
  });

  it('shows each contact, and what became an alert', async () => {
    const contacts = [contact({ alertId: 'abc123' }), contact({ deviceId: 'cam-2\u001b[2J' })];
    api.on(`GET /api/hunts/${ID}`, { body: hunt({ contacts, connectionsLeftOut: 7 }) });
    const { stdout } = await run(['203.0.113.5']);
    const lines = stdout.split('\n');
    assert.match(lines[0]!, /^device +address +first +last +messages +connections +bytes +alert$/);
    assert.match(lines[1]!, /^cam-1 +203\.0\.113\.5 .* 2 +3 +40 in, 50 out +abc123$/);
    assert.match(lines[2]!, /^cam-2\\x1b\[2J .* none$/);
    assert.match(lines[3]!, /^2 contacts .* 7 further connections;/);
    const { records } = await run(['203.0.113.5', '--json']);
    assert.deepEqual(
      records.map((record: any) => [record.record, record.deviceId ?? record.id]),
      [
        ['contact', 'cam-1'],
        ['contact', 'cam-2\u001b[2J'],
        ['hunt', ID],
      ],
    );
  });

  it('shows no more contacts than a person reads', async () => {
    const contacts = Array.from({ length: 60 }, (_, i) => contact({ deviceId: `cam-${i}` }));
    api.on(`GET /api/hunts/${ID}`, { body: hunt({ contacts }) });
    const { stdout } = await run(['203.0.113.5']);
    assert.match(stdout, /cam-49 .*\n {2}and 10 more; --json prints all\n60 contacts/);
    assert.equal((await run(['203.0.113.5', '--json'])).records.length, 61);
  });

  it('asks only, or shows a hunt of before', async () => {
    api.on(`GET /api/hunts/${ID}`, { body: hunt({ status: 'waiting' }) });
    const asked = await run(['203.0.113.5', '--no-wait']);
    assert.equal(asked.stdout, `hunt ${ID}: waiting for the hunt to begin\n`);
    api.on(`GET /api/hunts/${ID}`, { body: hunt({ status: 'running' }) });
    const running = await run(['--id', ID, '--no-wait']);
    assert.equal(
      running.stdout,
      `hunt ${ID}: running, 4 of 4 partitions, 1,234 blocks, 2.5 MB read, 0 contacts\n`,
    );
    assert.equal(api.asked.filter(({ call }) => call.startsWith('POST')).length, 1);
  });

  it('tells what it found in the rest of a log that cannot all be read, and ends with 1', async () => {
    const failure = 'activity log s/0/x.log at byte 7: the checksum of the block is wrong';
    const body = hunt({ status: 'failed', failure, contacts: [contact()] });
    api.on(`GET /api/hunts/${ID}`, { body });
    const { code, stdout, stderr } = await run(['203.0.113.5']);
    assert.equal(code, 1);
    assert.match(stdout, /^device .*\ncam-1 /);
    assert.equal(stderr, `not all of the log could be read: ${failure}\n`);
  });

  it('says what it cannot look for, before it asks', async () => {
    await writeFile(join(directory, 'empty.txt'), '# nothing\n');
    for (const args of [
      [],
      ['nonsense'],
      ['-', '-'],
      ['203.0.113.5', '--since', 'yesterday'],
      ['203.0.113.5', '--id', ID],
      ['--id', ID, '--since', 'P1D'],
    ]) {
      await assert.rejects(run(args), { code: 'USAGE' }, args.join(' '));
    }
    await assert.rejects(run(['empty.txt']), /empty\.txt names no address/);
    assert.deepEqual(api.asked, []);
  });

  it('tells what the API refuses', async () => {
    api.refuse('POST /api/hunts', 400, 'InvalidRequest', 'the body is not what it must be', [
      'since: 2126-01-01 is still to come',
    ]);
    await assert.rejects(run(['203.0.113.5', '--since', '2126-01-01']), /still to come/);
    api.refuse('GET /api/hunts/x', 404, 'UnknownHunt', 'no hunt is called "x"');
    await assert.rejects(run(['--id', 'x']), /no hunt is called "x"/);
  });
});
