import { PIECE_MS, alignedUp } from '../../domain/window/window.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import { type WindowServices, groupsOfWindow } from './due-windows.ts';
import { evaluateUnheard, evaluateWindow } from './evaluate-window.ts';
import { progressOf } from './progress.ts';
import { type WindowTask, currentGeneration } from './window-plan.ts';
import { NOTHING_JUDGED, type WindowSummary } from './window-summary.ts';
import { lateIn, mayHaveLost, runsCheckpoint } from './runs-state.ts';
import { writeRuns } from './write-runs.ts';

/**
 * Closes a window on one partition: writes the runs up to its end and evaluates it. Null: something of its time is not read yet. A
 * window of an earlier generation is nobody's any more: a rebuild judges it.
 */
export async function closeWindow(
  services: WindowServices,
  partition: PartitionRef,
  window: WindowTask,
): Promise<WindowSummary | null> {
  const isCurrent = async () => (await currentGeneration(services)) === window.generation;
  if (!(await isCurrent())) return NOTHING_JUDGED;
  // A window that ends inside a slice closes with it.
  const end = alignedUp(window.end, PIECE_MS);
  const { closedUntil, lost, isRead } = await progressOf(services, partition);
  if (closedUntil < end) return null;
  const ref = { ...partition, generation: window.generation };
  // Of windows that are caught up together the first writes for all; at once they would get in each other's way.
  const state = await services.oneAtATime.run(runsCheckpoint(ref), () =>
    writeRuns(services, ref, end, lost),
  );
  const groups = await groupsOfWindow(services, window);
  const summary = await evaluateWindow(services, ref, window, groups, {
    isRead,
    mayHaveLost: mayHaveLost(state, window, services.graceMs, lost),
    isCurrent,
  });
  const isOfPiece = window.end - window.start === PIECE_MS;
  return isOfPiece ? { ...summary, late: lateIn(state, window.end) } : summary;
}

/** What is left when these partitions, all there are, have closed the window; `summary` is what came of that. */
export async function judgeUnheard(
  services: WindowServices,
  closed: readonly PartitionRef[],
  window: WindowTask,
  summary: WindowSummary,
): Promise<WindowSummary> {
  const { generation } = window;
  const isCurrent = async () => (await currentGeneration(services)) === generation;
  if (summary.mayHaveLost) return NOTHING_JUDGED;
  const refs = closed.map((ref) => ({ ...ref, generation }));
  const groups = await groupsOfWindow(services, window);
  return evaluateUnheard(services, refs, window, groups, isCurrent);
}
