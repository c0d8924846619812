// Windows in the simulated world: function apps that run the timer and the orchestrations of windows over its faulty network, and an
// oracle that counts naively what the committed rows of each window say.
import type { Alert } from '../../shared/domain/alert/alert.ts';
import { formatIpv4 } from '../../shared/domain/address/address.ts';
import type { TimeWindowRule } from '../../shared/domain/security-group/security-group.ts';
import { parseInstant } from '../../shared/domain/time/instant.ts';
import {
  MINUTE_MS,
  PIECE_MS,
  type Window,
  alignedUp,
  holds,
} from '../../shared/domain/window/window.ts';
import { type ActivityRows, COUNTED } from '../../shared/format/activity-log/rows.ts';
import type { DataHeader } from '../../shared/format/activity-log/header.ts';
import { OneAtATime } from '../../shared/pipeline/one-at-a-time.ts';
import { closeWindow, judgeUnheard } from '../../shared/pipeline/windows/close-window.ts';
import {
  type WindowRecord,
  type WindowServices,
  dueWindows,
  finishWindow,
  windowId,
  windowRecordName,
} from '../../shared/pipeline/windows/due-windows.ts';
import {
  CLOCK_SLACK_MS,
  IN_FLIGHT_MS,
  allPartitions,
} from '../../shared/pipeline/windows/progress.ts';
import type { WindowTask } from '../../shared/pipeline/windows/window-plan.ts';
import { NOTHING_JUDGED, sumOf } from '../../shared/pipeline/windows/window-summary.ts';
import type { Checkpoints } from '../../shared/ports/checkpoints.ts';
import type { PartitionRef } from '../../shared/ports/activity-log.ts';

const SECOND = 1000;
const RULE_TYPE = 'ActiveConnectionsNotInAllowedRange';
const SIZES = [PIECE_MS, 3 * PIECE_MS] as const;
/**
 * What a window may take from when it can be closed: three runs of the timer that a crash made vain, and the polls between them.
 */
const TIME_TO_FINISH_MS = 5 * MINUTE_MS;
/** As the orchestration waits for a partition. */
const WAIT_MS = 30_000;
const ATTEMPTS = 8;

/** Bounds that what two devices of the world do falls out of now and then, on either side. */
export function someWindowRules(int: (n: number) => number): readonly TimeWindowRule[] {
  return SIZES.map((windowMs) => {
    const minThreshold = int(3);
    return {
      ruleType: RULE_TYPE,
      isEnabled: true,
      minThreshold,
      maxThreshold: minThreshold + int(3),
      timeWindowSize: `PT${windowMs / MINUTE_MS}M`,
      windowMs,
    };
  });
}

// ---- the actors -----------------------------------------------------------------------------------------------------------------------

/** One process that runs timers and activities; what it remembers dies with it. */
export interface WindowApp {
  readonly name: string;
  readonly services: WindowServices;
  readonly running: Set<string>;
}

export interface WindowActors {
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  readonly note: (text: string) => void;
  readonly isTransient: (error: unknown) => boolean;
}

export function windowApp(name: string, services: Omit<WindowServices, 'oneAtATime'>): WindowApp {
  return { name, services: { ...services, oneAtATime: new OneAtATime() }, running: new Set() };
}

/** One run of the timer: what is due and not on its way is begun. */
export async function runWindowTimer(app: WindowApp, actors: WindowActors): Promise<void> {
  const begun: Promise<void>[] = [];
  for (const window of await dueWindows(app.services)) {
    const id = windowId(window);
    if (app.running.has(id)) continue;
    app.running.add(id);
    begun.push(evaluate(app, actors, window).finally(() => app.running.delete(id)));
  }
  await Promise.all(begun);
}

/** What functions/orchestrations/evaluate-window.ts does, in the order of its activities. */
async function evaluate(app: WindowApp, actors: WindowActors, window: WindowTask): Promise<void> {
  const { services } = app;
  const activity = <T>(work: () => Promise<T>) => retried(actors, work);
  try {
    const closed: PartitionRef[] = [];
    let summary = NOTHING_JUDGED;
    for (;;) {
      const all = await activity(() => allPartitions(services));
      const isClosed = (one: PartitionRef) =>
        closed.some(
          ({ stream, partition }) => stream === one.stream && partition === one.partition,
        );
      const open = all.filter((one) => !isClosed(one));
      if (open.length === 0) break;
      const outcomes = await Promise.all(
        open.map((ref) => activity(() => closeWindow(services, ref, window))),
      );
      closed.push(...open.filter((_, i) => outcomes[i] !== null));
      summary = sumOf([summary, ...outcomes.filter((outcome) => outcome !== null)]);
      if (outcomes.includes(null)) await actors.sleep(WAIT_MS);
    }
    const unheard = await activity(() => judgeUnheard(services, closed, window, summary));
    summary = sumOf([summary, unheard]);
    await activity(() => finishWindow(services, window, summary));
    actors.note(`${app.name} has done ${windowId(window)}: ${summary.alerts} alerts`);
  } catch (error) {
    // The orchestration has failed; the timer begins it anew.
    actors.note(`${app.name} fails in ${windowId(window)}: ${(error as Error).message}`);
    throw error;
  }
}

