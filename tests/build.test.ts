import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Metafile } from 'esbuild';
import { buildApp } from '../local/build.ts';
import { startPlatform } from '../local/platform.ts';
import { startChild } from '../local/process.ts';
import { encodeMessage } from './support/encode-message.ts';
import { loadFeedFolder } from './support/feeds.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FUNCTIONS = [
  'acceptFeed',
  'catchUpDeviceStream',
  'closeWindow',
  'closeWindows',
  'deleteAllowEntry',
  'deleteSecurityGroup',
  'evaluateWindow',
  'explainIndicator',
  'finishWindow',
  'foldActivityLog',
  'foldActivityLogOnce',
  'foldPartition',
  'forgetFolds',
  'getFeed',
  'getFeedConfiguration',
  'getHunt',
  'getRebuild',
  'getSecurityGroup',
  'huntAWhile',
  'huntIndicators',
  'huntIndicatorsOnce',
  'ingestDeviceStream',
  'judgeUnheardDevices',
  'listAlerts',
  'listAllowlist',
  'listFeeds',
  'listHunts',
  'listLoggedPartitions',
  'listPartitions',
  'listSecurityGroups',
  'listWindowsMadeAgain',
  'purgeHistory',
  'putAllowEntry',
  'putFeedConfiguration',
  'putSecurityGroup',
  'rebuild',
  'refreshFeed',
  'refreshFeeds',
  'refreshThreatFeeds',
  'removeOldRuns',
  'requestHunt',
  'requestRebuild',
  'rollbackFeed',
];

describe('the built app', () => {
  let directory: string;
  let outdir: string;
  let metafile: Metafile;

  before(async () => {
    // Outside the repository, where no node_modules can help it.
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-build-'));
    outdir = join(directory, 'dist');
    await mkdir(join(outdir, 'chunks'), { recursive: true });
    await writeFile(join(outdir, 'chunks', 'stale.js'), 'throw new Error("stale")');
    metafile = await buildApp(outdir);
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  });
  after(() => rm(directory, { recursive: true }));

  /** What the modules of a glob register, in a process of its own. */
  const registrations = async (modules: string): Promise<{ name: string }[]> => {
    const printer = join(ROOT, 'tests', 'support', 'registrations.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [printer, modules]);
    return JSON.parse(stdout);
  };

  it('registers the same functions with the same bindings as the sources', async () => {
    const [built, sources] = await Promise.all([
      registrations(join(outdir, 'functions', '**', '*.js')),
      registrations(join(ROOT, 'functions', '**', '*.ts')),
    ]);
    assert.deepEqual(built, sources);
    assert.deepEqual(built.map(({ name }) => name).sort(), FUNCTIONS);
  });

  it('loads no SDK before one is asked for', async () => {
    const outputs = Object.entries(metafile.outputs);
    const entries = outputs.filter(([, { entryPoint }]) => entryPoint?.startsWith('functions/'));
    assert.ok(entries.length > 30);
    for (const [entry] of entries) {
      const inputs = [...loadedAtOnce(metafile, entry)].flatMap((name) =>
        Object.keys(metafile.outputs[name]!.inputs),
      );
      assert.ok(inputs.some((input) => input.includes('node_modules/@azure/functions/')));
      const early = inputs.filter((input) =>
        /node_modules\/(@azure\/(cosmos|storage|event-hubs|identity|core)|@streamparser)/.test(
          input,
        ),
      );
      assert.deepEqual(early, [], entry);
    }
  });

  it('keeps nothing of an earlier build, and a source map for each module', async () => {
    const outputs = new Set(Object.keys(metafile.outputs).map((name) => basename(name)));
    await assert.rejects(readFile(join(outdir, 'chunks', 'stale.js')), { code: 'ENOENT' });
    for (const name of outputs) assert.ok(name.endsWith('.map') || outputs.has(`${name}.map`));
  });

  it('ingests a message and tells of the alert', async () => {
    const feeds = join(directory, 'feeds');
    await mkdir(feeds);
    await writeFile(join(feeds, 'list.txt'), '198.18.0.1\n209.17.118.17\n');
    const platform = await startPlatform({
      directory: join(directory, 'data'),
      partitionCount: 1,
    });
    assert.deepEqual((await loadFeedFolder(platform, feeds)).leftOut, []);
    const lines: string[] = [];
    const host = await startChild<{ httpAddress: string; functions: { name: string }[] }>({
      name: 'functions',
      entry: join(ROOT, 'local', 'functions', 'server.ts'),
      args: [
        `--hub=${platform.hub.httpAddress}`,
        `--settings=${JSON.stringify(platform.settings)}`,
        '--http-port=0',
        `--main=${join(outdir, 'functions', '**', '*.js')}`,
      ],
      onLog: (line) => lines.push(line),
    });
    try {
      assert.deepEqual(host.listening.functions.map(({ name }) => name).sort(), FUNCTIONS);
      await platform.hub.client.send([
        {
          partitionId: '0',
          properties: { mti: '2.3-1-0-0' },
          systemProperties: { 'iothub-connection-device-id': 'cam-1' },
          body: encodeMessage([{ remote: '209.17.118.17', bytesIn: 5, bytesOut: 7 }]),
        },
      ]);
      let value: { deviceId: string; severity: string }[] = [];
      for (const until = Date.now() + 20_000; value.length === 0 && Date.now() < until;) {
        await wait(100);
        const answer = await fetch(`${host.listening.httpAddress}/api/alerts`);
        assert.equal(answer.status, 200);
        ({ value } = (await answer.json()) as { value: typeof value });
      }
      const found = value.map(({ deviceId, severity }) => `${deviceId} ${severity}`);
      assert.deepEqual(found, ['cam-1 high'], lines.join('\n'));
    } finally {
      await host.stop();
      await platform.stop();
    }
  });
});

/** An output and all that its import statements bring in; what it imports later is left out. */
function loadedAtOnce(metafile: Metafile, name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const { path, kind, external } of metafile.outputs[name]!.imports) {
    if (kind === 'import-statement' && external !== true) loadedAtOnce(metafile, path, seen);
  }
  return seen;
}
