// A fold of one partition's log into runs. The log is cut into slices by Event Hubs time: the slice that ends at T holds the rows up
// to T + grace, five minutes of them. So what a slice gives is decided by the log alone, whoever reads it and when; writing it twice
// writes the same, and files that are there stay.
import type { LogPosition } from '../../domain/alert/position.ts';
import { type DeviceActivity, withoutCounts } from '../../domain/window/device-activity.ts';
import { DAY_MS, HOUR_MS, PIECE_MS, type Window, alignedDown } from '../../domain/window/window.ts';
import { readRows } from '../../format/activity-log/block.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import { type ActivityLog, LogFileGoneError, type PartitionRef } from '../../ports/activity-log.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import type { Runs } from '../../ports/runs.ts';
import { FIRST_FILE } from '../log/file-name.ts';
import { type LogPlace, type PlacedBlock, placed, readForward } from '../log/read-log.ts';
import { PieceCollector } from './collect-pieces.ts';
import { mergeActivities } from './merge-activities.ts';
import type { LostRange } from './progress.ts';
import {
  type Activities,
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

export interface RunServices {
  readonly log: ActivityLog;
  readonly runs: Runs;
  readonly checkpoints: Checkpoints;
  readonly codec: BlockCodec;
  /** How long after its end a window waits for messages that are late. */
  readonly graceMs: number;
}

/** Where the runs of a partition stand. */
export interface RunsState {
  /** The next row to read stands here or behind; null: at the log's beginning. */
  readonly place: LogPlace | null;
  /** The slice that was written last. */
  readonly sliceEnd: number;
  /** Rows up to this Event Hubs time (not included) are in runs. */
  readonly until: number;
  /** The Event Hubs time of the last row that was read, be it of a later slice. */
  readonly lastEnqueuedTime: number | null;
  readonly position: LogPosition | null;
  readonly groupsRevision: number;
  /** By level, but the last: runs that are not merged into the next one yet. */
  readonly unmerged: readonly (readonly string[])[];
  /** The newest file of known devices, and the runs of five minutes that are not in it yet. */
  readonly known: string | null;
  readonly unknown: readonly string[];
  /**
   * Event Hubs times between which messages were lost before they were read: who sent too little then cannot be told. The last
   * ones.
   */
  readonly gaps: readonly Window[];
  /** How many messages came too late for their window of five minutes, by the slice that brought them. The last ones. */
  readonly late: readonly { readonly sliceEnd: number; readonly messages: number }[];
}

/** Another run of the same partition is ahead; what it wrote is what this one would have written. */
export class RunsTakenError extends Error {
  readonly code = 'RUNS_TAKEN';
}

export function runsCheckpoint({ generation, stream, partition }: RunsRef): string {
  return `runs/${generation}/${stream}/${partition}`;
}

const MAX_GAPS = 256;
/** Of two days: runs are written a day ahead of the first window that is not closed at most. */
const MAX_LATE = (2 * DAY_MS) / PIECE_MS;

/**
 * Writes the runs of every slice up to the one that ends at `until`, which the caller knows to be closed: no row of it can come any
 * more. Goes on where it stopped, slice by slice; where another one is ahead, from there. `lost` is what the stream says was destroyed
 * unread: kept with the slices, so that whoever judges their windows later knows it too.
 */
export async function writeRuns(
  services: RunServices,
  ref: RunsRef,
  until: number,
  lost: LostRange | null = null,
): Promise<void> {
  let reached = -Infinity;
  for (;;) {
    try {
      await writeSlices(services, ref, until, lost);
      return;
    } catch (error) {
      if (!(error instanceof RunsTakenError)) throw error;
      // Who took them went on by a slice, so this ends. A day that is caught up by two has many conflicts.
      const stored = await services.checkpoints.read(runsCheckpoint(ref));
      const ahead = stored === null ? -Infinity : (stored.value as RunsState).sliceEnd;
      if (ahead <= reached) throw error;
      reached = ahead;
    }
  }
}

/**
 * Whether messages of the window may have been lost before they were read. The runs up to the window's end must be written; `lost` is
 * what they do not tell yet.
 */
export async function mayHaveLost(
  { checkpoints, graceMs }: RunServices,
  ref: RunsRef,
  window: Window,
  lost: LostRange | null,
): Promise<boolean> {
  const stored = await checkpoints.read(runsCheckpoint(ref));
  const { gaps = [] } = (stored?.value ?? {}) as Partial<RunsState>;
  return withLost(gaps, lost).some(
    ({ start, end }) => start < window.end + graceMs && end > window.start,
  );
}

/** Where only the first look told when messages were lost at the latest, its word stands: what came later was there to be seen. */
function withLost(gaps: readonly Window[], lost: LostRange | null): readonly Window[] {
  if (lost === null) return gaps;
  const known = gaps.find(({ start }) => start === lost.start);
  if (known !== undefined && !lost.isExact) return gaps;
  const { start, end } = lost;
  return [...gaps.filter((gap) => gap !== known), { start, end }].slice(-MAX_GAPS);
}

/**
 * How many messages the slice brought that came too late for their window of five minutes; it must be written, and not long ago.
 */
export async function lateIn(
  { checkpoints }: Pick<RunServices, 'checkpoints'>,
  ref: RunsRef,
  sliceEnd: number,
): Promise<number> {
  const stored = await checkpoints.read(runsCheckpoint(ref));
  const { late = [] } = (stored?.value ?? {}) as Partial<RunsState>;
  return late.find((one) => one.sliceEnd === sliceEnd)?.messages ?? 0;
}

async function writeSlices(
  services: RunServices,
  ref: RunsRef,
  until: number,
  lost: LostRange | null,
): Promise<void> {
  const { log, codec, checkpoints, graceMs } = services;
  const stored = await checkpoints.read(runsCheckpoint(ref));
  let state = stored === null ? null : (stored.value as RunsState);
  let version = stored?.version ?? null;
  if (state !== null && state.sliceEnd >= until) return;
  let collector = new PieceCollector();
  let position = state?.position ?? null;
  let groupsRevision = state?.groupsRevision ?? 0;
  let gaps = withLost(state?.gaps ?? [], lost);
  let lastEnqueuedTime = state?.lastEnqueuedTime ?? null;
  const finish = async (from: RunsState, place: LogPlace | null): Promise<RunsState> => {
    const sliceEnd = from.sliceEnd + PIECE_MS;
    // Never back: with a shorter grace period than before, rows would count in two slices.
    const until = Math.max(from.until, sliceEnd + graceMs);
    const reached = { place, sliceEnd, until, lastEnqueuedTime, position };
    const state = { ...from, ...reached, groupsRevision, gaps };
    const next = await writeSlice(services, ref, state, collector);
    collector = new PieceCollector();
    version = await checkpoints.write(runsCheckpoint(ref), next, version);
    if (version === null) throw new RunsTakenError(`runs of ${runsCheckpoint(ref)} were taken`);
    return next;
  };
  let place = state?.place ?? null;
  for await (const { block, file, offset, isBehindCut } of forward(log, ref, place, codec)) {
    const { header } = block;
    place = { file, offset };
    if (header.kind === 'close') {
      // Nothing of this file is left to be read: retention may take it.
      place = { file: header.next, offset: 0 };
      continue;
    }
    state ??= beginning(header.firstEnqueuedTime, graceMs);
    const end = header.firstEnqueuedTime;
    // What a stream still held when it was made again, nobody knows.
    const isAgain = position !== null && position.epoch !== header.epoch;
    const hasLost = header.lost !== null || isAgain || isBehindCut;
    if (hasLost && end >= state.until && gaps.at(-1)?.end !== end) {
      // Of what retention took nothing is known but what stands in runs.
      const known = isBehindCut && position !== null ? state.until : lastEnqueuedTime;
      gaps = [...gaps, { start: known ?? 0, end }].slice(-MAX_GAPS);
    }
    lastEnqueuedTime = header.lastEnqueuedTime;
    const rows = placed(ref, place, () => readRows({ ...block, header }, codec));
    for (let row = 0; row < rows.count; row++) {
      const time = rows.enqueuedTime[row]!;
      if (time < state.until) continue; // In the slice before, or a block that lies across.
      while (time >= state.sliceEnd + PIECE_MS + graceMs) {
        state = await finish(state, place);
        if (state.sliceEnd >= until) return;
      }
      collector.add(rows, row);
      position = { epoch: header.epoch, sequence: header.fromSequence + row };
    }
    groupsRevision = header.groupsRevision;
    place = { file, offset: offset + block.lengthBytes };
  }
  while (state !== null && state.sliceEnd < until) state = await finish(state, place);
}

/** From the place on; where retention took its file, from what is left. The first block behind what retention took is marked. */
async function* forward(
  log: ActivityLog,
  ref: PartitionRef,
  from: LogPlace | null,
  codec: BlockCodec,
): AsyncGenerator<PlacedBlock & { readonly isBehindCut: boolean }> {
  let begun = false;
  try {
    for await (const one of readForward(log, ref, from, codec)) {
      yield { ...one, isBehindCut: !begun && one.file !== (from?.file ?? FIRST_FILE) };
      begun = true;
    }
  } catch (error) {
    if (begun || !(error instanceof LogFileGoneError)) throw error;
    for await (const one of readForward(log, ref, null, codec)) {
      yield { ...one, isBehindCut: !begun };
      begun = true;
    }
  }
}

/** The state before the slice of the log's first row. */
function beginning(firstEnqueuedTime: number, graceMs: number): RunsState {
  const sliceEnd = alignedDown(firstEnqueuedTime - graceMs, PIECE_MS);
  return {
    place: null,
    sliceEnd,
    until: sliceEnd + graceMs,
    lastEnqueuedTime: null,
    position: null,
    groupsRevision: 0,
    unmerged: LEVELS.slice(1).map(() => []),
    known: null,
    unknown: [],
    gaps: [],
    late: [],
  };
}

async function writeSlice(
  services: RunServices,
  ref: RunsRef,
  state: RunsState,
  collector: PieceCollector,
): Promise<RunsState> {
  const { runs, codec } = services;
  const { stream, partition } = ref;
  const { sliceEnd, position, groupsRevision } = state;
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
    const header = { stream, partition, piece, sliceEnd, position, groupsRevision };
    await writeRun(runs, name, header, [devices], codec);
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
    const { stream, partition } = ref;
    const header = { stream, partition, piece: null, sliceEnd, position, groupsRevision };
    const devices = mergeActivities(beforeKnown.map(inOne));
    await writeRun(runs, lateName(ref, sliceEnd), header, allWithoutCounts(devices), codec);
  }
  return next;
}

