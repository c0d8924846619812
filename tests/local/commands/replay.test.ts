import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { command } from '../../../local/commands/replay.ts';
import { captureLine, captureText } from '../../support/capture.ts';
import { runCli, startCli } from '../../support/run-cli.ts';
import { type Incident, scoreReplay, scoreRules } from '../../support/score-replay.ts';
import { runCommand } from './run-command.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LATER_STIX_ID = 'indicator--732bdd2c-9e7d-45c8-950d-f21e2a4b7e9f';
const SAMPLE = join('local', 'samples', 'fleet');

function recordsOf(stdout: string) {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('replay of the sample fleet', () => {
  it('finds every planted contact with a listed address, exactly as it was, and nothing else', async () => {
    const truth = JSON.parse(await readFile(join(ROOT, 'tests/fixtures/fleet/truth.json'), 'utf8'));
    const args = [join(SAMPLE, 'capture.ndjson.gz'), '--feeds', join(SAMPLE, 'feed'), '--json'];
    const { code, stdout, stderr } = await runCli(['replay', ...args], ROOT);
    assert.equal(code, 0, stderr);
    const records = recordsOf(stdout);
    const score = scoreReplay(truth.incidents as Incident[], records);
    assert.deepEqual(score, { expected: 34, exact: 34, problems: [] });
    assert.equal(stderr, '');
  });

  it('holds every device to its group, and tells what each did in every window', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'threadwatch-counts-'));
    try {
      const fixtures = join(ROOT, 'tests/fixtures/fleet');
      const truth = JSON.parse(await readFile(join(fixtures, 'truth.json'), 'utf8'));
      const counts = join(directory, 'counts.csv');
      const groups = ['--groups', join(SAMPLE, 'groups.json'), '--counts', counts];
      const args = [join(SAMPLE, 'capture.ndjson.gz'), ...groups, '--json'];
      const { code, stdout, stderr } = await runCli(['replay', ...args], ROOT);
      assert.equal(code, 0, stderr);
      const records = recordsOf(stdout);
      assert.equal(records.length, 13);
      assert.deepEqual(scoreRules(truth.incidents as Incident[], records), []);
      const expected = gunzipSync(await readFile(join(fixtures, 'active-connections.csv.gz')));
      assert.equal(await readFile(counts, 'utf8'), expected.toString());
      assert.equal(stderr, '');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('finds in the past what only later feeds list, and changes nothing else', async () => {
    const later = await mkdtemp(join(tmpdir(), 'threadwatch-later-'));
    try {
      await cp(join(ROOT, SAMPLE, 'feed'), later, { recursive: true });
      await appendFile(join(later, 'threatfox-ips.txt'), '182.16.98.89\n');
      await appendFile(join(later, 'spamhaus-drop.netset'), '185.36.82.0/23\n');
      const stix = join(later, 'indicators.stix.json');
      const bundle = JSON.parse(await readFile(stix, 'utf8'));
      bundle.objects.push({
        ...bundle.objects.find((object: { type: string }) => object.type === 'indicator'),
        id: LATER_STIX_ID,
        pattern: "[ipv4-addr:value = '185.108.105.110']",
        valid_from: '2026-08-17T11:00:00.000Z',
        valid_until: '2026-09-21T11:00:00.000Z',
      });
      await writeFile(stix, JSON.stringify(bundle));
      const truth = JSON.parse(
        await readFile(join(ROOT, 'tests/fixtures/fleet/truth.json'), 'utf8'),
      );
      const feeds = ['--feeds', join(SAMPLE, 'feed'), '--later-feeds', later];
      const args = [join(SAMPLE, 'capture.ndjson.gz'), ...feeds, '--json'];
      const { code, stdout, stderr } = await runCli(['replay', ...args], ROOT);
      assert.equal(code, 0, stderr);
      const records = recordsOf(stdout);
      const score = scoreReplay(truth.incidents as Incident[], records, true);
      assert.deepEqual(score, { expected: 37, exact: 37, problems: [] });
      const hunted = records.filter(({ foundBy }) => foundBy === 'hunt');
      const addresses = new Set(hunted.map(({ subject }) => subject.address as string));
      assert.deepEqual(addresses, new Set(['182.16.98.89', '185.108.105.110', '185.36.82.195']));
    } finally {
      await rm(later, { recursive: true });
    }
  });
});

describe('replay of a small capture', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-replay-test-'));
    await mkdir(join(directory, 'feeds'));
    await writeFile(join(directory, 'feeds', 'list.txt'), '209.17.118.17\n');
  });
  after(() => rm(directory, { recursive: true }));

  it('reads stdin, prints a line for each alert and the number of them, and keeps nothing', async () => {
    const listed = [{ remote: '209.17.118.17', bytesIn: 3, bytesOut: 4 }];
    const twice = captureLine(4, 'cam-1', 8, listed);
    const capture = captureText([
      captureLine(1, 'cam-1', 1, listed),
      captureLine(2, 'cam-2', 2, [{ remote: '198.18.0.9', bytesIn: 3, bytesOut: 4 }]),
      captureLine(3, 'cam-1', 3, listed, { body: Buffer.from('no message').toString('base64') }),
      captureLine(0, 'cam-3', 70, [{ remote: '209.17.118.17', bytesOut: 60 }], { partitionId: 2 }),
      twice,
      { ...twice, sequenceNumber: 5 },
    ]);
    const { code, stdout, stderr } = await runCli(
      ['replay', '-', '--feeds', 'feeds'],
      directory,
      capture,
    );
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.match(
      lines[0]!,
      /^2026-08-22 11:00:01Z {2}high {4}cam-1 .*209\.17\.118\.17.*list\.txt.*2 messages$/,
    );
    assert.match(
      lines[1]!,
      /^2026-08-22 11:01:10Z {2}medium {2}cam-3 .*tried to reach 209\.17\.118\.17/,
    );
    assert.equal(lines[2], '2 alerts');
  });

  it('hunts for later feeds in one publication, though one of them would be held', async () => {
    const folder = await mkdtemp(join(directory, 'later-'));
    const list = (net: number) =>
      Array.from({ length: 30 }, (_, i) => `45.${net}.7.${2 * i + 1}\n`);
    const address = '209.17.118.17';
    const indicator = {
      type: 'indicator',
      spec_version: '2.1',
      id: LATER_STIX_ID,
      created: '2026-07-23T11:00:00.000Z',
      modified: '2026-07-23T11:00:00.000Z',
      pattern: `[ipv4-addr:value = '${address}']`,
      pattern_type: 'stix',
      valid_from: '2026-08-22T11:02:00.000Z',
    };
    const bundle = {
      type: 'bundle',
      id: 'bundle--5212aa70-51dc-4dbc-b6f8-80339b18f9ce',
      objects: [indicator],
    };
    for (const name of ['first', 'later']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'first', 'list.txt'), list(66).join(''));
    await writeFile(join(folder, 'later', 'list.txt'), `${list(77).join('')}${address}\n`);
    await writeFile(join(folder, 'later', 'new.stix.json'), JSON.stringify(bundle));
    const contact = [{ remote: address, bytesIn: 3, bytesOut: 4 }];
    const seconds = [1, 62, 125, 190];
    const capture = captureText(seconds.map((at, i) => captureLine(i, 'cam-1', at, contact)));
    const args = ['replay', '-', '--feeds', 'first', '--later-feeds', 'later', '--json'];
    const { code, stdout, stderr } = await runCli(args, folder, capture);
    assert.equal(code, 0, stderr);
    const [alert, ...more] = recordsOf(stdout);
    assert.deepEqual(more, []);
    const { foundBy, messages, firstSeen, evidence } = alert;
    assert.deepEqual([foundBy, messages, firstSeen], ['hunt', 4, '2026-08-22T11:00:01.000Z']);
    assert.deepEqual(evidence.indicators.map(({ feed }: { feed: string }) => feed).toSorted(), [
      'list.txt',
      'new.stix.json',
    ]);
  });

  it('stops when asked', async () => {
    const temporary = join(directory, 'temporary');
    await mkdir(temporary);
    const capture = join(ROOT, SAMPLE, 'capture.ndjson.gz');
    const run = startCli(['replay', capture], directory, { TMPDIR: temporary });
    // It is at work once it has a folder of its own.
    for (const until = Date.now() + 20_000; (await readdir(temporary)).length === 0;) {
      assert.ok(Date.now() < until, run.stderr());
      await wait(50);
    }
    run.child.kill('SIGINT');
    assert.deepEqual(await run.ended, { code: 130, signal: null });
    assert.equal(run.stdout(), '');
    assert.deepEqual(await readdir(temporary), []);
  });

  it('says which setting is wrong', async () => {
    await writeFile(join(directory, 'one.ndjson'), captureText([captureLine(0, 'cam-1', 1, [])]));
    const run = startCli(['replay', 'one.ndjson'], directory, { RepeatHorizonMs: 'soon' });
    assert.deepEqual(await run.ended, { code: 1, signal: null });
    assert.equal(run.stdout(), '');
    assert.match(run.stderr(), /app settings: RepeatHorizonMs/);
  });

  it('knows the devices of a registry, whether or not they send anything', async () => {
    const lines = [1, 2, 301, 302].map((second, i) => captureLine(i, 'cam-1', second, []));
    await writeFile(join(directory, 'few.ndjson'), captureText(lines));
    const rule = {
      ruleType: 'ActiveConnectionsNotInAllowedRange',
      isEnabled: true,
      minThreshold: 1,
      maxThreshold: 9,
      timeWindowSize: 'PT5M',
    };
    const groups = [{ name: 'default', properties: { timeWindowRules: [rule] } }];
    const devices = [{ deviceId: 'cam-2', tags: {} }, { deviceId: 'a "quoted", id' }];
    await writeFile(join(directory, 'groups.json'), JSON.stringify(groups));
    await writeFile(join(directory, 'devices.json'), JSON.stringify(devices));
    const files = [
      '--groups',
      'groups.json',
      '--devices',
      'devices.json',
      '--counts',
      'counts.csv',
    ];
    const ran = await runCli(['replay', 'few.ndjson', ...files, '--json'], directory);
    assert.equal(ran.code, 0, ran.stderr);
    const alerts = recordsOf(ran.stdout);
    const silent = alerts.map(({ deviceId, subject }) => `${deviceId} ${subject.start}`);
    assert.equal(silent.filter((one) => one.startsWith('cam-2 ')).length, 2);
    assert.equal(silent.filter((one) => one.startsWith('a "quoted", id ')).length, 2);
    const rows = (await readFile(join(directory, 'counts.csv'), 'utf8')).trimEnd().split('\n');
    assert.equal(rows.length, 1 + 3 * 2);
    assert.match(rows[1]!, /^"a ""quoted"", id",default,300,2026-08-22T11:00:00\.000Z,.*,0,0$/);
  });

  it('says which line of a capture is wrong', async () => {
    const broken = `${captureText([captureLine(1, 'cam-1', 1, [])])}{"deviceId":1}\n`;
    await writeFile(join(directory, 'broken.ndjson'), broken);
    const ran = runCommand(command, ['broken.ndjson'], { cwd: directory });
    await assert.rejects(ran, { code: 'CAPTURE', message: /broken\.ndjson:2: \w+: / });
  });

  it('refuses a capture without a message, and one that is not there', async () => {
    const empty = runCommand(command, ['-'], { cwd: directory, stdin: '\n' });
    await assert.rejects(empty, /holds no message/);
    await assert.rejects(runCommand(command, ['none'], { cwd: directory }), { code: 'ENOENT' });
  });

  it('refuses arguments that it does not understand', async () => {
    const cases: readonly (readonly string[])[] = [
      [],
      ['a', 'b'],
      ['a', '--from', 'yesterday'],
      ['a', '--until', '2026-13-01T00:00:00Z'],
    ];
    for (const args of cases) {
      await assert.rejects(runCommand(command, args, { cwd: directory }), { code: 'USAGE' });
    }
    const unknown = runCommand(command, ['a', '--speed', '3'], { cwd: directory });
    await assert.rejects(unknown, { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' });
  });
});
