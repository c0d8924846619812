// Where runs stand, and how they are written and read. A run holds what the rows of one slice of the log tell about one piece of
// time: `{generation}/{stream}/{partition}/{level}/{start of the piece}/{end of the slice}`. A piece has the run of its own slice, one of the
// slice before (its first minutes were read there: a slice ends with the grace period), and one for each slice that brought late
// rows. So what a window counts is chosen by name: a window takes the runs of its pieces whose slice ends with it or before.
import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import {
  DAY_MS,
  HOUR_MS,
  PIECE_MS,
  type Window,
  alignedDown,
  alignedUp,
} from '../../domain/window/window.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import type { RunHeader } from '../../format/run/header.ts';
import { RunFormatError } from '../../format/run/layout.ts';
import { RunReader } from '../../format/run/read-run.ts';
import { RunWriter } from '../../format/run/write-run.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import type { Runs } from '../../ports/runs.ts';

/**
 * The runs of a partition. When everything is made again a new generation of them begins; nobody reads the ones before from then
 * on.
 */
export interface RunsRef extends PartitionRef {
  readonly generation: number;
}

/** Devices in order of id, some at a time. */
export type Activities = AsyncIterable<readonly DeviceActivity[]>;

/** A length of pieces: each is merged from runs of the level before. */
export interface Level {
  readonly name: string;
  readonly size: number;
  /** How much of a piece's stamp the names of a listing share. */
  readonly listedBy: number;
}

export const LEVELS: readonly Level[] = [
  { name: '5m', size: PIECE_MS, listedBy: 'yyyyMMddTHH'.length },
  { name: '1h', size: HOUR_MS, listedBy: 'yyyyMMdd'.length },
  { name: '1d', size: DAY_MS, listedBy: 'yyyyMM'.length },
];

export interface RunName {
  readonly name: string;
  readonly pieceStart: number;
  readonly sliceEnd: number;
}

export function runName(ref: RunsRef, level: Level, pieceStart: number, sliceEnd: number): string {
  return `${folderOf(ref)}${level.name}/${stampOf(pieceStart)}/${stampOf(sliceEnd)}`;
}

/** The name of the file of all devices that were known when a slice ended. */
export function knownName(ref: RunsRef, sliceEnd: number): string {
  return `${folderOf(ref)}known/${stampOf(sliceEnd)}`;
}

/** The name of the file of devices that a slice told of too late for the file of known devices before it. */
export function lateName(ref: RunsRef, sliceEnd: number): string {
  return `${folderOf(ref)}late/${stampOf(sliceEnd)}`;
}

/** When the slice of a file of known or of late devices ended. */
export function parseKnownName(name: string): number {
  return instantOfStamp(name.slice(name.lastIndexOf('/') + 1));
}

export function parseRunName(name: string): RunName {
  const [pieceStart, sliceEnd] = name.split('/').slice(-2).map(instantOfStamp);
  if (pieceStart === undefined || sliceEnd === undefined) throw notAName(name);
  return { name, pieceStart, sliceEnd };
}

/** The runs of one level that a window counts, which must begin and end with pieces of it. */
export async function runsOfWindow(
  runs: Runs,
  ref: RunsRef,
  level: Level,
  { start, end }: Window,
): Promise<readonly RunName[]> {
  // A day of runs of five minutes is some hundred names, one answer of a listing.
  const isLong = end - start > HOUR_MS;
  const listedBy = isLong ? Math.min(level.listedBy, 'yyyyMMdd'.length) : level.listedBy;
  const prefixes = new Set<string>();
  for (let piece = start; piece < end; piece += level.size) {
    prefixes.add(stampOf(piece).slice(0, listedBy));
  }
  const found: RunName[] = [];
  for (const prefix of prefixes) {
    const names = await runs.list(`${folderOf(ref)}${level.name}/${prefix}`);
    for (const run of names.map(parseRunName)) {
      if (run.pieceStart >= start && run.pieceStart < end && run.sliceEnd <= end) found.push(run);
    }
  }
  return found.sort(inOrder);
}

/**
 * What a window of whole pieces counts, in few runs: those of hours and days stand for the ones that they merged, where each of
 * these counts. All are open at once when they are merged: a day but five minutes would be some hundred otherwise.
 */
