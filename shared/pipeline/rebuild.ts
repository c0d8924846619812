// Everything that is a fold of the log can be made again from it: counts of alerts, runs, windows, what hunts found. To begin anew is
// to forget how far each has come; the folds then do what they always do, and nothing that stands is counted twice.
import type { PartitionRef } from '../ports/activity-log.ts';
import { foldCheckpoint } from './fold.ts';
import { PUBLICATIONS } from './hunt/hunt-publications.ts';
import { type WindowServices, judgeAgain } from './windows/due-windows.ts';
import { folderOf } from './windows/run-files.ts';
import { runsCheckpoint } from './windows/write-runs.ts';

export interface RebuildSummary {
  readonly partitions: number;
  readonly runsRemoved: number;
}

/** Forgets what was folded. Doing it twice, or half of it and then again, is as good as once. */
export async function forgetFolds(services: WindowServices): Promise<RebuildSummary> {
  const { log, runs, checkpoints } = services;
  const partitions: readonly PartitionRef[] = await log.partitions();
  let runsRemoved = 0;
  for (const ref of partitions) {
    await checkpoints.remove(foldCheckpoint(ref));
    await checkpoints.remove(runsCheckpoint(ref));
    runsRemoved += await runs.remove(folderOf(ref));
  }
  await checkpoints.remove(PUBLICATIONS);
  await judgeAgain(services);
  return { partitions: partitions.length, runsRemoved };
}