async function* inOne(devices: readonly DeviceActivity[]): Activities {
  yield devices;
}

/** Merges what waits below the level into one run for each of its pieces. */
async function mergeLevel(
  { runs, codec }: RunServices,
  ref: RunsRef,
  state: RunsState,
  index: number,
): Promise<{ readonly state: RunsState; readonly written: readonly string[] }> {
  const { stream, partition } = ref;
  const { sliceEnd, position, groupsRevision, unmerged } = state;
  const level = LEVELS[index]!;
  const pieces = Map.groupBy(unmerged[index - 1]!, (name) =>
    alignedDown(parseRunName(name).pieceStart, level.size),
  );
  const written: string[] = [];
  for (const [start, names] of [...pieces].sort(([a], [b]) => a - b)) {
    const name = runName(ref, level, start, sliceEnd);
    const piece = { start, end: start + level.size };
    const header = { stream, partition, piece, sliceEnd, position, groupsRevision };
    const merged = mergeActivities(names.map((each) => readRun(runs, each, codec)));
    await writeRun(runs, name, header, merged, codec);
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
  const { stream, partition } = ref;
  const { sliceEnd, position, groupsRevision } = state;
  const isPast = (name: string) => parseRunName(name).pieceStart < sliceEnd;
  const fresh = state.unknown.filter(isPast);
  // Once a day in any case: who looks for the newest lists a day.
  if (fresh.length === 0 && (state.known === null || sliceEnd % DAY_MS !== 0)) return state;
  const fewest = [...hours.filter(isPast), ...fresh.filter((name) => !merged.has(name))];
  const name = knownName(ref, sliceEnd);
  const sources = [...(state.known === null ? [] : [state.known]), ...fewest];
  const devices = mergeActivities(sources.map((each) => readRun(runs, each, codec)));
  const header = { stream, partition, piece: null, sliceEnd, position, groupsRevision };
  await writeRun(runs, name, header, allWithoutCounts(devices), codec);
  return { ...state, known: name, unknown: state.unknown.filter((each) => !isPast(each)) };
}

async function* allWithoutCounts(activities: Activities): Activities {
  for await (const devices of activities) yield devices.map(withoutCounts);
}
