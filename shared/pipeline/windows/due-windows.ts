// Which windows are over and not evaluated yet, in order. What is due stands in checkpoints, not in the history of orchestrations: so
// a function app that was stopped for a day goes on where it was, and a window is evaluated with the groups it was begun with.
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import type { GroupSet } from '../../domain/security-group/security-group.ts';
import { windowSizes } from '../../domain/security-group/window-rules.ts';
import {
  MINUTE_MS,
  PIECE_MS,
  type Window,
  alignedDown,
  alignedUp,
} from '../../domain/window/window.ts';
import { platformKey, resolveAlert } from '../../domain/alert/alert.ts';
import { partitionKeyOf } from '../../domain/alert/identity.ts';
import type { SecurityGroups } from '../../ports/security-groups.ts';
import { ingestLag } from '../../rules/platform/ingest-lag.ts';
import { alertIdOf, changeAlert, raisePlatformAlert } from '../alerts.ts';
import type { OneAtATime } from '../one-at-a-time.ts';
import { readForward } from '../log/read-log.ts';
import type { EvaluationServices } from './evaluate-window.ts';
import { CLOCK_SLACK_MS, IN_FLIGHT_MS, type ProgressServices } from './progress.ts';
import { stampOf } from './run-files.ts';
import type { WindowSummary } from './window-summary.ts';

export interface WindowServices extends EvaluationServices, ProgressServices {
  readonly groups: SecurityGroups;
  readonly oneAtATime: OneAtATime;
}

/** What the timer keeps between runs: from when windows are judged, and by size in milliseconds which comes next. Times are ISO 8601. */
interface WindowPlan {
  readonly from: string;
  /** Windows that end later are not judged; null: there is no end. */
  readonly until: string | null;
  /** The start of the first window of the size that ever was begun. */
  readonly begun: Readonly<Record<string, string>>;
  /** The start of the first one that is not done. */
  readonly next: Readonly<Record<string, string>>;
  /** Rises when everything is to be done again: what was done in an earlier one does not count. */
  readonly generation: number;
  /** Windows of five minutes before this were done already, and are being done again; null: none are. */
  readonly againUntil: string | null;
}

/** What is kept of one window: the groups and rules that it is held to, and in the end what came of it. */
export interface WindowRecord {
  readonly groups: GroupSet;
  readonly done: (WindowSummary & { readonly generation: number }) | null;
}

const PLAN = 'windows/plan';
/** Of one size at a time: enough to catch up with a day in minutes, not so many that they starve each other. */
const MAX_AT_ONCE = 24;
/** As long as this after a window should have been closed, messages may wait without a word. A stream that was made again takes most of it. */
const LAG_MS = IN_FLIGHT_MS + 5 * MINUTE_MS;

export function windowRecordName(window: Window): string {
  return `windows/${sizeAndStart(window, '/')}`;
}

/** The instance id of the window's orchestration. */
export function windowId(window: Window): string {
  return `window-${sizeAndStart(window, '-')}`;
}

function sizeAndStart({ start, end }: Window, between: string): string {
  return `${(end - start) / MINUTE_MS}m${between}${stampOf(start)}`;
}

/** Windows that are over by the clock and not done, in order of their ends. Their groups are pinned: later runs give the same. */
export async function dueWindows(services: WindowServices): Promise<readonly Window[]> {
  const { checkpoints, groups, clock, graceMs } = services;
  const set = await groups.current();
  const stored = await checkpoints.read(PLAN);
  const plan = (stored?.value ?? (await newPlan(services))) as WindowPlan | null;
  if (plan === null) return [];
  const over = Math.min(
    clock.now() - graceMs - CLOCK_SLACK_MS,
    plan.until === null ? Infinity : parseInstant(plan.until)!,
  );
  const due: Window[] = [];
  const next: Record<string, string> = {};
  const begun = { ...plan.begun };
  // Windows of five minutes are always closed: what devices did is kept by them, whether or not a rule asks.
  for (const size of new Set([PIECE_MS, ...windowSizes(set)])) {
    let start = startOf(plan, size, clock.now());
    begun[size] ??= formatInstant(start);
    while (start + size <= over && (await isDone(services, plan, start, size))) start += size;
    next[size] = formatInstant(start);
    for (let at = start; at + size <= over && at < start + MAX_AT_ONCE * size; at += size) {
      const window = { start: at, end: at + size };
      await pin(services, window, set);
      if (!(await isDone(services, plan, at, size))) due.push(window);
    }
  }
  // Where somebody else's run was first, the windows are those that it found: a first plan depends on when the log was read.
  const written: WindowPlan = { ...plan, begun, next };
  if ((await checkpoints.write(PLAN, written, stored?.version ?? null)) === null) return [];
  // Windows of the past, that somebody plays or makes again, do not wait for messages.
  const isPast = plan.againUntil !== null && next[PIECE_MS]! < plan.againUntil;
  if (plan.until === null && !isPast) await tellLag(services, next[PIECE_MS]!);
  return due.sort((a, b) => a.end - b.end || a.start - b.start);
}

/** The groups that a window is held to. */
export async function groupsOfWindow(
  { checkpoints }: Pick<WindowServices, 'checkpoints'>,
  window: Window,
): Promise<GroupSet> {
  const stored = await checkpoints.read(windowRecordName(window));
  if (stored === null) throw new Error(`window ${windowRecordName(window)} was never begun`);
  return (stored.value as WindowRecord).groups;
}

