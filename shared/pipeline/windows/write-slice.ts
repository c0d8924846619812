// The runs that a slice of the log gives: of five minutes each, merged into hours and days as these end, and who is known by then.
import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import { DAY_MS, HOUR_MS, PIECE_MS, type Window, alignedDown } from '../../domain/window/window.ts';
import type { RunHeader } from '../../format/run/header.ts';
import type { PieceCollector } from './collect-pieces.ts';
import { inOne, mergeActivities, uncounted } from './merge-activities.ts';
import {
  LEVELS,
  type RunsRef,
  knownName,
  lateName,
  parseKnownName,
  parseRunName,
  readRun,
  runName,
  writeRun,
} from './run-files.ts';
import type { RunServices, RunsState } from './runs-state.ts';

/** Of two days: runs are written a day ahead of the first window that is not closed at most. */
const MAX_LATE = (2 * DAY_MS) / PIECE_MS;

/** Writes what the slice told about each piece, and merges what it completes. Gives the state behind it. */
export async function writeSlice(
  services: RunServices,
  ref: RunsRef,
  state: RunsState,
  collector: PieceCollector,
): Promise<RunsState> {
  const { runs, codec } = services;
  const { sliceEnd } = state;
  const [level] = LEVELS as [(typeof LEVELS)[number]];
  // Whoever asks who is known takes the newest file and the runs of pieces behind it; what came late before it has a file of its own.
  const knownUntil =
    state.known === null ? alignedDown(sliceEnd - 1, HOUR_MS) : parseKnownName(state.known);
  const written: string[] = [];
  const beforeKnown: (readonly DeviceActivity[])[] = [];
  let late = 0;
  for (const { start, devices } of collector.take()) {
    if (start + level.size < sliceEnd) late += devices.reduce((sum, one) => sum + one.messages, 0);
    if (start < knownUntil) beforeKnown.push(devices);
    const name = runName(ref, level, start, sliceEnd);
    const piece = { start, end: start + level.size };
    await writeRun(runs, name, headerOf(ref, state, piece), [devices], codec);
    written.push(name);
  }
  const [first = [], ...others] = state.unmerged;
  const unmerged = [[...first, ...written], ...others];
  let next: RunsState = { ...state, unmerged, unknown: [...state.unknown, ...written] };
  if (late > 0) {
    next = { ...next, late: [...state.late, { sliceEnd, messages: late }].slice(-MAX_LATE) };
  }
  let hours: readonly string[] = [];
  for (let i = 1; i < LEVELS.length; i++) {
    if (sliceEnd % LEVELS[i]!.size !== 0) continue;
    const merged = await mergeLevel(services, ref, next, i);
    if (i === 1) hours = merged.written;
    next = merged.state;
  }
  if (sliceEnd % HOUR_MS === 0) {
    return writeKnown(services, ref, next, new Set(first.concat(written)), hours);
  }
  if (beforeKnown.length > 0) {
    const devices = uncounted(mergeActivities(beforeKnown.map(inOne)));
    await writeRun(runs, lateName(ref, sliceEnd), headerOf(ref, state, null), devices, codec);
  }
  return next;
}

/** Merges what waits below the level into one run for each of its pieces. */
async function mergeLevel(
  { runs, codec }: RunServices,
  ref: RunsRef,
  state: RunsState,
  index: number,
): Promise<{ readonly state: RunsState; readonly written: readonly string[] }> {
  const { sliceEnd, unmerged } = state;
  const level = LEVELS[index]!;
  const pieces = Map.groupBy(unmerged[index - 1]!, (name) =>
    alignedDown(parseRunName(name).pieceStart, level.size),
  );
  const written: string[] = [];
  for (const [start, names] of [...pieces].sort(([a], [b]) => a - b)) {
    const name = runName(ref, level, start, sliceEnd);
    const piece = { start, end: start + level.size };
    const merged = mergeActivities(names.map((each) => readRun(runs, each, codec)));
    await writeRun(runs, name, headerOf(ref, state, piece), merged, codec);
    written.push(name);
  }
  const above = unmerged.map((names, i) =>
    i === index - 1 ? [] : i === index ? [...names, ...written] : names,
  );
  return { state: { ...state, unmerged: above }, written };
}

/**
 * All devices that were known when the hour ended: without what its first minutes told of the next one. `hours` are the runs that
 * `merged` were merged into.
 */
async function writeKnown(
  { runs, codec }: RunServices,
  ref: RunsRef,
  state: RunsState,
  merged: ReadonlySet<string>,
  hours: readonly string[],
): Promise<RunsState> {
  const { sliceEnd } = state;
  const isPast = (name: string) => parseRunName(name).pieceStart < sliceEnd;
  const fresh = state.unknown.filter(isPast);
  // Once a day in any case: who looks for the newest lists a day.
  if (fresh.length === 0 && (state.known === null || sliceEnd % DAY_MS !== 0)) return state;
  const fewest = [...hours.filter(isPast), ...fresh.filter((name) => !merged.has(name))];
  const name = knownName(ref, sliceEnd);
  const sources = [...(state.known === null ? [] : [state.known]), ...fewest];
  const devices = mergeActivities(sources.map((each) => readRun(runs, each, codec)));
  await writeRun(runs, name, headerOf(ref, state, null), uncounted(devices), codec);
  return { ...state, known: name, unknown: state.unknown.filter((each) => !isPast(each)) };
}

function headerOf(
  { stream, partition }: RunsRef,
  { sliceEnd, position, groupsRevision }: RunsState,
  piece: Window | null,
): RunHeader {
  return { stream, partition, piece, sliceEnd, position, groupsRevision };
}
