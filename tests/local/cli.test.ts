import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { runCli } from '../support/run-cli.ts';

const run = (...args: string[]) => runCli(args, tmpdir());

describe('threadwatch', () => {
  it('shows its commands on stderr and exits with 2 when given none', async () => {
    const { code, stdout, stderr } = await run();
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^usage: threadwatch <command>/);
  });

  it('shows its commands when asked', async () => {
    const runs = await Promise.all(['--help', '-h', 'help'].map((asked) => run(asked)));
    for (const { code, stdout, stderr } of runs) {
      assert.equal(code, 0);
      assert.equal(stderr, '');
      for (const name of [
        'start',
        'replay',
        'decode',
        'quarantine list',
        'feeds parse',
        'index build',
      ]) {
        assert.match(stdout, new RegExp(`^  ${name} +\\S`, 'm'));
      }
    }
  });

  it('lists the commands of a group', async () => {
    const asked = await run('index', '--help');
    assert.equal(asked.code, 0);
    assert.match(asked.stdout, /index build .*\n {2}index lookup .*\n {2}index stat/);
    const wrong = await run('index', 'nothing');
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /index build/);
  });

  it('exits with 2 for a command that there is not', async () => {
    for (const args of [['stop'], ['quarantine'], ['quarantine', 'empty'], ['index', 'drop']]) {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, new RegExp(`^threadwatch: there is no command "${args[0]}"`));
    }
  });

  it('explains a command, and does not run it', async () => {
    for (const name of ['start', 'replay', 'quarantine list', 'quarantine show']) {
      const { code, stdout, stderr } = await run(...name.split(' '), '--help');
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`^usage: threadwatch ${name} `));
    }
  });

  it('names the command and its help where arguments are not understood, and exits with 2', async () => {
    const cases: [string[], string, RegExp][] = [
      [['start', '--speed', 'fast'], 'start', /--speed must be a number from 0 on, not "fast"/],
      [['start', '--frobnicate'], 'start', /--frobnicate/],
      [['replay'], 'replay', /one CAPTURE was expected, found 0/],
      [['quarantine', 'show', 'x'], 'quarantine show', /"x" is no name of a message/],
      [['quarantine', 'list', 'x'], 'quarantine list', /Unexpected argument 'x'/],
    ];
    for (const [args, name, reason] of cases) {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      const [message, help] = stderr.trimEnd().split('\n');
      assert.ok(message!.startsWith(`threadwatch ${name}: `));
      assert.match(message!, reason);
      assert.equal(help, `threadwatch ${name} --help tells more.`);
    }
  });

  it('exits with 1 and one line where a command fails', async () => {
    const { code, stdout, stderr } = await run('replay', 'there-is-no-such.ndjson');
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^threadwatch replay: ENOENT.*there-is-no-such\.ndjson'\n$/);
  });
});
