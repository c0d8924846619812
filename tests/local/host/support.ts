import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { HostLogEntry } from '../../../local/host/functions-host.ts';

export function appDirectory(name: string): string {
  return join(import.meta.dirname, '../../fixtures/host-app', name);
}

/** Looks again and again, for five seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition.toString()}`);
    await wait(2);
  }
}

/** Collects what the host logs. */
export class Log {
  readonly entries: HostLogEntry[] = [];
  readonly add = (entry: HostLogEntry): void => void this.entries.push(entry);

  has(pattern: RegExp, about: Partial<HostLogEntry> = {}): boolean {
    return this.entries.some(
      (entry) =>
        pattern.test(entry.message) &&
        Object.entries(about).every(([key, value]) => entry[key as keyof HostLogEntry] === value),
    );
  }
}
