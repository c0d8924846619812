// Which windows are over and not evaluated yet, in order, and what is kept of each: the groups that it is held to, and what came of it.
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import type { GroupSet } from '../../domain/security-group/security-group.ts';
import { windowSizes } from '../../domain/security-group/window-rules.ts';
import { DAY_MS, MINUTE_MS, PIECE_MS, type Window, alignedUp } from '../../domain/window/window.ts';
import type { SecurityGroups } from '../../ports/security-groups.ts';
import type { OneAtATime } from '../one-at-a-time.ts';
import type { EvaluationServices } from './evaluate-window.ts';
import { CLOCK_SLACK_MS, type ProgressServices } from './progress.ts';
import { stampOf } from './run-files.ts';
import {
  type WindowPlan,
  type WindowTask,
  againUntil,
  isMadeAgain,
  nextStart,
  readPlan,
  writePlan,
} from './window-plan.ts';
import { tellLag } from './windows-lag.ts';
import type { WindowSummary } from './window-summary.ts';

export interface WindowServices extends EvaluationServices, ProgressServices {
  readonly groups: SecurityGroups;
  readonly oneAtATime: OneAtATime;
}

/** What is kept of one window: the groups and rules that it is held to, and in the end what came of it. */
export interface WindowRecord {
  readonly groups: GroupSet;
  readonly done: (WindowSummary & { readonly generation: number }) | null;
}

/**
 * Of one size at a time, and no more than a day: enough to catch up with one in minutes, not so many that they starve each other.
 */
const MAX_AT_ONCE = 24;
/** Of one size in one run: what was done already is passed over, a record at a time. */
const MAX_PASSED = 512;

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
export async function dueWindows(services: WindowServices): Promise<readonly WindowTask[]> {
  const { groups, clock, graceMs } = services;
  const set = await groups.current();
  const stored = await readPlan(services);
  if (stored === null) return [];
  const { plan, version } = stored;
  const until = plan.until === null ? Infinity : parseInstant(plan.until)!;
  const byClock = clock.now() - graceMs - CLOCK_SLACK_MS;
  // One that ends inside five minutes is closed with them: asking sooner would be for nothing.
  const isOver = (end: number) => end <= until && alignedUp(end, PIECE_MS) <= byClock;
  const due: WindowTask[] = [];
  const next: Record<string, string> = {};
  const begun = { ...plan.begun };
  for (const size of sizesOf(plan, set)) {
    const start = nextStart(plan, size, clock.now());
    begun[size] ??= formatInstant(start);
    const found = await dueOfSize(services, plan, set, size, start, isOver);
    next[size] = formatInstant(found.next);
    due.push(...found.due);
  }
  const written: WindowPlan = { ...plan, begun, next };
  // Where somebody else's run was first, the windows are those that it found: a first plan depends on when the log was read.
  if (!(await writePlan(services, written, version))) return [];
  // Windows of the past, that somebody plays or makes again, do not wait for messages.
  if (plan.until === null && againUntil(written, PIECE_MS) === null) {
    await tellLag(services, parseInstant(next[PIECE_MS]!)!);
  }
  return due.sort((a, b) => a.end - b.end || a.start - b.start);
}

/** Of those that are due the ones that a rebuild has to make again; null when it has made all. */
export async function windowsMadeAgain(
  services: WindowServices,
): Promise<readonly WindowTask[] | null> {
  const due = await dueWindows(services);
  const stored = await readPlan(services);
  if (stored === null || !isMadeAgain(stored.plan)) return null;
  return due.filter(
    ({ start, end }) => start < (againUntil(stored.plan, end - start) ?? -Infinity),
  );
}

/**
 * Windows of five minutes are always closed: what devices did is kept by them, whether or not a rule asks. While everything is made
 * again, those are too that nobody asks for any more.
 */
function sizesOf(plan: WindowPlan, set: GroupSet): ReadonlySet<number> {
  const again = Object.keys(plan.next).map(Number);
  return new Set([
    PIECE_MS,
    ...windowSizes(set),
    ...again.filter((size) => againUntil(plan, size) !== null),
  ]);
}

async function dueOfSize(
  services: WindowServices,
  plan: WindowPlan,
  set: GroupSet,
  size: number,
  start: number,
  isOver: (end: number) => boolean,
): Promise<{ readonly due: readonly WindowTask[]; readonly next: number }> {
  const { generation } = plan;
  const again = againUntil(plan, size) ?? -Infinity;
  const due: WindowTask[] = [];
  let next = start;
  for (let at = start, passed = 0; isOver(at + size) && passed < MAX_PASSED; at += size) {
    // Until the first one that is not done is, nothing behind what is at once is looked at.
    if (at > next && at + size > next + Math.min(MAX_AT_ONCE * size, DAY_MS)) break;
    const window = { start: at, end: at + size };
    const record = await recordOf(services, window);
    // What was not there before is not made again: no rule asked for it then.
    const wasNot = record === null && at < again && size !== PIECE_MS;
    if (wasNot || record?.done?.generation === generation) {
      if (at === next) next += size;
      passed++;
      continue;
    }
    if (record === null) await pin(services, window, set);
    due.push({ ...window, generation });
  }
  return { due, next };
}

/** The groups that a window is held to. */
export async function groupsOfWindow(
  services: Pick<WindowServices, 'checkpoints'>,
  window: Window,
): Promise<GroupSet> {
  const record = await recordOf(services, window);
  if (record === null) throw new Error(`window ${windowRecordName(window)} was never begun`);
  return record.groups;
}

/** After every partition: the window is not due again, unless a later generation makes it so. */
export async function finishWindow(
  { checkpoints }: Pick<WindowServices, 'checkpoints'>,
  window: WindowTask,
  summary: WindowSummary,
): Promise<void> {
  const name = windowRecordName(window);
  const stored = await checkpoints.read(name);
  if (stored === null) throw new Error(`window ${name} was never begun`);
  const record = stored.value as WindowRecord;
  const { generation } = window;
  if (record.done !== null && record.done.generation >= generation) return;
  await checkpoints.write(name, { ...record, done: { ...summary, generation } }, stored.version);
}

async function recordOf(
  { checkpoints }: Pick<WindowServices, 'checkpoints'>,
  window: Window,
): Promise<WindowRecord | null> {
  const stored = await checkpoints.read(windowRecordName(window));
  return (stored?.value ?? null) as WindowRecord | null;
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
