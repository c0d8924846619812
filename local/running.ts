// What runs on a data folder: `start` claims the folder and writes down where things are; other commands find them by it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

export interface Running {
  readonly pid: number;
  /** Null while it starts. */
  readonly platform: {
    readonly httpAddress: string;
    /** The same under TLS, and the file by which a client trusts it. */
    readonly https?: { readonly address: string; readonly certificateFile: string };
    readonly settings: Readonly<Record<string, string>>;
  } | null;
}

/** Another process runs on the folder: two would write the same files. */
export class FolderInUseError extends Error {
  readonly code = 'FOLDER_IN_USE';
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
  const running = parseRunning(text);
  return running !== null && isAlive(running.pid) ? running : null;
}

/** Takes the folder for this process, before anything is started on it. */
export function claimFolder(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeRunning(directory, { pid: process.pid, platform: null }, 'wx');
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const running = findRunning(directory);
    if (running !== null) {
      const where = running.platform === null ? 'starting' : running.platform.httpAddress;
      throw new FolderInUseError(
        `Threadwatch runs on ${directory} already (process ${running.pid}, ${where}); stop it, or name another folder with --data`,
      );
    }
    rmSync(join(directory, FILE), { force: true }); // Left by one that died.
  }
  throw new FolderInUseError(`another process begins to run on ${directory} right now`);
}

export function noteRunning(directory: string, platform: Running['platform']): void {
  writeRunning(directory, { pid: process.pid, platform }, 'w');
}

export function leaveFolder(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

function writeRunning(directory: string, running: Running, flag: 'w' | 'wx'): void {
  // The settings hold development keys: nobody else needs to read them.
  writeFileSync(join(directory, FILE), `${JSON.stringify(running, null, 2)}\n`, {
    mode: 0o600,
    flag,
  });
}

/** Null for a file that was cut while it was written. */
function parseRunning(text: string): Running | null {
  try {
    const { pid, platform } = JSON.parse(text) as Partial<Running>;
    return typeof pid === 'number' ? { pid, platform: platform ?? null } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
