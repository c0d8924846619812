import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Command } from '../../../local/commands/command.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The NDJSON on stdout. */
  readonly records: any[];
}

/** Runs a command as the command line would, with streams of its own; what it throws is thrown. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  { cwd, stdin = '' }: { cwd: string; stdin?: string | Uint8Array },
): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const printed = Promise.all([text(stdout), text(stderr)]);
  try {
    const code = await command.run(args, {
      stdin: Readable.from([Buffer.from(stdin as string)]),
      stdout,
      stderr,
      env: {},
      cwd,
      signal: new AbortController().signal,
    });
    stdout.end();
    stderr.end();
    const [out, err] = await printed;
    return {
      code,
      stdout: out,
      stderr: err,
      // Only when asked for: not all that begins so is NDJSON.
      get records() {
        const lines = out.split('\n').filter((line) => line.startsWith('{'));
        return lines.map((line) => JSON.parse(line));
      },
    };
  } finally {
    stdout.end();
    stderr.end();
  }
}