export async function retried<T>(actors: WindowActors, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1, wait = 5; ; attempt++, wait = Math.min(60, wait * 2)) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !actors.isTransient(error)) throw error;
    }
    await actors.sleep(wait * (0.8 + actors.random() * 0.4) * SECOND);
  }
}

/** Everything that is due and closed, without faults. */
export async function closeAllDue(services: WindowServices): Promise<void> {
  for (;;) {
    let done = 0;
    for (const window of await dueWindows(services)) {
      const refs = await allPartitions(services);
      const outcomes = await Promise.all(refs.map((ref) => closeWindow(services, ref, window)));
      const closed = outcomes.filter((outcome) => outcome !== null);
      if (closed.length < refs.length) continue;
      const summary = sumOf(closed);
      await judgeUnheard(services, refs, window, summary);
      await finishWindow(services, window, summary);
      done++;
    }
    if (done === 0) return;
  }
}

// ---- the oracle -----------------------------------------------------------------------------------------------------------------------

/** What the world knows of its own. */
export interface WindowTruth {
  readonly hub: string;
  readonly graceMs: number;
  readonly partitions: readonly PartitionRef[];
  readonly blocks: readonly {
    readonly partition: string;
    readonly header: DataHeader;
    readonly rows: ActivityRows;
  }[];
  /** Messages that were destroyed before they were read, and are not in the log. */
  readonly destroyed: readonly {
    readonly partition: string;
    readonly enqueued: number;
    readonly hubTime: number;
    /** Nothing of its partition had been read: the log begins behind it, and does not tell of it. */
    readonly isBeforeFirst: boolean;
  }[];
  /** When the stream was made again; null: never. */
  readonly recreatedAt: number | null;
  /** Rules by revision of the groups, and until when it was the current one. */
  readonly rules: readonly { readonly rules: readonly TimeWindowRule[]; until: number }[];
  /** Devices of the registry; null: nobody read it. */
  readonly registered: readonly string[] | null;
  readonly checkpoints: Checkpoints;
  /** When the simulation ended. */
  readonly end: number;
}

interface Row {
  readonly partition: string;
  readonly device: string;
  readonly enqueued: number;
  readonly hubTime: number;
  /** Null for a repeat. */
  readonly tuples: readonly string[] | null;
}

/** What one partition, or the registry, says of a device in a window. */
interface Candidate {
  readonly facts: string;
  readonly isRequired: boolean;
}

type Violate = (kind: string, detail: string) => void;

export interface WindowSums {
  /** Windows that are done. */
  readonly windows: number;
  readonly tooFew: number;
  readonly tooMany: number;
}

