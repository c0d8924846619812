// The command line as a process of its own, as people run it.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const CLI = join(fileURLToPath(new URL('../..', import.meta.url)), 'local', 'cli.ts');

export interface CliRun {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with what was printed once it holds `text`; rejects when the process ends without. */
  printed(text: string | RegExp): Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `threadwatch ARGS` in `cwd`; `env` is added to this process's own. */
export function startCli(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): CliRun {
  // Nothing here takes so long: a run that hangs fails its test.
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { ...process.env, ...env },
    timeout: 150_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const printed = async (text: string | RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (typeof text === 'string' ? !stdout.includes(text) : !text.test(stdout)) return;
        child.stdout.off('data', look);
        resolve(stdout);
      };
      child.stdout.on('data', look);
      look();
      void ended.then(({ code }) =>
        reject(new Error(`ended with ${code} before it printed ${text}\n${stdout}\n${stderr}`)),
      );
    });
  return { child, stdout: () => stdout, stderr: () => stderr, printed, ended };
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCli(
  args: readonly string[],
  cwd: string,
  stdin: string | Uint8Array = '',
): Promise<CliResult> {
  const run = startCli(args, cwd);
  run.child.stdin.end(stdin);
  const { code } = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}
