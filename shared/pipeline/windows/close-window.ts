import { PIECE_MS, alignedUp } from '../../domain/window/window.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import { type WindowServices, groupsOfWindow } from './due-windows.ts';
import { evaluateUnheard, evaluateWindow } from './evaluate-window.ts';
import { allPartitions, progressOf } from './progress.ts';
import type { WindowTask } from './window-plan.ts';
import { NOTHING_JUDGED, type WindowSummary } from './window-summary.ts';
import { lateIn, runsCheckpoint, writeRuns } from './write-runs.ts';

/** Closes a window on one partition: writes the runs up to its end and evaluates it. Null: something of its time is not read yet. */
export async function closeWindow(
  services: WindowServices,
  partition: PartitionRef,
  window: WindowTask,
): Promise<WindowSummary | null> {
  // A window that ends inside a slice closes with it.
  const end = alignedUp(window.end, PIECE_MS);
  const { closedUntil, lost, isRead } = await progressOf(services, partition);
  if (closedUntil < end) return null;
  const ref = { ...partition, generation: window.generation };
  // Of windows that are caught up together the first writes for all; at once they would get in each other's way.
  await services.oneAtATime.run(runsCheckpoint(ref), () => writeRuns(services, ref, end, lost));
  const groups = await groupsOfWindow(services, window);
  const summary = await evaluateWindow(services, ref, window, groups, { isRead, lost });
  const isOfPiece = window.end - window.start === PIECE_MS;
  return isOfPiece ? { ...summary, late: await lateIn(services, ref, window.end) } : summary;
}

/** What is left when every partition has closed the window, of which `closed` came. */
export async function judgeUnheard(
  services: WindowServices,
  window: WindowTask,
  closed: WindowSummary,
): Promise<WindowSummary> {
  if (closed.mayHaveLost) return NOTHING_JUDGED;
  const { generation } = window;
  const refs = (await allPartitions(services)).map((ref) => ({ ...ref, generation }));
  return evaluateUnheard(services, refs, window, await groupsOfWindow(services, window));
}
