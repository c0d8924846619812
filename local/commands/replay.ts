import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Alert, shownTally } from '../../shared/domain/alert/alert.ts';
import { formatInstant, parseInstant } from '../../shared/domain/time/instant.ts';
import {
  DAY_MS,
  MINUTE_MS,
  PIECE_MS,
  alignedDown,
  alignedUp,
} from '../../shared/domain/window/window.ts';
import { alertRecord } from '../../shared/pipeline/alert-record.ts';
import type { WindowServices } from '../../shared/pipeline/windows/due-windows.ts';
import { allWindowsDone, judgeBetween } from '../../shared/pipeline/windows/window-plan.ts';
import {
  type RegisteredDevice,
  keepRegisteredDevices,
} from '../../shared/pipeline/windows/registered-devices.ts';
import { closeServices, services, useClock } from '../../shared/wiring.ts';
import { type CapturedEvent, readCapture } from '../capture/read-capture.ts';
import { devicesOf, readDevices } from '../capture/devices.ts';
import { writeCounts } from '../capture/write-counts.ts';
import { readGroupFiles } from '../groups/group-files.ts';
import { securityGroupsOf } from '../groups/load-groups.ts';
import { alertLine } from '../console/alert-line.ts';
import { ProgressLine } from '../console/progress-line.ts';
import { startFeedServer } from '../feeds/feed-server.ts';
import { loadFeeds, refreshServicesOf, replaceFeeds } from '../feeds/load-feeds.ts';
import { printable } from '../feeds/printable.ts';
import { hostApp } from '../functions/host-app.ts';
import { VirtualHostClock } from '../host/clock.ts';
import type { HostLogEntry } from '../host/log.ts';
import { type Platform, startPlatform } from '../platform.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

/** What these find does not depend on when they run, and a day has many minutes. */
const RARE = {
  FoldSchedule: '0 */5 * * * *',
  HuntSchedule: '45 */5 * * * *',
  WindowSchedule: '20 */5 * * * *',
};
/** Days of short windows close some at a time. */
const MAX_CLOSING_MS = DAY_MS;
const NO_GROUPS = { groups: [] };

interface ReplayOptions {
  readonly capture: string;
  readonly feeds: string | null;
  readonly laterFeeds: string | null;
  readonly groups: string | null;
  readonly devices: string | null;
  readonly counts: string | null;
  readonly from: number | null;
  readonly until: number | null;
  readonly json: boolean;
}

