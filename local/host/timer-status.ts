// What a timer remembers over restarts of the host: when it last ran, and when it is due next.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Schedule } from './ncrontab.ts';

/** Milliseconds since the Unix epoch; null for what never was. */
export interface TimerStatus {
  readonly last: number | null;
  readonly next: number | null;
  readonly lastUpdated: number | null;
}

/** The .NET default of a time, which stands for "never". */
const NEVER = '0001-01-01T00:00:00+00:00';

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => (text === NEVER ? null : Date.parse(text)));
const statusFile = z.object({ Last: time, Next: time, LastUpdated: time });

/** With the names and times that the .NET host writes, and the timer's payload carries. */
export function statusJson(status: TimerStatus): z.input<typeof statusFile> {
  return {
    Last: formatTime(status.last),
    Next: formatTime(status.next),
    LastUpdated: formatTime(status.lastUpdated),
  };
}

function formatTime(milliseconds: number | null): string {
  if (milliseconds === null) return NEVER;
  return new Date(milliseconds).toISOString().replace(/\.?0*Z$/, '+00:00');
}

export async function readStatus(path: string): Promise<TimerStatus | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { Last, Next, LastUpdated } = statusFile.parse(JSON.parse(text));
  return { last: Last, next: Next, lastUpdated: LastUpdated };
}

export async function writeStatus(path: string, status: TimerStatus): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // A host that dies half way leaves the old file whole.
  await writeFile(`${path}.new`, JSON.stringify(statusJson(status)));
  await rename(`${path}.new`, path);
}

/**
 * What a starting host makes of the status it finds, and whether an occurrence was missed meanwhile. A schedule that
 * changed since starts afresh: what only the new one would have fired is not missed.
 */
export function resume(
  found: TimerStatus | null,
  schedule: Schedule,
  now: number,
): { status: TimerStatus; isPastDue: boolean } {
  if (found === null) {
    return {
      status: { last: null, next: schedule.next(now), lastUpdated: null },
      isPastDue: false,
    };
  }
  const counted = found.last ?? found.lastUpdated ?? now;
  const expected = schedule.next(counted);
  if (found.next === expected) {
    return { status: found, isPastDue: expected !== null && now > expected };
  }
  const missed = expected !== null && now > expected;
  return {
    status: missed
      ? { last: null, next: schedule.next(now), lastUpdated: now }
      : { last: null, next: expected, lastUpdated: counted },
    isPastDue: false,
  };
}
