// From when windows are judged, and which comes next. This stands in a checkpoint, not in the history of orchestrations: so a function
// app that was stopped for a day goes on where it was.
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import { PIECE_MS, type Window, alignedDown, alignedUp } from '../../domain/window/window.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import type { ActivityLog } from '../../ports/activity-log.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import { readForward } from '../log/read-log.ts';

/** A window as one generation of runs tells of it. */
export interface WindowTask extends Window {
  readonly generation: number;
}

/** By size are: by the size of windows in milliseconds. Times are ISO 8601. */
export interface WindowPlan {
  readonly from: string;
  /** Windows that end later are not judged; null: there is no end. */
  readonly until: string | null;
  /** By size: the start of the first window that ever was begun. */
  readonly begun: Readonly<Record<string, string>>;
  /** By size: the start of the first one that is not done. */
  readonly next: Readonly<Record<string, string>>;
  /** Rises when everything is made again: what was done or written in an earlier one does not count. */
  readonly generation: number;
  /** By size: where `next` was when everything began to be made again. Windows before are those that there were, no others. */
  readonly again: Readonly<Record<string, string>>;
}

export interface PlanServices {
  readonly checkpoints: Checkpoints;
  readonly log: ActivityLog;
  readonly codec: BlockCodec;
}

const PLAN = 'windows/plan';

/** Null before there is a message. A version of null: it is not written yet. */
export async function readPlan(
  services: PlanServices,
): Promise<{ readonly plan: WindowPlan; readonly version: string | null } | null> {
  const stored = await services.checkpoints.read(PLAN);
  if (stored !== null) return { plan: stored.value as WindowPlan, version: stored.version };
  const plan = await newPlan(services);
  return plan === null ? null : { plan, version: null };
}

/** False where somebody else changed it since it was read. */
export async function writePlan(
  { checkpoints }: Pick<PlanServices, 'checkpoints'>,
  plan: WindowPlan,
  version: string | null,
): Promise<boolean> {
  return (await checkpoints.write(PLAN, plan, version)) !== null;
}

/** The generation of runs that is written and read now. */
export async function currentGeneration({
  checkpoints,
}: Pick<PlanServices, 'checkpoints'>): Promise<number> {
  const stored = await checkpoints.read(PLAN);
  return stored === null ? 0 : (stored.value as WindowPlan).generation;
}

/** Where windows of that size are made again, they are so far; null: they are not. */
export function againUntil({ again, next }: WindowPlan, size: number): number | null {
  const [until, at] = [again[size], next[size]];
  return until === undefined || at === undefined || at >= until ? null : parseInstant(until)!;
}

/** Whether windows of any size are made again so far. */
export function isMadeAgain(plan: WindowPlan): boolean {
  return Object.keys(plan.next).some((size) => againUntil(plan, Number(size)) !== null);
}

/**
 * The start of the first window of that size that is not done. A size that a new rule asks for begins with the window that is open: the
 * past was not to be held to it.
 */
export function nextStart({ from, next }: WindowPlan, size: number, now: number): number {
  const known = next[size];
  if (known !== undefined) return parseInstant(known)!;
  const first = alignedUp(parseInstant(from)!, size);
  return Object.keys(next).length === 0 ? first : Math.max(first, alignedDown(now, size));
}

/**
 * Judges windows from `from` to `until` only: for a replay, and for a sample that is older than the clock. Equal ones judge nothing yet.
 * Does nothing where windows are judged already.
 */
export async function judgeBetween(
  { checkpoints }: Pick<PlanServices, 'checkpoints'>,
  from: number,
  until: number,
): Promise<void> {
  const stored = await checkpoints.read(PLAN);
  const before = stored?.value as WindowPlan | undefined;
  if (before !== undefined && before.from !== before.until) return;
  await checkpoints.write(PLAN, emptyPlan(from, until), stored?.version ?? null);
}

/** Whether every window that is to be judged at all is done; false where there is no end. */
export async function allWindowsDone({
  checkpoints,
}: Pick<PlanServices, 'checkpoints'>): Promise<boolean> {
  const plan = (await checkpoints.read(PLAN))?.value as WindowPlan | undefined;
  const until = plan === undefined || plan.until === null ? Infinity : parseInstant(plan.until)!;
  const next = Object.entries(plan?.next ?? {});
  return (
    next.length > 0 && next.every(([size, start]) => parseInstant(start)! + Number(size) > until)
  );
}

/**
 * Every window that was ever begun is due again, as far back as the log reaches, in a new generation: it is given. Windows keep the
 * groups that they were begun with.
 */
export async function judgeAgain(services: PlanServices): Promise<number> {
  const stored = await readPlan(services);
  const logged = await newPlan(services);
  if (stored === null || stored.version === null || logged === null) return 0;
  const { plan, version } = stored;
  const from = Math.max(parseInstant(plan.from)!, parseInstant(logged.from)!);
  const next: Record<string, string> = {};
  const again: Record<string, string> = {};
  for (const [size, start] of Object.entries(plan.begun)) {
    next[size] = formatInstant(alignedUp(Math.max(from, parseInstant(start)!), Number(size)));
    // Of a size that no rule asks for any more nothing is known but that its windows lie before those of five minutes that are open.
    const reached = plan.next[size] ?? plan.next[PIECE_MS] ?? plan.from;
    const before = againUntil(plan, Number(size)) === null ? undefined : plan.again[size];
    again[size] = before !== undefined && before > reached ? before : reached;
  }
  const generation = plan.generation + 1;
  if (!(await writePlan(services, { ...plan, next, again, generation }, version))) {
    throw new PlanTakenError('the windows were planned by another run at the same time');
  }
  return generation;
}

/** Somebody else changed the plan between reading and writing it; asking again helps. */
export class PlanTakenError extends Error {
  readonly code = 'PLAN_TAKEN';
}

function emptyPlan(from: number, until: number | null): WindowPlan {
  return {
    from: formatInstant(from),
    until: until === null ? null : formatInstant(until),
    begun: {},
    next: {},
    generation: 0,
    again: {},
  };
}

/** A window is judged whole: the first one begins at or after the first message that was ever read. Null before there is one. */
async function newPlan({ log, codec }: PlanServices): Promise<WindowPlan | null> {
  let first = Infinity;
  for (const ref of await log.partitions()) {
    for await (const { block } of readForward(log, ref, null, codec)) {
      if (block.header.kind === 'close') continue;
      first = Math.min(first, block.header.firstHubTime);
      break;
    }
  }
  return first === Infinity ? null : emptyPlan(alignedUp(first, PIECE_MS), null);
}