export const command: Command = {
  name: 'replay',
  summary: 'run a capture through the real functions under a virtual clock, and print every alert',
  usage: `replay CAPTURE [--feeds DIR] [--later-feeds DIR] [--groups FILE] [--devices FILE] [--counts FILE] [--from TIME] [--until TIME]
       [--json]

Plays a capture (NDJSON, .gz, .zst, or - for stdin) through the unmodified functions on a local platform of its own,
as fast as it goes, and prints every alert in its final state. Nothing is kept afterwards.

  --feeds DIR   threat feeds, one file each (a folder with a manifest.json is a MISP feed), fetched by the refresh
                function and refreshed as time goes on; what nothing reads is skipped whole and named on stderr
  --later-feeds DIR
                feeds that take the place of the first ones when everything is played: what is new in them is hunted in
                the past, and adds alerts that were "found by hunt"
  --groups FILE security groups, as "groups apply" takes them: a file, or a folder of files
  --devices FILE
                what the hub's registry would say, as a twin query answers it: a JSON list of {"deviceId", "tags": {"SecurityGroup"}};
                its devices are known whether or not they send anything
  --counts FILE writes what every device did in every window, as CSV: windows of five minutes, and of each size that an enabled
                rule has
  --from TIME   when the feeds are fetched, and from when windows are judged (default: the multiple of five minutes at or before
                the first message)
  --until TIME  how far the clock goes on after the last message; windows that end later are not judged (default: the next
                multiple of five minutes)
  --json        one JSON object a line`,

  async run(args, io) {
    const options = parseOptions(args);
    const directory = await mkdtemp(join(tmpdir(), 'threadwatch-replay-'));
    try {
      return await replay(options, directory, io);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};

function parseOptions(args: readonly string[]): ReplayOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      feeds: { type: 'string' },
      'later-feeds': { type: 'string' },
      groups: { type: 'string' },
      devices: { type: 'string' },
      counts: { type: 'string' },
      from: { type: 'string' },
      until: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [capture, ...more] = positionals;
  if (capture === undefined || more.length > 0) {
    throw new UsageError(`one CAPTURE was expected, found ${positionals.length}`);
  }
  const time = (name: 'from' | 'until') => {
    const text = values[name];
    if (text === undefined) return null;
    const instant = parseInstant(text);
    if (instant === null) throw new UsageError(`--${name} must be an ISO 8601 time, not "${text}"`);
    return instant;
  };
  return {
    capture,
    feeds: values.feeds ?? null,
    laterFeeds: values['later-feeds'] ?? null,
    groups: values.groups ?? null,
    devices: values.devices ?? null,
    counts: values.counts ?? null,
    from: time('from'),
    until: time('until'),
    json: values.json,
  };
}

async function replay(options: ReplayOptions, directory: string, io: CommandIo): Promise<number> {
  // What is wrong with a file is told before anything starts.
  const { groups } = options.groups === null ? NO_GROUPS : await readGroupFiles(options.groups, io);
  const registered =
    options.devices === null ? null : await readDevices(resolve(io.cwd, options.devices));
  const file = options.capture === '-' ? '-' : resolve(io.cwd, options.capture);
  const events: CapturedEvent[] = [];
  for await (const event of readCapture(file, io.stdin)) events.push(event);
  const holes = closeHoles(events);
  if (holes > 0) {
    io.stderr.write(
      `the capture leaves out ${holes} sequence numbers; its messages are numbered anew\n`,
    );
  }
  const [first] = events;
  if (first === undefined) throw new Error(`${options.capture} holds no message`);
  const partitionCount = 1 + Math.max(...new Set(events.map((event) => Number(event.partitionId))));
  const from = options.from ?? alignedDown(first.time, PIECE_MS);
  const clock = new VirtualHostClock(from);
  const platform = await startPlatform({ directory, partitionCount, anyPorts: true });
  let folder = '';
  const feedServer = await startFeedServer(() => folder);
  const useFeeds = async (directory: string, load: typeof loadFeeds) => {
    folder = resolve(io.cwd, directory);
    const services = refreshServicesOf(platform, clock);
    const { leftOut } = await load(services, folder, feedServer.origin);
    for (const { name, reason } of leftOut) {
      io.stderr.write(printable(`skipped ${name}: ${reason}`) + '\n');
    }
  };
  try {
    if (options.feeds !== null) await useFeeds(options.feeds, loadFeeds);
    const store = securityGroupsOf(platform);
    for (const group of groups) await store.write(group, null);
    useClock(clock);
    const devices = devicesOf(events, registered ?? []);
    return await play(
      { ...options, from, registered, devices },
      events,
      clock,
      platform,
      useFeeds,
      io,
    );
  } finally {
    await feedServer.stop();
    await platform.stop();
  }
}

/** A filtered capture is no loss of messages: numbers its partitions without holes. Returns how many were missing. */
function closeHoles(events: CapturedEvent[]): number {
  const last = new Map<string, { given: number; dense: number }>();
  let holes = 0;
  for (const [i, event] of events.entries()) {
    const given = event.sequenceNumber;
    const before = last.get(event.partitionId) ?? { given: given - 1, dense: given - 1 };
    const dense = before.dense + 1;
    holes += given - before.given - 1;
    if (dense !== given) events[i] = { ...event, sequenceNumber: dense };
    last.set(event.partitionId, { given, dense });
  }
  return holes;
}

interface Played extends Omit<ReplayOptions, 'from' | 'devices'> {
  readonly from: number;
  readonly registered: readonly RegisteredDevice[] | null;
  /** Of the capture and of the registry, with their groups. */
  readonly devices: ReadonlyMap<string, string>;
}

async function play(
  options: Played,
  events: readonly CapturedEvent[],
  clock: VirtualHostClock,
  platform: Platform,
  useFeeds: (directory: string, load: typeof loadFeeds) => Promise<void>,
  io: CommandIo,
): Promise<number> {
  const host = await hostApp({
    settings: { ...platform.settings, ...RARE },
    hubAddress: platform.hub.httpAddress,
    clock,
    eventHubs: { minEventBatchSize: 1 },
    log: (entry) => reportTrouble(entry, io),
  });
  const progress = new ProgressLine(io.stderr);
  try {
    const stopped = aborted(io.signal);
    const broken = platform.failed.then((reason) => {
      throw new Error(reason);
    });
    broken.catch(() => {}); // Its end at the end of the replay is no failure.
    // What fails is tried again without end: a user who has seen enough is not made to wait for it.
    const idle = async () => {
      await Promise.race([host.idle(), stopped, broken]);
      return !io.signal.aborted;
    };
    const { windows } = await services();
    const until = options.until ?? alignedUp(events.at(-1)!.time + 1, PIECE_MS);
    await judgeBetween(windows, options.from, until);
    if (options.registered !== null) {
      await keepRegisteredDevices(windows, options.registered, options.from);
    }
    const stage = { platform, clock, progress, idle };
    const time = await sendAll(stage, events, options.from, until);
    if (time === null) return 130;
    const isClosed = await closeWindows(stage, windows, Math.max(time, until));
    if (!isClosed) return 130;
    await host.runTimer('foldActivityLog');
    await host.idle();
    if (options.counts !== null) {
      progress.show('counting');
      const span = { start: options.from, end: until };
      await writeCounts(resolve(io.cwd, options.counts), windows, span, options.devices);
    }
    if (options.laterFeeds !== null) {
      progress.show('hunting for what the later feeds brought');
      await useFeeds(options.laterFeeds, replaceFeeds);
      await host.runTimer('huntIndicators');
      await host.idle();
    }
    progress.clear();
    await printAlerts(options.json, io);
    return 0;
  } finally {
    progress.clear();
    await host.stop();
    await closeServices();
  }
}

interface Stage {
  readonly platform: Platform;
  readonly clock: VirtualHostClock;
  readonly progress: ProgressLine;
  /** Waits until everything that was sent is ingested; false where the user has stopped the replay. */
  readonly idle: () => Promise<boolean>;
}

/**
 * Minute by minute: send, wait until all of it is ingested, then let the clock fire the timers of that minute. Gives the time in the end;
 * null where the user has stopped it.
 */
async function sendAll(
  { platform, clock, progress, idle }: Stage,
  events: readonly CapturedEvent[],
  from: number,
  until: number,
): Promise<number | null> {
  let time = from;
  let sent = 0;
  while (sent < events.length || time < until) {
    const next = events[sent]?.time ?? time;
    time = Math.max(time, alignedDown(next, MINUTE_MS)) + MINUTE_MS;
    let end = sent;
    while (end < events.length && events[end]!.time < time) end++;
    await platform.hub.client.send(events.slice(sent, end));
    sent = end;
    if (!(await idle())) return null;
    await clock.advanceTo(time);
    const minute = formatInstant(time).slice(0, 16);
    progress.show(`${minute}Z  ${sent} of ${events.length} messages`);
  }
  return time;
}

/** On by the grace period, and until every window that is over is closed. False where the user has stopped it. */
async function closeWindows(
  { clock, progress, idle }: Stage,
  windows: WindowServices,
  from: number,
): Promise<boolean> {
  const end = from + windows.graceMs + MINUTE_MS;
  for (let time = from; time < end || !(await allWindowsDone(windows));) {
    if (time >= end + MAX_CLOSING_MS) throw new Error('some windows did not close');
    progress.show('closing windows');
    await clock.advanceTo((time += MINUTE_MS));
    if (!(await idle())) return false;
  }
  return true;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

async function printAlerts(json: boolean, io: CommandIo): Promise<void> {
  const { alerts } = await services();
  const all: Alert[] = [];
  for await (const alert of alerts.list()) all.push(alert);
  const seenAt = (alert: Alert) => shownTally(alert)?.totals.firstSeen ?? alert.createdAt;
  all.sort((a, b) => seenAt(a) - seenAt(b) || (a.id < b.id ? -1 : 1));
  for (const alert of all) {
    const record = alertRecord(alert);
    await write(io.stdout, json ? `${JSON.stringify(record)}\n` : `${alertLine(record)}\n`);
  }
  if (!json) await write(io.stdout, `${all.length} alerts\n`);
}

function reportTrouble({ level, functionName, message }: HostLogEntry, io: CommandIo): void {
  if (level !== 'warning' && level !== 'error' && level !== 'critical') return;
  io.stderr.write(`${level}: ${functionName === undefined ? '' : `${functionName}: `}${message}\n`);
}