/** Holds alerts of windows against what the log and the world say. */
export async function checkWindows(
  truth: WindowTruth,
  alerts: readonly Alert[],
  violate: Violate,
): Promise<WindowSums> {
  const { checkpoints, graceMs, end } = truth;
  const sums = { windows: 0, tooFew: 0, tooMany: 0 };
  const shown = new Map(
    alerts.filter((a) => a.subject.kind === 'window').map((a) => [nameOfAlert(a), a]),
  );
  const plan = (await checkpoints.read('windows/plan'))?.value as
    | { from: string; begun: Record<string, string> }
    | undefined;
  if (plan === undefined) {
    if (truth.blocks.length > 0) violate('no-plan', 'windows were never planned');
    for (const key of shown.keys()) violate('window-alert-too-many', key);
    return sums;
  }
  const from = parseInstant(plan.from)!;
  const firsts = truth.partitions.flatMap(({ partition }) => {
    const first = truth.blocks.find((block) => block.partition === partition);
    return first === undefined ? [] : [alignedUp(first.header.firstHubTime, PIECE_MS)];
  });
  if (!firsts.includes(from)) violate('window-plan', `windows are judged from ${plan.from}`);
  const rows = rowsOf(truth);
  const isDestroyed = truth.recreatedAt !== null || truth.destroyed.length > 0;
  for (const [sizeText, begunText] of Object.entries(plan.begun)) {
    const size = Number(sizeText);
    const begun = parseInstant(begunText)!;
    for (let start = begun; start + size + graceMs + CLOCK_SLACK_MS <= end; start += size) {
      const window = { start, end: start + size };
      const name = windowId(window);
      const stored = await checkpoints.read(windowRecordName(window));
      const record = stored?.value as WindowRecord | undefined;
      const isDone = record?.done !== undefined && record.done !== null;
      const timeToFinish = TIME_TO_FINISH_MS + (isDestroyed ? IN_FLIGHT_MS : 0);
      const mustBeDone = window.end + graceMs + CLOCK_SLACK_MS + timeToFinish <= end;
      if (!isDone && mustBeDone) violate('window-not-done', name);
      if (record === undefined) continue;
      if (isDone) sums.windows++;
      const rules = rulesOf(truth, record, window, violate);
      for (const rule of rules) {
        for (const [device, candidates] of candidatesOf(truth, rows, window, rule)) {
          const key = `${device} ${name}`;
          const alert = shown.get(key);
          shown.delete(key);
          if (alert === undefined) {
            if (isDone && candidates.some(({ isRequired }) => isRequired))
              violate('window-alert-missing', `${key}: ${candidates[0]!.facts}`);
            continue;
          }
          const facts = shownFacts(alert);
          if (!candidates.some((one) => one.facts === facts)) {
            const wanted = candidates.map((one) => one.facts).join(' or ');
            violate('window-facts', `${key}: ${facts} instead of ${wanted}`);
          }
          if (Number(alert.facts!['count']) < rule.minThreshold) sums.tooFew++;
          else sums.tooMany++;
        }
      }
    }
  }
  for (const [key, alert] of shown) {
    violate('window-alert-too-many', `${key}: ${shownFacts(alert)}`);
  }
  return sums;
}

function nameOfAlert({ deviceId, subject }: Alert): string {
  if (subject.kind !== 'window') throw new TypeError('not of a window');
  const window = { start: parseInstant(subject.start)!, end: parseInstant(subject.end)! };
  return `${deviceId} ${windowId(window)}`;
}

function rowsOf({ blocks }: WindowTruth): readonly Row[] {
  return blocks.flatMap(({ partition, rows }) =>
    Array.from({ length: rows.count }, (_, row) => {
      const { connections: table } = rows;
      const tuples: string[] = [];
      const [first, last] = [rows.connectionStart[row]!, rows.connectionStart[row + 1]!];
      for (let c = first; c < last; c++) {
        const remote = formatIpv4(table.remote[4 * c]!);
        tuples.push(`${remote} ${table.localPort[c]} ${table.remotePort[c]}`);
      }
      const counts = rows.kindOf(row) === COUNTED && !rows.isRepeat(row);
      return {
        partition,
        device: rows.deviceOf(row).deviceId,
        enqueued: rows.enqueuedTime[row]!,
        hubTime: rows.hubTime[row]!,
        tuples: counts ? tuples : null,
      };
    }),
  );
}

/**
 * The window's rules of its size: those of a revision of the groups that was current when the window could be closed, or was read
 * then.
 */
function rulesOf(
  { rules, graceMs }: WindowTruth,
  { groups }: WindowRecord,
  window: Window,
  violate: Violate,
): readonly TimeWindowRule[] {
  const size = window.end - window.start;
  const pinned = groups.groups.flatMap((group) => group.timeWindowRules);
  const known = rules[groups.revision];
  const ofSize = known?.rules.filter(({ windowMs }) => windowMs === size);
  if (JSON.stringify(ofSize) !== JSON.stringify(pinned))
    violate('window-rules', `${windowId(window)} has ${JSON.stringify(pinned)}`);
  // A slow answer may be minutes old.
  if (known !== undefined && known.until < window.end + graceMs - 5 * MINUTE_MS)
    violate('window-rules', `${windowId(window)} has those of revision ${groups.revision}`);
  return pinned;
}

/** By device: what an alert of the window may say, where there may be one. */
function candidatesOf(
  truth: WindowTruth,
  rows: readonly Row[],
  window: Window,
  rule: TimeWindowRule,
): ReadonlyMap<string, readonly Candidate[]> {
  const { graceMs, partitions, registered } = truth;
  const found = new Map<string, Candidate[]>();
  const add = (device: string, candidate: Candidate | null) => {
    if (candidate === null) return;
    const known = found.get(device);
    if (known === undefined) found.set(device, [candidate]);
    else known.push(candidate);
  };
  const inTime = rows.filter(({ enqueued }) => enqueued < window.end + graceMs);
  for (const { partition } of partitions) {
    const own = inTime.filter((row) => row.partition === partition);
    for (const device of new Set(own.map((row) => row.device))) {
      const all = own.filter((row) => row.device === device && row.hubTime < window.end);
      const active = all.filter(({ hubTime }) => holds(window, hubTime));
      if (all.length === 0) continue;
      add(device, candidateOf(truth, [partition], window, rule, active));
    }
  }
  for (const device of registered ?? []) {
    if (inTime.some((row) => row.device === device && row.hubTime < window.end)) continue;
    const names = partitions.map(({ partition }) => partition);
    add(device, candidateOf(truth, names, window, rule, []));
  }
  return found;
}

