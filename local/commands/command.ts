import type { Readable, Writable } from 'node:stream';

/** What a command may touch of the process it runs in; tests pass their own. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Aborted when the user asks to stop (Ctrl-C, SIGTERM). */
  readonly signal: AbortSignal;
}

/** A command of `threadwatch`; `name` may be two words (`feeds parse`). */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** The whole help text after "usage: threadwatch ". */
  readonly usage: string;
  /** Resolves to the exit code: 0 success, 1 failure. Bad usage throws a `UsageError`. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

/** The command line cannot be understood: message names the argument and the fix; the process exits with 2. */
export class UsageError extends Error {
  readonly code = 'USAGE';
}

/** Writes text and waits while the reader on the other side is slower. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (stream.write(text)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (act: () => void) => () => {
      stream.off('drain', onDrain).off('error', onError).off('close', onDrain);
      act();
    };
    const onDrain = settle(resolve);
    const onError = (error: Error) => settle(() => reject(error))();
    stream.once('drain', onDrain).once('error', onError).once('close', onDrain);
  });
}