export async function fewestRuns(
  runs: Runs,
  ref: RunsRef,
  window: Window,
): Promise<readonly RunName[]> {
  const [pieces, ...longer] = LEVELS as [Level, ...Level[]];
  const fewest = new Map<string, RunName>();
  for (const run of await runsOfWindow(runs, ref, pieces, window)) {
    const standsFor = longer.map((level) => mergedInto(ref, level, run));
    const longest = standsFor.findLast(
      ({ pieceStart, pieceEnd, sliceEnd }) =>
        pieceStart >= window.start && pieceEnd <= window.end && sliceEnd <= window.end,
    );
    const chosen = longest ?? run;
    fewest.set(chosen.name, chosen);
  }
  return [...fewest.values()].sort(inOrder);
}

/** The run of a longer level that a run of five minutes is merged into, as soon as the slice that ends it is written. */
function mergedInto(
  ref: RunsRef,
  level: Level,
  run: RunName,
): RunName & { readonly pieceEnd: number } {
  const pieceStart = alignedDown(run.pieceStart, level.size);
  const sliceEnd = alignedUp(run.sliceEnd, level.size);
  const name = runName(ref, level, pieceStart, sliceEnd);
  return { name, pieceStart, pieceEnd: pieceStart + level.size, sliceEnd };
}

function inOrder(a: RunName, b: RunName): number {
  return a.sliceEnd - b.sliceEnd || a.pieceStart - b.pieceStart;
}

/** The newest file of known devices that a slice up to `until` left; null: nothing was known before. */
export async function lastKnown(
  runs: Runs,
  ref: RunsRef,
  until: number,
): Promise<{ readonly name: string; readonly sliceEnd: number } | null> {
  // One is written with every day's end at least, so a day's listing holds the newest.
  const day = stampOf(alignedDown(until, DAY_MS)).slice(0, 'yyyyMMdd'.length);
  let newest: { name: string; sliceEnd: number } | null = null;
  for (const name of await runs.list(`${folderOf(ref)}known/${day}`)) {
    const sliceEnd = parseKnownName(name);
    if (sliceEnd <= until) newest = { name, sliceEnd };
  }
  return newest;
}

/** The files of devices that came late for the file of known devices of `since`, in slices up to `until` of the same day. */
export async function lateSince(
  runs: Runs,
  ref: RunsRef,
  since: number,
  until: number,
): Promise<readonly string[]> {
  const day = stampOf(alignedDown(until - 1, DAY_MS)).slice(0, 'yyyyMMdd'.length);
  const names = await runs.list(`${folderOf(ref)}late/${day}`);
  return names.filter((name) => parseKnownName(name) > since && parseKnownName(name) <= until);
}

/** False where the run is there already. */
export async function writeRun(
  runs: Runs,
  name: string,
  header: RunHeader,
  devices: Activities | Iterable<readonly DeviceActivity[]>,
  codec: BlockCodec,
): Promise<boolean> {
  return runs.write(name, piecesOf(header, devices, codec));
}

export async function* readRun(runs: Runs, name: string, codec: BlockCodec): Activities {
  const pieces = await runs.read(name);
  if (pieces === null) throw new RunLostError(`run ${name} is gone`);
  const reader = new RunReader(codec);
  try {
    for await (const bytes of pieces) {
      const devices = reader.push(bytes);
      if (devices.length > 0) yield devices;
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof RunFormatError)) throw error;
    throw new RunFormatError(`run ${name}: ${error.message}`, { cause: error });
  }
}

/** A run that was written is not there: somebody removed it. `threadwatch rebuild` makes it again. */
export class RunLostError extends Error {
  readonly code = 'RUN_LOST';
}

async function* piecesOf(
  header: RunHeader,
  devices: Activities | Iterable<readonly DeviceActivity[]>,
  codec: BlockCodec,
): AsyncGenerator<Uint8Array> {
  const writer = new RunWriter(codec);
  yield writer.begin(header);
  for await (const some of devices) {
    for (const device of some) {
      const bytes = writer.add(device);
      if (bytes !== null) yield bytes;
    }
  }
  yield writer.end();
}

export function folderOf({ generation, stream, partition }: RunsRef): string {
  return `${folderOfGeneration(generation)}${stream}/${partition}/`;
}

export function folderOfGeneration(generation: number): string {
  return `${generation}/`;
}

/** `yyyyMMddTHHmm`: ascending names are ascending times. */
export function stampOf(time: number): string {
  return formatInstant(time).slice(0, 16).replaceAll(/[-:]/g, '');
}

function instantOfStamp(stamp: string): number {
  const [, yyyy, mm, dd, hour, minute] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)$/.exec(stamp) ?? [];
  const instant = parseInstant(`${yyyy}-${mm}-${dd}T${hour}:${minute}:00Z`);
  if (instant === null) throw notAName(stamp);
  return instant;
}

function notAName(name: string): RunFormatError {
  return new RunFormatError(`${name} is not the name of a run`);
}
