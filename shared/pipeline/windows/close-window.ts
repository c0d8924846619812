import type { Window } from '../../domain/window/window.ts';
import { PIECE_MS, alignedUp } from '../../domain/window/window.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import { type WindowServices, groupsOfWindow } from './due-windows.ts';
import { type WindowSummary, evaluateWindow } from './evaluate-window.ts';
import { closedUntil } from './progress.ts';
import { writeRuns } from './write-runs.ts';

/** Closes a window on one partition: writes the runs up to its end and evaluates it. Null: something of its time is not read yet. */
export async function closeWindow(
  services: WindowServices,
  ref: PartitionRef,
  window: Window,
): Promise<WindowSummary | null> {
  // A window that ends inside a slice closes with it.
  const end = alignedUp(window.end, PIECE_MS);
  if ((await closedUntil(services, ref)) < end) return null;
  await writeRuns(services, ref, end);
  const groups = await groupsOfWindow(services, window);
  return evaluateWindow(services, ref, window, groups, ref.stream === services.streamName);
}
