// The stores of a data folder for a command: those of the platform that runs on it, else started for as long as it reads.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BlobActivityLog } from '../shared/adapters/blob/activity-log.ts';
import { openBlobService } from '../shared/adapters/blob/blob-service.ts';
import type { ActivityLog } from '../shared/ports/activity-log.ts';
import { startAzurite } from './azurite.ts';
import type { CommandIo } from './commands/command.ts';
import { findRunning } from './running.ts';

/** Gives `work` the activity log of a data folder. */
export async function withActivityLog(
  data: string,
  io: CommandIo,
  work: (log: ActivityLog) => Promise<number>,
): Promise<number> {
  const directory = resolve(io.cwd, data);
  const running = findRunning(directory);
  if (running?.platform === null) {
    throw new Error(
      `Threadwatch is starting on ${data} (process ${running.pid}); try again when it is up`,
    );
  }
  if (running !== null) return work(openLog(running.platform.settings['ThreadwatchStorage']!));
  const blobs = join(directory, 'blob');
  if (!existsSync(blobs)) {
    throw new Error(
      `${data} holds no data of Threadwatch; run "threadwatch start", or name the folder with --data`,
    );
  }
  const azurite = await startAzurite({ directory: blobs });
  try {
    return await work(openLog(azurite.connectionString));
  } finally {
    await azurite.stop();
  }
}

function openLog(connectionString: string): ActivityLog {
  return new BlobActivityLog(openBlobService({ connectionString }));
}
