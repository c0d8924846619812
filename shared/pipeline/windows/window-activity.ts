// What the devices of a partition did in a window, and which of them were known at its end. Both are streams in order of device.
import { HOUR_MS, PIECE_MS, type Window, alignedDown, holds } from '../../domain/window/window.ts';
import { isKnown } from '../../domain/window/device-activity.ts';
import { readRows } from '../../format/activity-log/block.ts';
import type { ActivityLog, PartitionRef } from '../../ports/activity-log.ts';
import { hourOf, hourOfFile } from '../log/file-name.ts';
import { type LogPlace, placed, readForward } from '../log/read-log.ts';
import { CLOCK_MARGIN_MS } from '../log/read-tail.ts';
import { PieceCollector } from './collect-pieces.ts';
import { inOne, mergeActivities, uncounted } from './merge-activities.ts';
import {
  type Activities,
  LEVELS,
  type Level,
  type RunsRef,
  fewestRuns,
  lastKnown,
  lateSince,
  readRun,
  runsOfWindow,
} from './run-files.ts';
import type { RunServices } from './runs-state.ts';

/**
 * The window's activity as far as it was read in time: rows with an Event Hubs time before its end and the grace period. The runs up
 * to the window's end must be written. A window that does not consist of whole pieces is read from the log.
 */
export async function windowActivity(
  services: RunServices,
  ref: RunsRef,
  window: Window,
): Promise<Activities> {
  if (!isOfPieces(window)) return readFromLog(services, ref, window);
  const { runs, codec } = services;
  const names = await fewestRuns(runs, ref, window);
  return mergeActivities(names.map(({ name }) => readRun(runs, name, codec)));
}

/** The devices that were known at `at`, without counts: from their first message until their identity was deleted. */
export async function knownDevices(
  services: RunServices,
  ref: RunsRef,
  at: number,
): Promise<Activities> {
  return known(await toldDevices(services, ref, at));
}

/** Every device that was told of before `at`, be it that only its twin changed, or that it was deleted; without counts. */
export async function toldDevices(
  services: RunServices,
  ref: RunsRef,
  at: number,
): Promise<Activities> {
  const { runs, codec } = services;
  const until = alignedDown(at, PIECE_MS);
  const base = await lastKnown(runs, ref, until);
  // There is none before the first hour has ended; then the newest one is of the last hour in which there was anything.
  const since = base?.sliceEnd ?? alignedDown(until - 1, HOUR_MS);
  const [pieces] = LEVELS as [Level];
  const fresh =
    since < until ? await runsOfWindow(runs, ref, pieces, { start: since, end: until }) : [];
  const late = since < until ? await lateSince(runs, ref, since, until) : [];
  const names = [...(base === null ? [] : [base.name]), ...late, ...fresh.map((run) => run.name)];
  const told = names.map((name) => readRun(runs, name, codec));
  if (until < at) told.push(readFromLog(services, ref, { start: until, end: at }));
  return uncounted(mergeActivities(told));
}

async function* known(activities: Activities): Activities {
  for await (const devices of activities) yield devices.filter(isKnown);
}

function isOfPieces({ start, end }: Window): boolean {
  return start % PIECE_MS === 0 && end % PIECE_MS === 0;
}

async function* readFromLog(
  { log, codec, graceMs }: RunServices,
  ref: RunsRef,
  window: Window,
): Activities {
  const collector = new PieceCollector();
  for await (const { block, file, offset } of readForward(
    log,
    ref,
    await placeBefore(log, ref, window.start - CLOCK_MARGIN_MS),
    codec,
  )) {
    const { header } = block;
    if (header.kind === 'close') continue;
    if (header.firstEnqueuedTime >= window.end + graceMs) break;
    if (header.lastHubTime < window.start || header.firstHubTime >= window.end) continue;
    const rows = placed(ref, { file, offset }, () => readRows({ ...block, header }, codec));
    for (let row = 0; row < rows.count; row++) {
      const isInTime = rows.enqueuedTime[row]! < window.end + graceMs;
      if (isInTime && holds(window, rows.hubTime[row]!)) collector.add(rows, row);
    }
  }
  yield* mergeActivities(collector.take().map(({ devices }) => inOne(devices)));
}

/**
 * Where rows of that Event Hubs time or later may stand first: a file holds an hour, and what its last batch brought of the next.
 */
async function placeBefore(
  log: ActivityLog,
  ref: PartitionRef,
  time: number,
): Promise<LogPlace | null> {
  const hour = hourOf(time);
  const before = (await log.files(ref)).findLast(({ name }) => hourOfFile(name) < hour);
  return before === undefined ? null : { file: before.name, offset: 0 };
}
