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
import { readForward } from '../log/read-log.ts';
import type { EvaluationServices, WindowSummary } from './evaluate-window.ts';
import { CLOCK_SLACK_MS, type ProgressServices } from './progress.ts';
import { stampOf } from './run-files.ts';

export interface WindowServices extends EvaluationServices, ProgressServices {
  readonly groups: SecurityGroups;
}

/** What the timer keeps between runs: from when windows are judged, and the start of the first window of each size that is not done. */
interface WindowPlan {
  /** ISO 8601. */
  readonly from: string;
  /** By size in milliseconds. */
  readonly next: Readonly<Record<string, string>>;
}

/** What is kept of one window: the groups and rules that it is held to, and in the end what came of it. */
export interface WindowRecord {
  readonly groups: GroupSet;
  readonly done: WindowSummary | null;
}

const PLAN = 'windows/plan';
/** Of one size at a time: enough to catch up with a day in minutes, not so many that they starve each other. */
const MAX_AT_ONCE = 24;
/** As long as this after a window should have been closed, messages may wait without a word. */
const LAG_MS = 10 * MINUTE_MS;

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
  const over = clock.now() - graceMs - CLOCK_SLACK_MS;
  const due: Window[] = [];
  const next: Record<string, string> = {};
  // Windows of five minutes are always closed: what devices did is kept by them, whether or not a rule asks.
  for (const size of new Set([PIECE_MS, ...windowSizes(set)])) {
    let start = startOf(plan, size, clock.now());
    while (start + size <= over && (await isDone(services, start, size))) start += size;
    next[size] = formatInstant(start);
    for (let at = start; at + size <= over && at < start + MAX_AT_ONCE * size; at += size) {
      const window = { start: at, end: at + size };
      await pin(services, window, set);
      if (!(await isDone(services, at, size))) due.push(window);
    }
  }
  // Somebody else's run may be first: it found the same.
  await checkpoints.write(PLAN, { ...plan, next } satisfies WindowPlan, stored?.version ?? null);
  await tellLag(services, parseInstant(next[PIECE_MS]!)!);
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
  if (record.done === null) await checkpoints.write(name, { ...record, done }, stored.version);
}

/** Judges from `from` on, for a replay that begins in the middle of things; does nothing where windows are judged already. */
export async function judgeFrom(
  { checkpoints }: Pick<WindowServices, 'checkpoints'>,
  from: number,
): Promise<void> {
  await checkpoints.write(PLAN, { from: formatInstant(from), next: {} } satisfies WindowPlan, null);
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
  return first === Infinity ? null : { from: formatInstant(alignedUp(first, PIECE_MS)), next: {} };
}

/** A size that a new rule asks for begins with the window that is open: the past was not to be held to it. */
function startOf({ from, next }: WindowPlan, size: number, now: number): number {
  const begun = next[size];
  if (begun !== undefined) return parseInstant(begun)!;
  const first = alignedUp(parseInstant(from)!, size);
  return Object.keys(next).length === 0 ? first : Math.max(first, alignedDown(now, size));
}

async function isDone(services: WindowServices, start: number, size: number): Promise<boolean> {
  const stored = await services.checkpoints.read(windowRecordName({ start, end: start + size }));
  return stored !== null && (stored.value as WindowRecord).done !== null;
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
async function tellLag(services: WindowServices, first: number): Promise<void> {
  const { alerts, clock, hub, graceMs } = services;
  const finding = {
    alertType: ingestLag.alertType,
    component: 'ingest',
    key: 'windows',
    severity: ingestLag.severity,
    facts: { since: formatInstant(first) },
  };
  const key = platformKey(finding);
  const id = alertIdOf(hub, key);
  const isLate = clock.now() > first + PIECE_MS + graceMs + CLOCK_SLACK_MS + LAG_MS;
  const stored = await alerts.read(partitionKeyOf(key), id);
  const stands = stored !== null && stored.alert.status !== 'resolved';
  if (isLate && !stands) await raisePlatformAlert(alerts, hub, finding, clock.now(), true);
  if (!isLate && stands) {
    await changeAlert(alerts, partitionKeyOf(key), id, (alert) =>
      alert === null ? null : resolveAlert(alert, clock.now()),
    );
  }
}
