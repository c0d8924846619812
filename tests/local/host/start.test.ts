import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { appDirectory } from './support.ts';

/** Starts an app in a process of its own: an app registers its functions once in the life of a process. */
async function start(app: string, main?: string) {
  const args = [appDirectory('start.ts'), app, ...(main === undefined ? [] : [main])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  return JSON.parse(stdout);
}

describe('a host that starts', () => {
  it('loads CommonJS modules as well, and sets what Core Tools sets', async () => {
    const started = await start('odd', 'common.cjs');
    assert.deepEqual(started.functions, [
      { name: 'fromCommonJs', trigger: 'timerTrigger', detail: '0 0 * * * *' },
    ]);
    assert.deepEqual(started.environment, {
      WEBSITE_HOSTNAME: started.address.replace('http://127.0.0.1', 'localhost'),
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      AzureWebJobsScriptRoot: appDirectory('odd'),
    });
  });

  it('says so when no function is registered', async () => {
    const { functions, messages } = await start('odd', 'empty.ts');
    assert.deepEqual(functions, []);
    assert.deepEqual(messages, ['The app registered no function.']);
  });
});

describe('a rejection in the app that nobody handles', () => {
  it('is logged, and does not end the host', async () => {
    const { functions, messages } = await start('odd', 'rejects.ts');
    assert.equal(functions.length, 1);
    assert.match(messages[0], /^Unhandled rejection: Error: left alone\n/);
  });
});

// Each of these processes also ends by itself, so nothing is left open.
describe('a host that cannot start', () => {
  const cases: [string, string, string | undefined, RegExp][] = [
    ['has no host.json', 'absent', undefined, /cannot read .*host\.json/],
    ['finds no module', 'odd', undefined, /no file matches "none\/\*\*\/\*\.ts"/],
    ['finds a broken module', 'broken', undefined, /cannot load functions.broken\.ts: the module/],
    ['finds a name twice', 'odd', 'twice.ts', /"twice" is registered already/],
    ['finds a name that leads elsewhere', 'odd', 'name.ts', /"\.\.\/name" is not a name/],
    ['misses a setting', 'odd', 'unset.ts', /function "unset": '%NOT_SET%' does not resolve/],
    ['meets HTTP streaming', 'odd', 'stream.ts', /enableHttpStream/],
  ];
  for (const [situation, app, main, reason] of cases) {
    it(`because it ${situation} says so`, async () => {
      assert.match((await start(app, main)).refused, reason);
    });
  }
});
