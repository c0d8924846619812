import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin', import.meta.url));

// A tree of its own that says it is installed: nothing here may ever start npm.
describe('the launcher', () => {
  let root: string;
  before(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'threadwatch-launch-')));
    await cp(BIN, join(root, 'bin'), { recursive: true });
    await writeFile(join(root, 'package.json'), '{"type":"module"}');
    await writeFile(join(root, 'package-lock.json'), '{}');
    await mkdir(join(root, 'local'));
    await writeFile(
      join(root, 'local', 'cli.ts'),
      'console.log(JSON.stringify(process.argv.slice(2) satisfies string[]));',
    );
    await mkdir(join(root, 'node_modules'));
    const lockfile = createHash('sha256').update('{}').digest('hex');
    await writeFile(
      join(root, 'node_modules', '.threadwatch-installed'),
      `${lockfile} ${process.platform} ${process.arch}\n`,
    );
  });
  after(() => rm(root, { recursive: true }));

  interface Options {
    readonly script?: string;
    readonly cwd?: string;
    readonly stdin?: string;
    readonly env?: Record<string, string>;
    readonly onOutput?: (launcher: number, text: string) => void;
  }
  const launch = (args: readonly string[], options: Options = {}) =>
    new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>(
      (resolve) => {
        const script = join(root, 'bin', options.script ?? 'launch.js');
        const child = spawn(process.execPath, [script, ...args], {
          cwd: options.cwd ?? root,
          env: { ...process.env, ...options.env },
          timeout: 20_000,
          killSignal: 'SIGKILL',
        });
        let [stdout, stderr] = ['', ''];
        child.stdout.on('data', (data) => {
          stdout += data;
          options.onOutput?.(child.pid!, stdout);
        });
        child.stderr.on('data', (data) => (stderr += data));
        child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
        child.stdin.end(options.stdin ?? '');
      },
    );
  const evaluate = (code: string, options?: Options) => launch(['-e', code], options);

  it('runs Node with the arguments given, in the folder of the caller', async () => {
    const elsewhere = await realpath(tmpdir());
    const code = 'console.log(JSON.stringify([process.cwd(), ...process.argv.slice(1)]))';
    const {
      code: exit,
      stdout,
      stderr,
    } = await launch(['-e', code, 'a b', '"c"', '$HOME'], {
      cwd: elsewhere,
    });
    assert.equal(stderr, '');
    assert.equal(exit, 0);
    assert.deepEqual(JSON.parse(stdout), [elsewhere, 'a b', '"c"', '$HOME']);
  });

  it('hands on stdin, stdout, stderr and the environment', async () => {
    const code =
      'process.stdin.on("data", (d) => process.stdout.write(`${process.env.MARK} ${d}`)); console.error("aside")';
    const { stdout, stderr } = await evaluate(code, { stdin: 'piped', env: { MARK: 'here' } });
    assert.equal(stdout, 'here piped');
    assert.equal(stderr, 'aside\n');
  });

  it('puts the Node that it runs and the installed tools first on the path', async () => {
    const { stdout } = await evaluate('console.log(process.env.PATH)');
    const [first, second] = stdout.trim().split(process.platform === 'win32' ? ';' : ':');
    assert.equal(first, dirname(process.execPath));
    assert.equal(second, join(root, 'node_modules', '.bin'));
  });

  it('ends with the exit code of what it ran', async () => {
    for (const exit of [0, 1, 2, 130]) {
      assert.equal((await evaluate(`process.exit(${exit})`)).code, exit);
    }
  });

  it(
    'ends by the signal that ended what it ran',
    { skip: process.platform === 'win32' },
    async () => {
      for (const name of ['SIGTERM', 'SIGKILL', 'SIGINT']) {
        const { code, signal } = await evaluate(`process.kill(process.pid, '${name}')`);
        assert.deepEqual({ code, signal }, { code: null, signal: name });
      }
    },
  );

  it('passes on a request to end, and waits for the end', async () => {
    const code =
      'process.on("SIGTERM", () => setTimeout(() => { console.log("ended in order"); process.exit(7); }, 100)); setInterval(() => {}, 1000); console.log("up")';
    let asked = false;
    const { code: exit, stdout } = await evaluate(code, {
      onOutput: (launcher) => {
        if (!asked) process.kill(launcher, 'SIGTERM');
        asked = true;
      },
    });
    assert.equal(exit, 7);
    assert.equal(stdout, 'up\nended in order\n');
  });

  it('leaves Ctrl-C to what it runs', async () => {
    const code =
      'process.on("SIGINT", () => {}); setTimeout(() => { console.log("done"); process.exit(0); }, 300); console.log("up")';
    let asked = false;
    const { code: exit, stdout } = await evaluate(code, {
      onOutput: (launcher) => {
        if (!asked) process.kill(launcher, 'SIGINT');
        asked = true;
      },
    });
    assert.equal(exit, 0);
    assert.equal(stdout, 'up\ndone\n');
  });

  it('prefers the packaged Node', async () => {
    const packaged = join(root, 'node_modules', 'node', 'bin', 'node');
    await mkdir(dirname(packaged), { recursive: true });
    await symlink(process.execPath, packaged);
    try {
      const { stdout } = await evaluate('console.log(process.argv0)');
      assert.equal(stdout.trim(), packaged);
    } finally {
      await rm(join(root, 'node_modules', 'node'), { recursive: true });
    }
  });

  it('gives threadwatch its command line', async () => {
    const { code, stdout } = await launch(['replay', '-', '--json'], { script: 'threadwatch.js' });
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), ['replay', '-', '--json']);
  });
});

describe('the launcher in a tree that is not installed', () => {
  it('says that npm cannot be started, and runs nothing', async () => {
    const root = await mkdtemp(join(tmpdir(), 'threadwatch-launch-'));
    await mkdir(join(root, 'bin'));
    await copyFile(join(BIN, 'launch.js'), join(root, 'bin', 'launch.js'));
    await writeFile(join(root, 'package.json'), '{"type":"module"}');
    await writeFile(join(root, 'package-lock.json'), '{}');
    // An empty path: npm is not found, so this cannot install anything.
    const child = spawn(
      process.execPath,
      [join(root, 'bin', 'launch.js'), '-e', 'console.log(1)'],
      {
        env: { PATH: root },
      },
    );
    let output = '';
    let errors = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (errors += data));
    const code = await new Promise((resolve) => child.once('close', resolve));
    await rm(root, { recursive: true });
    assert.equal(code, 1);
    assert.equal(output, '');
    assert.match(errors, /installing dependencies \(npm ci\)/);
    assert.match(errors, /npm could not be started .*install Node\.js with npm/);
  });
});
