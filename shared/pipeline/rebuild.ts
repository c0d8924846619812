// Everything that is a fold of the log can be made again from it: counts of alerts, runs, windows, what hunts found. To begin anew is
// to forget how far each has come; the folds then do what they always do, and nothing that stands is counted twice. Runs are written
// beside those that are there, in a new generation: whoever is still at work in the old one disturbs nobody.
import { foldCheckpoint } from './fold.ts';
import { PUBLICATIONS } from './hunt/hunt-publications.ts';
import type { WindowServices } from './windows/due-windows.ts';
import { folderOfGeneration } from './windows/run-files.ts';
import { currentGeneration, judgeAgain } from './windows/window-plan.ts';
import { runsCheckpoint } from './windows/runs-state.ts';

export interface RebuildSummary {
  readonly partitions: number;
  /** Of the runs that are written from now on. */
  readonly generation: number;
}

/** Forgets what was folded. Doing it twice, or half of it and then again, is as good as once. */
export async function forgetFolds(services: WindowServices): Promise<RebuildSummary> {
  const { log, checkpoints } = services;
  const partitions = await log.partitions();
  for (const ref of partitions) await checkpoints.remove(foldCheckpoint(ref));
  await checkpoints.remove(PUBLICATIONS);
  const generation = await judgeAgain(services);
  return { partitions: partitions.length, generation };
}

/** So many files take a minute or two. */
const REMOVED_AT_ONCE = 10_000;

/** Removes runs of earlier generations, some at a time; gives how many. None: there are no more. */
export async function removeOldRuns(services: WindowServices): Promise<number> {
  const { log, runs, checkpoints } = services;
  const current = await currentGeneration(services);
  for (let generation = 0; generation < current; generation++) {
    const removed = await runs.remove(folderOfGeneration(generation), REMOVED_AT_ONCE);
    if (removed > 0) return removed;
    for (const ref of await log.partitions()) {
      await checkpoints.remove(runsCheckpoint({ ...ref, generation }));
    }
  }
  return 0;
}
