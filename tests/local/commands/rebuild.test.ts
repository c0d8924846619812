import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { command } from '../../../local/commands/rebuild.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { UsageError } from '../../../local/commands/command.ts';
import { runCommand } from './run-command.ts';

const state = (status: string, step: string, more: object = {}) => ({
  status,
  progress: { step, forgotten: null, windows: 12 },
  output: null,
  ...more,
});

describe('rebuild', () => {
  let api: FakeApi;
  before(async () => {
    api = await FakeApi.start();
  });
  after(() => api.stop());
  beforeEach(() => {
    api.clear();
    api.on('POST /api/rebuild', { status: 202, body: { started: true } });
    api.on('GET /api/rebuild', { body: state('Completed', 'done') });
  });
  const run = (...args: readonly string[]) =>
    runCommand(command, [...args, '--url', api.url], { cwd: '.', stdin: '' });
  const calls = () => api.asked.map(({ call }) => call);

  it('asks, waits until everything is made again, and says how many windows were', async () => {
    let asked = 0;
    api.on('GET /api/rebuild', () => ({
      body: ++asked === 1 ? state('Running', 'folding') : state('Completed', 'done'),
    }));
    const { code, stdout, stderr } = await run();
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, 'rebuilt: everything in the log is counted, 12 windows closed again\n');
    assert.deepEqual(calls(), ['POST /api/rebuild', 'GET /api/rebuild', 'GET /api/rebuild']);
  });

  it('waits for the one that is on its way', async () => {
    api.on('POST /api/rebuild', { status: 202, body: { started: false } });
    const { code, stderr } = await run();
    assert.equal(code, 0);
    assert.equal(stderr, 'a rebuild is on its way already\n');
  });

  it('does not wait when told so', async () => {
    const { code, stdout } = await run('--no-wait');
    assert.deepEqual([code, stdout], [0, 'the rebuild was asked for\n']);
    assert.deepEqual(calls(), ['POST /api/rebuild']);
  });

  it('says why one failed, with another exit code', async () => {
    api.on('GET /api/rebuild', { body: state('Failed', 'windows', { output: 'no store' }) });
    const { code, stdout } = await run();
    assert.deepEqual([code, stdout], [1, 'the rebuild ended as Failed: "no store"\n']);
  });

  it('gives one JSON object', async () => {
    const { stdout } = await run('--json');
    assert.deepEqual(JSON.parse(stdout), { started: true, ...state('Completed', 'done') });
  });

  it('takes no argument', async () => {
    await assert.rejects(run('everything'), UsageError);
    assert.deepEqual(calls(), []);
  });
});
