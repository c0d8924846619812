// Processes of the local platform, from the parent's side; child.ts is what runs in them.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  readonly name: string;
  /** The module to run; it ends its start with `announce` of child.ts. */
  readonly entry: string | URL;
  readonly args?: readonly string[];
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Each line that the child prints, but for the one that says where it listens. */
  readonly onLog?: (line: string) => void;
  readonly readyMilliseconds?: number;
  readonly stopMilliseconds?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child<Listening> {
  readonly name: string;
  readonly pid: number;
  readonly listening: Listening;
  /** Resolves when the process has ended, for whatever reason; never rejects. */
  readonly exited: Promise<Exit>;
  /** Ends it in order; a child that does not end within seconds is killed. */
  stop(): Promise<void>;
  /** Sends a signal and waits for the end that it must bring. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit>;
}

const READY_MILLISECONDS = 30_000;
const STOP_MILLISECONDS = 5_000;
/** Lines of output that the message of a failed start repeats. */
const LAST_LINES = 30;

/**
 * Resolves once the child listens, rejects with its last output if it does not. The child ends with this process, however this
 * process ends.
 */
export async function startChild<Listening>(options: ChildOptions): Promise<Child<Listening>> {
  const entry = options.entry instanceof URL ? fileURLToPath(options.entry) : options.entry;
  const child = spawn(process.execPath, [entry, ...(options.args ?? [])], {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // The child may be gone when its stdin is closed at the end.
  child.stdin.on('error', () => undefined);
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const lastLines: string[] = [];
  const log = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
    options.onLog?.(line);
  };
  createInterface({ input: child.stderr }).on('line', log);
  const kill = (signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> => {
    child.kill(signal);
    return exited;
  };

  const listening = await new Promise<Listening>((resolve, reject) => {
    const fail = (reason: string): void => {
      const output = lastLines.length === 0 ? '' : `:\n${lastLines.join('\n')}`;
      reject(new Error(`${options.name} did not start: ${reason}${output}`));
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`not ready after ${options.readyMilliseconds ?? READY_MILLISECONDS} ms`);
    }, options.readyMilliseconds ?? READY_MILLISECONDS);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      fail(`it ended with ${signal ?? `exit code ${code}`}`);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = parseReadyLine(line);
      if (found === undefined) return log(line);
      clearTimeout(timer);
      resolve(found as Listening);
    });
  });

  return {
    name: options.name,
    pid: child.pid ?? 0,
    listening,
    exited,
    kill,
    stop: async () => {
      const milliseconds = options.stopMilliseconds ?? STOP_MILLISECONDS;
      const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
      await kill('SIGTERM');
      clearTimeout(timer);
    },
  };
}

function parseReadyLine(line: string): unknown {
  if (!line.startsWith('{"listening":')) return undefined;
  return (JSON.parse(line) as { listening: unknown }).listening;
}