function candidateOf(
  truth: WindowTruth,
  partitions: readonly string[],
  window: Window,
  { minThreshold, maxThreshold, timeWindowSize }: TimeWindowRule,
  active: readonly Row[],
): Candidate | null {
  const messages = active.flatMap(({ tuples }) => (tuples === null ? [] : [tuples]));
  const records = messages.flat();
  const count = new Set(records).size;
  if (count >= minThreshold && count <= maxThreshold) return null;
  const isTooFew = count < minThreshold;
  if (isTooFew && partitions.some((name) => hasLost(truth, name, window))) return null;
  const byAddress: Record<string, [number, number]> = {};
  for (const tuple of new Set(records)) (byAddress[tuple.split(' ')[0]!] ??= [0, 0])[0]++;
  for (const tuple of records) byAddress[tuple.split(' ')[0]!]![1]++;
  const facts = factsText({
    count,
    minThreshold,
    maxThreshold,
    timeWindowSize,
    messages: messages.length,
    byAddress,
  });
  const mayHaveLost = partitions.some((name) => liesInGap(truth, name, window));
  return { facts, isRequired: !isTooFew || !mayHaveLost };
}

interface ShownFacts {
  readonly count: unknown;
  readonly minThreshold: unknown;
  readonly maxThreshold: unknown;
  readonly timeWindowSize: unknown;
  readonly messages: unknown;
  /** Connections and their records. */
  readonly byAddress: Readonly<Record<string, readonly [number, number]>>;
}

function factsText({ byAddress, ...rest }: ShownFacts): string {
  return JSON.stringify({ ...rest, byAddress: Object.entries(byAddress).sort(byName) });
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function shownFacts({ facts }: Alert): string {
  const { count, minThreshold, maxThreshold, timeWindowSize, evidence } = facts as unknown as {
    count: number;
    minThreshold: number;
    maxThreshold: number;
    timeWindowSize: string;
    evidence: {
      messages: number;
      contributors: { remoteAddress: string; connections: number; records: number }[];
    };
  };
  const byAddress: Record<string, [number, number]> = {};
  for (const { remoteAddress, connections, records } of evidence.contributors)
    byAddress[remoteAddress] = [connections, records];
  const { messages } = evidence;
  return factsText({ count, minThreshold, maxThreshold, timeWindowSize, messages, byAddress });
}

/** A message of the window and the partition, that was in time, was destroyed before anybody read it. */
function hasLost({ destroyed, graceMs }: WindowTruth, partition: string, window: Window): boolean {
  return destroyed.some(
    (event) =>
      event.partition === partition &&
      !event.isBeforeFirst &&
      holds(window, event.hubTime) &&
      event.enqueued < window.end + graceMs,
  );
}

/** Messages were destroyed somewhere between two rows of the log, and by these alone it might have been in the window. */
function liesInGap(truth: WindowTruth, partition: string, window: Window): boolean {
  const blocks = truth.blocks.filter((block) => block.partition === partition);
  const ends = blocks.map(({ header }) => header.lastEnqueuedTime);
  const overlaps = (start: number, end: number) =>
    start < window.end + truth.graceMs && end > window.start;
  const inLog = blocks.some(
    ({ header }, i) =>
      (header.lost !== null || header.epoch !== (blocks[i - 1]?.header ?? header).epoch) &&
      overlaps(ends[i - 1] ?? -Infinity, header.firstEnqueuedTime),
  );
  const begunLate = truth.destroyed.some(
    (event) => event.partition === partition && event.isBeforeFirst,
  );
  const first = blocks[0]?.header.firstEnqueuedTime ?? Infinity;
  const beforeFirst = begunLate && overlaps(-Infinity, first);
  const last = ends.at(-1) ?? -Infinity;
  const isNew = truth.recreatedAt !== null && truth.recreatedAt >= last && blocks.length > 0;
  const atEnd =
    isNew ||
    truth.destroyed.some((event) => event.partition === partition && event.enqueued >= last);
  // What ingest still held when the stream was made again is committed after the range was seen, which was too wide then.
  const { recreatedAt } = truth;
  const mayBeWider =
    recreatedAt !== null && overlaps(recreatedAt - IN_FLIGHT_MS, recreatedAt + IN_FLIGHT_MS);
  return mayBeWider || beforeFirst || inLog || (atEnd && overlaps(last, Infinity));
}
