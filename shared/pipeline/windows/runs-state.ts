// How far the runs of a partition are written, and what is known of their time beside them.
import type { LogPosition } from '../../domain/alert/position.ts';
import { PIECE_MS, type Window, alignedDown } from '../../domain/window/window.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import type { ActivityLog } from '../../ports/activity-log.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import type { Runs } from '../../ports/runs.ts';
import type { LogPlace } from '../log/read-log.ts';
import type { LostRange } from './progress.ts';
import { LEVELS, type RunsRef } from './run-files.ts';

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

export function runsCheckpoint({ generation, stream, partition }: RunsRef): string {
  return `runs/${generation}/${stream}/${partition}`;
}

export const MAX_GAPS = 256;

/** The state before the slice of the log's first row. */
export function beginning(firstEnqueuedTime: number, graceMs: number): RunsState {
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

/**
 * Whether messages of the window may have been lost before they were read. The runs up to the window's end must be written; `lost` is
 * what they do not tell yet.
 */
export function mayHaveLost(
  state: RunsState | null,
  window: Window,
  graceMs: number,
  lost: LostRange | null,
): boolean {
  return withLost(state?.gaps ?? [], lost).some(
    ({ start, end }) => start < window.end + graceMs && end > window.start,
  );
}

/** Where only the first look told when messages were lost at the latest, its word stands: what came later was there to be seen. */
export function withLost(gaps: readonly Window[], lost: LostRange | null): readonly Window[] {
  if (lost === null) return gaps;
  const known = gaps.find(({ start }) => start === lost.start);
  if (known !== undefined && !lost.isExact) return gaps;
  const { start, end } = lost;
  return [...gaps.filter((gap) => gap !== known), { start, end }].slice(-MAX_GAPS);
}

/** How many messages the slice brought that came too late for their window of five minutes; it must be written, and not long ago. */
export function lateIn(state: RunsState | null, sliceEnd: number): number {
  return state?.late.find((one) => one.sliceEnd === sliceEnd)?.messages ?? 0;
}
