// What runs on a data folder: `start` writes it down, other commands find the platform by it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

export interface Running {
  readonly pid: number;
  readonly httpAddress: string;
  readonly settings: Readonly<Record<string, string>>;
}

const FILE = 'running.json';

/** Null when nothing runs there, or what did has died. */
export function findRunning(directory: string): Running | null {
  let text: string;
  try {
    text = readFileSync(join(directory, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const running = JSON.parse(text) as Running;
  return isAlive(running.pid) ? running : null;
}

export function noteRunning(directory: string, running: Running): void {
  mkdirSync(directory, { recursive: true });
  // The settings hold development keys: nobody else needs to read them.
  writeFileSync(join(directory, FILE), `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 });
}

export function forgetRunning(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
