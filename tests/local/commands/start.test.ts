import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { command } from '../../../local/commands/start.ts';
import { findRunning } from '../../../local/running.ts';
import { captureLine, captureText } from '../../support/capture.ts';
import { type CliRun, runCli, startCli } from '../../support/run-cli.ts';
import { runCommand } from './run-command.ts';

const LISTED = '209.17.118.17';
const UP = 'Everything stays up until Ctrl-C:';

describe('start', () => {
  let directory: string;
  let run: CliRun;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-start-'));
    await mkdir(join(directory, 'feeds'));
    await writeFile(join(directory, 'feeds', 'list.txt'), `${LISTED}\n`);
    await writeFile(join(directory, 'feeds', 'broken.txt'), '<!doctype html><html></html>');
    const contact = [{ remote: LISTED, bytesIn: 30, bytesOut: 40 }];
    const capture = captureText([
      captureLine(0, 'cam-1', 0, contact),
      captureLine(0, 'cam-2', 1, [{ remote: LISTED, bytesIn: 60 }], { partitionId: 3 }),
      captureLine(1, 'cam-1', 2, [{ remote: '198.18.0.9', bytesIn: 1, bytesOut: 1 }]),
      captureLine(2, 'cam-1', 9, contact),
      captureLine(3, 'cam-1', 10, [], { body: Buffer.from('junk').toString('base64') }),
    ]);
    await writeFile(join(directory, 'capture.ndjson'), capture);
  });
  after(async () => {
    run.child.kill('SIGKILL');
    await run.ended;
    await rm(directory, { recursive: true });
  });

  const start = () => {
    const files = ['--capture', 'capture.ndjson', '--feeds', 'feeds', '--speed', '0'];
    run = startCli(['start', '--data', 'data', '--port', '0', ...files], directory);
    return run.printed(/quarantine list\n/);
  };
  const alertsOf = async (output: string) => {
    const address = /alerts +(http:\S+)/.exec(output)![1]!;
    const answer = await fetch(address);
    const { value } = (await answer.json()) as { value: Record<string, string>[] };
    return value
      .map(({ deviceId, severity, messages }) => `${deviceId} ${severity} ${messages}`)
      .sort();
  };
  const stop = async () => {
    run.child.kill('SIGINT');
    assert.deepEqual(await run.ended, { code: 0, signal: null });
  };
  let first: string;

  it('shows what it starts, plays the capture and prints each alert as it opens', async () => {
    first = await start();
    const [head, played] = first.split('Alerts as they open:') as [string, string];
    assert.match(head, /^Threadwatch \d+\.\d+\.\d+, data in data\n/);
    for (const part of ['event hub', 'blob storage', 'cosmos db', 'functions']) {
      assert.match(head, new RegExp(`^  ${part} +http://127\\.0\\.0\\.1:\\d+`, 'm'));
    }
    assert.match(head, /^Threat feeds: 1 with 1 indicators\n {2}left out: broken\.txt \(.+\)$/m);
    const lines = played.slice(0, played.indexOf(UP)).trim().split('\n');
    const shown = lines.slice(0, 2).sort();
    assert.match(shown[0]!, /^2026-08-22 11:00:00Z {2}high {4}cam-1 .*209\.17\.118\.17/);
    assert.match(
      shown[1]!,
      /^2026-08-22 11:00:01Z {2}low {5}cam-2 .*was probed by 209\.17\.118\.17/,
    );
    assert.match(lines.at(-1)!, /^5 messages in \d+ s\. 2 alerts: 1 high, 1 low$/);
    assert.deepEqual(await alertsOf(first), ['cam-1 high 2', 'cam-2 low 1']);
  });

  it('refuses a second start on the same data, and leaves the first alone', async () => {
    const { code, stderr } = await runCli(['start', '--data', 'data', '--port', '0'], directory);
    assert.equal(code, 1);
    assert.match(stderr, /runs on .*data already \(process \d+, http:.*\).*--data/);
    assert.deepEqual(await alertsOf(first), ['cam-1 high 2', 'cam-2 low 1']);
  });

  it('answers under TLS, trusted by the certificate that it names', async () => {
    const [, address] = /under TLS +(https:\/\/localhost:\d+\/api)\n/.exec(first)!;
    const [, file] = /certificate +(\S+)\n/.exec(first)!;
    assert.equal(file, join('data', 'tls', 'certificate.pem'));
    assert.deepEqual(findRunning(join(directory, 'data'))?.platform?.https, {
      address: new URL(address!).origin,
      certificateFile: join(directory, file),
    });
    const ca = await readFile(join(directory, file));
    const answer = await new Promise((resolve, reject) => {
      get(`${address}/alerts`, { ca }, (response) => {
        json(response).then(resolve, reject);
      }).once('error', reject);
    });
    assert.equal((answer as { value: unknown[] }).value.length, 2);
  });

  it('is found by other commands while it runs', async () => {
    assert.equal(findRunning(join(directory, 'data'))?.pid, run.child.pid);
    const listed = await runCli(['quarantine', 'list', '--data', 'data', '--json'], directory);
    assert.equal(listed.code, 0, listed.stderr);
    const groups = await runCli(['groups', 'list', '--data', 'data'], directory);
    assert.equal(groups.stdout, 'there are no security groups\n', groups.stderr);
    const { deviceId, bytes } = JSON.parse(listed.stdout);
    assert.deepEqual({ deviceId, bytes }, { deviceId: 'cam-1', bytes: 4 });
  });

  it('ends everything at Ctrl-C and leaves nothing behind but the data', async () => {
    await stop();
    assert.match(run.stdout(), /\nStopping …\nStopped; the data stays\.\n$/);
    assert.equal(run.stderr(), '');
    const addresses = new Set(first.match(/http:\/\/127\.0\.0\.1:\d+/g));
    assert.equal(addresses.size, 4);
    for (const address of addresses) await assert.rejects(fetch(address), { name: 'TypeError' });
    assert.equal(findRunning(join(directory, 'data')), null);
    assert.ok((await stat(join(directory, 'data', 'blob'))).isDirectory());
  });

  it('goes on after a restart: nothing is lost, nothing counts twice', async () => {
    const second = await start();
    assert.match(
      second,
      /5 messages in \d+ s \(all of them held from before\)\. 2 alerts: 1 high, 1 low/,
    );
    assert.deepEqual(await alertsOf(second), ['cam-1 high 2', 'cam-2 low 1']);
    await stop();
  });
});

describe('the arguments of start', () => {
  it('are refused where they make no sense', async () => {
    const cwd = tmpdir();
    for (const argument of [
      '--speed=fast',
      '--speed=-1',
      '--port=70000',
      '--port=1.5',
      '--https-port=x',
    ]) {
      const [option] = argument.split('=');
      const message = new RegExp(`^${option} must be`);
      await assert.rejects(runCommand(command, [argument], { cwd }), { code: 'USAGE', message });
    }
    await assert.rejects(runCommand(command, ['file'], { cwd }), {
      code: 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL',
    });
  });
});
