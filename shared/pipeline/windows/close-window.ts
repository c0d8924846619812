import type { Window } from '../../domain/window/window.ts';
import { PIECE_MS, alignedUp } from '../../domain/window/window.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import { type WindowServices, groupsOfWindow } from './due-windows.ts';
import { type WindowSummary, evaluateUnheard, evaluateWindow } from './evaluate-window.ts';
import { allPartitions, closedUntil } from './progress.ts';
import { runsCheckpoint, writeRuns } from './write-runs.ts';

/** Closes a window on one partition: writes the runs up to its end and evaluates it. Null: something of its time is not read yet. */
export async function closeWindow(
  services: WindowServices,
  ref: PartitionRef,
  window: Window,
): Promise<WindowSummary | null> {
  // A window that ends inside a slice closes with it.
  const end = alignedUp(window.end, PIECE_MS);
  if ((await closedUntil(services, ref)) < end) return null;
  // Of windows that are caught up together the first writes for all; at once they would get in each other's way.
  await services.oneAtATime.run(runsCheckpoint(ref), () => writeRuns(services, ref, end));
  const groups = await groupsOfWindow(services, window);
  return evaluateWindow(services, ref, window, groups, ref.stream === services.streamName);
}

/** What is left when every partition has closed the window. */
export async function judgeUnheard(
  services: WindowServices,
  window: Window,
): Promise<WindowSummary> {
  const refs = await allPartitions(services);
  return evaluateUnheard(services, refs, window, await groupsOfWindow(services, window));
}