/** After every partition: the window is not due again. */
export async function finishWindow(
  { checkpoints }: Pick<WindowServices, 'checkpoints'>,
  window: Window,
  done: WindowSummary,
): Promise<void> {
  const name = windowRecordName(window);
  const stored = await checkpoints.read(name);
  if (stored === null) throw new Error(`window ${name} was never begun`);
  const record = stored.value as WindowRecord;
  const { generation } = ((await checkpoints.read(PLAN))?.value ?? { generation: 0 }) as WindowPlan;
  if (record.done?.generation === generation) return;
  await checkpoints.write(name, { ...record, done: { ...done, generation } }, stored.version);
}

/**
 * Judges windows from `from` to `until` only: for a replay, and for a sample that is older than the clock. Equal ones judge nothing yet.
 * Does nothing where windows are judged already.
 */
export async function judgeBetween(
  { checkpoints }: Pick<WindowServices, 'checkpoints'>,
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
}: Pick<WindowServices, 'checkpoints'>): Promise<boolean> {
  const plan = (await checkpoints.read(PLAN))?.value as WindowPlan | undefined;
  const until = plan === undefined || plan.until === null ? Infinity : parseInstant(plan.until)!;
  const next = Object.entries(plan?.next ?? {});
  return (
    next.length > 0 && next.every(([size, start]) => parseInstant(start)! + Number(size) > until)
  );
}

/**
 * Every window that was ever begun is due again, as far back as the log reaches: one of which a part is gone would be judged by too
 * little. Windows keep the groups that they were begun with.
 */
export async function judgeAgain(services: WindowServices): Promise<void> {
  const { checkpoints } = services;
  const stored = await checkpoints.read(PLAN);
  const logged = await newPlan(services);
  if (stored === null || logged === null) return;
  const plan = stored.value as WindowPlan;
  const from = Math.max(parseInstant(plan.from)!, parseInstant(logged.from)!);
  const next = Object.fromEntries(
    Object.entries(plan.begun).map(([size, start]) => {
      const first = alignedUp(Math.max(from, parseInstant(start)!), Number(size));
      return [size, formatInstant(first)];
    }),
  );
  const reached = plan.next[PIECE_MS] ?? null;
  const againUntil =
    plan.againUntil !== null && (reached === null || plan.againUntil > reached)
      ? plan.againUntil
      : reached;
  const again: WindowPlan = { ...plan, next, generation: plan.generation + 1, againUntil };
  if ((await checkpoints.write(PLAN, again, stored.version)) === null) {
    throw new PlanTakenError('the windows were planned by another run at the same time');
  }
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
    againUntil: null,
  };
}

/** A window is judged whole: the first one begins at or after the first message that was ever read. Null before there is one. */
async function newPlan({ log, codec }: WindowServices): Promise<WindowPlan | null> {
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

/** A size that a new rule asks for begins with the window that is open: the past was not to be held to it. */
function startOf({ from, next }: WindowPlan, size: number, now: number): number {
  const begun = next[size];
  if (begun !== undefined) return parseInstant(begun)!;
  const first = alignedUp(parseInstant(from)!, size);
  return Object.keys(next).length === 0 ? first : Math.max(first, alignedDown(now, size));
}

async function isDone(
  { checkpoints }: WindowServices,
  { generation }: WindowPlan,
  start: number,
  size: number,
): Promise<boolean> {
  const stored = await checkpoints.read(windowRecordName({ start, end: start + size }));
  return (stored?.value as WindowRecord | undefined)?.done?.generation === generation;
}

async function pin(services: WindowServices, window: Window, groups: GroupSet): Promise<void> {
  const size = window.end - window.start;
  // What other sizes and other rules say is no matter of this window, and a list may have thousands of values.
  const concerned = groups.groups.map((group) => ({
    name: group.name,
    timeWindowRules: group.timeWindowRules.filter(
      (rule) => rule.isEnabled && rule.windowMs === size,
    ),
    allowlistRules: [],
    denylistRules: [],
  }));
  const record: WindowRecord = { groups: { ...groups, groups: concerned }, done: null };
  await services.checkpoints.write(windowRecordName(window), record, null);
}

/** One alert for all windows that wait; it resolves when they are closed in time again. */
async function tellLag(services: WindowServices, first: string): Promise<void> {
  const { alerts, clock, hub, graceMs } = services;
  const due = parseInstant(first)! + PIECE_MS + graceMs + CLOCK_SLACK_MS;
  const finding = {
    alertType: ingestLag.alertType,
    component: 'ingest',
    key: 'windows',
    severity: ingestLag.severity,
    facts: { since: first },
  };
  const key = platformKey(finding);
  const id = alertIdOf(hub, key);
  const isLate = clock.now() > due + LAG_MS;
  const stored = await alerts.read(partitionKeyOf(key), id);
  const stands = stored !== null && stored.alert.status !== 'resolved';
  if (isLate && !stands) await raisePlatformAlert(alerts, hub, finding, clock.now(), true);
  if (!isLate && stands) {
    await changeAlert(alerts, partitionKeyOf(key), id, (alert) =>
      alert === null ? null : resolveAlert(alert, clock.now()),
    );
  }
}
