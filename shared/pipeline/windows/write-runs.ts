// A fold of one partition's log into runs. The log is cut into slices by Event Hubs time: the slice that ends at T holds the rows up
// to T + grace, five minutes of them. So what a slice gives is decided by the log alone, whoever reads it and when; writing it twice
// writes the same, and files that are there stay.
import { PIECE_MS } from '../../domain/window/window.ts';
import { readRows } from '../../format/activity-log/block.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import { type ActivityLog, LogFileGoneError, type PartitionRef } from '../../ports/activity-log.ts';
import { FIRST_FILE } from '../log/file-name.ts';
import { type LogPlace, type PlacedBlock, placed, readForward } from '../log/read-log.ts';
import { PieceCollector } from './collect-pieces.ts';
import type { LostRange } from './progress.ts';
import type { RunsRef } from './run-files.ts';
import {
  MAX_GAPS,
  type RunServices,
  type RunsState,
  beginning,
  runsCheckpoint,
  withLost,
} from './runs-state.ts';
import { writeSlice } from './write-slice.ts';

/** Another run of the same partition is ahead; what it wrote is what this one would have written. */
export class RunsTakenError extends Error {
  readonly code = 'RUNS_TAKEN';
}

/**
 * Writes the runs of every slice up to the one that ends at `until`, which the caller knows to be closed: no row of it can come any
 * more. Goes on where it stopped, slice by slice; where another one is ahead, from there. `lost` is what the stream says was destroyed
 * unread: kept with the slices, so that whoever judges their windows later knows it too. Gives how the runs stand; null: there is no log.
 */
export async function writeRuns(
  services: RunServices,
  ref: RunsRef,
  until: number,
  lost: LostRange | null = null,
): Promise<RunsState | null> {
  let reached = -Infinity;
  for (;;) {
    try {
      return await writeSlices(services, ref, until, lost);
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

async function writeSlices(
  services: RunServices,
  ref: RunsRef,
  until: number,
  lost: LostRange | null,
): Promise<RunsState | null> {
  const { log, codec, checkpoints, graceMs } = services;
  const stored = await checkpoints.read(runsCheckpoint(ref));
  let state = stored === null ? null : (stored.value as RunsState);
  let version = stored?.version ?? null;
  if (state !== null && state.sliceEnd >= until) return state;
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
        if (state.sliceEnd >= until) return state;
      }
      collector.add(rows, row);
      position = { epoch: header.epoch, sequence: header.fromSequence + row };
    }
    groupsRevision = header.groupsRevision;
    place = { file, offset: offset + block.lengthBytes };
  }
  while (state !== null && state.sliceEnd < until) state = await finish(state, place);
  return state;
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
