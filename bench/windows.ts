// Windows over a large fleet: from the log to runs, from runs to a verdict on every device, and how both grow; beside it the plain way,
// a set of texts per device over the log. Then a day's window, merged from hours, in bounded memory. `node bench/windows.ts [DEVICES]`
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MemoryActivityLog } from '../shared/adapters/memory/activity-log.ts';
import { MemoryAlertStore } from '../shared/adapters/memory/alert-store.ts';
import { MemoryCheckpoints } from '../shared/adapters/memory/checkpoints.ts';
import { zstdBlockCodec as codec } from '../shared/adapters/node/block-codec.ts';
import type { GroupSet } from '../shared/domain/security-group/security-group.ts';
import type { DeviceActivity } from '../shared/domain/window/device-activity.ts';
import { TUPLE_WORDS, countOf, sortedTuples } from '../shared/domain/window/five-tuples.ts';
import { DAY_MS, HOUR_MS, PIECE_MS } from '../shared/domain/window/window.ts';
import { encodeBlock, readRows } from '../shared/format/activity-log/block.ts';
import type { DataHeader } from '../shared/format/activity-log/header.ts';
import { ActivityRows, COUNTED } from '../shared/format/activity-log/rows.ts';
import { FIRST_FILE, hourOf } from '../shared/pipeline/log/file-name.ts';
import { readForward } from '../shared/pipeline/log/read-log.ts';
import {
  type EvaluationServices,
  type PartitionState,
  evaluateWindow,
} from '../shared/pipeline/windows/evaluate-window.ts';
import {
  LEVELS,
  type Level,
  knownName,
  runName,
  writeRun,
} from '../shared/pipeline/windows/run-files.ts';
import { windowActivity } from '../shared/pipeline/windows/window-activity.ts';
import { type RunsState, runsCheckpoint } from '../shared/pipeline/windows/runs-state.ts';
import { writeRuns } from '../shared/pipeline/windows/write-runs.ts';
import type { PartitionRef } from '../shared/ports/activity-log.ts';
import type { Runs } from '../shared/ports/runs.ts';
import { randomOf } from './support/random.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { part: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  process.stdout.write(`node bench/windows.ts [DEVICES]
  DEVICES  of the largest fleet (default: 100000); a tenth and a hundredth of it are measured beside it
`);
  process.exit(0);
}

const READ: PartitionState = { isRead: true, mayHaveLost: false, isCurrent: async () => true };
const START = Date.UTC(2026, 7, 22);
const PARTITIONS = 4;
const GROUPS = 20;
const RULES = 10;
/** One message every two minutes. */
const MESSAGES_PER_DEVICE = 2.5;
const MESSAGES_PER_BLOCK = 1000;
const GRACE_MS = 120_000;
/** Of the day's window: one partition of the fleet. */
const DAY_TUPLES_PER_HOUR = 25;

const random = randomOf(20_261_125);
const idOf = (device: number) => `device-${String(device).padStart(6, '0')}`;

/** Runs as files of a folder; counts what is read. */
class DiskRuns implements Runs {
  bytesRead = 0;
  bytesWritten = 0;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async list(prefix: string): Promise<readonly string[]> {
    const entries = await readdir(this.#directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#directory, join(entry.parentPath, entry.name)))
      .filter((name) => name.startsWith(prefix))
      .sort();
  }

  async write(name: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    const path = join(this.#directory, name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Readable.from(pieces, { objectMode: false }), createWriteStream(path));
    this.bytesWritten += (await stat(path)).size;
    return true;
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#counted(createReadStream(join(this.#directory, name)));
  }

  async remove(): Promise<number> {
    return 0;
  }

  async *#counted(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of stream) {
      this.bytesRead += bytes.length;
      yield bytes;
    }
  }
}

function rulesOf(windowMs: number): GroupSet {
  const rule = (index: number) => ({
    ruleType:
      index % 2 === 0 ? 'ActiveConnectionsNotInAllowedRange' : 'TwinUpdatesNotInAllowedRange',
    isEnabled: true,
    minThreshold: index % 2 === 0 ? 1 : 0,
    maxThreshold: 100_000,
    timeWindowSize: `PT${windowMs / 60_000}M`,
    windowMs,
  });
  return {
    revision: 1,
    groups: Array.from({ length: GROUPS }, (_, group) => ({
      name: `group-${group}`,
      timeWindowRules: Array.from({ length: RULES }, (_each, index) => rule(index)),
      allowlistRules: [],
      denylistRules: [],
    })),
  };
}

/** Five minutes of messages: each device talks to some of ten peers of its own, two times in three by a port that is new. */
async function writeLog(
  log: MemoryActivityLog,
  ref: PartitionRef,
  devices: number,
  offset: number,
) {
  const messages = Math.round(devices * MESSAGES_PER_DEVICE);
  const stepMs = (PIECE_MS - 1000) / messages;
  let length = 0;
  let connections = 0;
  await log.create(ref, FIRST_FILE);
  for (let from = 0; from < messages; from += MESSAGES_PER_BLOCK) {
    const rows = new ActivityRows();
    const { connections: table } = rows;
    const count = Math.min(MESSAGES_PER_BLOCK, messages - from);
    for (let message = 0; message < count; message++) {
      const device = offset + ((from + message) % devices);
      const flows = random() < 0.74 ? 2 : 1;
      table.reserve(flows);
      for (let i = 0; i < flows; i++) {
        const c = table.count++;
        const peer = Math.floor(random() * 10);
        table.family[c] = 4;
        table.local[4 * c] = 0x0a00_0000 + device;
        table.remote[4 * c] = 0x0b00_0000 + ((device % 50) * 10 + peer) * 977;
        table.localPort[c] = 30_000 + (random() < 0.33 ? peer : Math.floor(random() * 30_000));
        table.remotePort[c] = peer < 7 ? 443 : 8883;
        table.bytesIn[c] = 500;
        table.bytesOut[c] = 200;
        table.protocol[c] = 0;
      }
      const hubTime = Math.floor(START + (from + message) * stepMs);
      rows.add({
        kind: COUNTED,
        repeat: false,
        enqueuedTime: hubTime + 20,
        hubTime,
        device: {
          deviceId: idOf(device),
          moduleId: null,
          securityGroup: `group-${device % GROUPS}`,
        },
        hashLow: (random() * 2 ** 32) >>> 0,
        hashHigh: (random() * 2 ** 32) >>> 0,
        deviceTimeSeconds: Math.floor(hubTime / 1000),
      });
    }
    connections += table.count;
    const header: DataHeader = {
      kind: 'data',
      ...ref,
      index: from / MESSAGES_PER_BLOCK,
      hour: hourOf(START),
      writer: 'bench',
      epoch: 0,
      epochStart: START,
      fromSequence: from,
      toSequence: from + count - 1,
      lost: null,
      firstEnqueuedTime: rows.enqueuedTime[0]!,
      lastEnqueuedTime: rows.enqueuedTime[count - 1]!,
      firstHubTime: rows.hubTime[0]!,
      lastHubTime: rows.hubTime[count - 1]!,
      snapshot: { ordinal: 1, id: 'first' },
      groupsRevision: 1,
      rows: { counted: count, repeats: 0, quarantined: 0, other: 0 },
      connections: table.count,
      findings: 0,
    };
    const bytes = encodeBlock(header, rows, codec);
    await log.append(ref, FIRST_FILE, length, bytes);
    length += bytes.length;
  }
  return { bytes: length, connections };
}

interface Measured {
  readonly devices: number;
  readonly connections: number;
  readonly logBytes: number;
  readonly runBytes: number;
  readonly runsMs: number;
  readonly evaluationMs: number;
  readonly bytesRead: number;
  readonly judged: number;
  readonly plainMs: number;
  /** Resident, above what there was before. */
  readonly peakBytes: number;
  readonly plainBytes: number;
}

/** The peak of resident memory so far, above `base`. */
function peakAbove(base: number): number {
  return process.resourceUsage().maxRSS * 1024 - base;
}

async function measureFleet(devices: number, directory: string): Promise<Measured> {
  const log = new MemoryActivityLog();
  const runs = new DiskRuns(directory);
  const services: EvaluationServices = {
    log,
    runs,
    checkpoints: new MemoryCheckpoints(),
    codec,
    graceMs: GRACE_MS,
    alerts: new MemoryAlertStore(),
    clock: { now: () => START + PIECE_MS + GRACE_MS },
    hub: 'bench',
  };
  const window = { start: START, end: START + PIECE_MS };
  const each = devices / PARTITIONS;
  const refs = Array.from({ length: PARTITIONS }, (_, partition) => ({
    stream: 'bench~devices',
    partition: String(partition),
    generation: 0,
  }));
  let [connections, logBytes] = [0, 0];
  for (const [i, ref] of refs.entries()) {
    const written = await writeLog(log, ref, each, i * each);
    connections += written.connections;
    logBytes += written.bytes;
  }
  const base = process.memoryUsage().rss;
  const began = performance.now();
  for (const ref of refs) await writeRuns(services, ref, window.end);
  const runsMs = performance.now() - began;
  const groups = rulesOf(PIECE_MS);
  const evaluating = performance.now();
  let judged = 0;
  for (const ref of refs)
    judged += (await evaluateWindow(services, ref, window, groups, READ)).devices;
  const evaluationMs = performance.now() - evaluating;
  const peakBytes = peakAbove(base);
  const plainBase = process.memoryUsage().rss;
  const plain = performance.now();
  const sets = new Map<string, Set<string>>();
  for (const ref of refs) {
    for await (const { block } of readForward(log, ref, null, codec)) {
      if (block.header.kind === 'close') continue;
      const rows = readRows({ ...block, header: block.header }, codec);
      for (let row = 0; row < rows.count; row++) {
        const { deviceId } = rows.deviceOf(row);
        let set = sets.get(deviceId);
        if (set === undefined) sets.set(deviceId, (set = new Set()));
        const { connections: t } = rows;
        for (let c = rows.connectionStart[row]!; c < rows.connectionStart[row + 1]!; c++) {
          set.add(
            `${t.protocol[c]},${t.local[4 * c]},${t.localPort[c]},${t.remote[4 * c]},${t.remotePort[c]}`,
          );
        }
      }
    }
  }
  let outside = 0;
  for (const set of sets.values()) {
    for (let rule = 0; rule < RULES; rule++) if (set.size > 100_000 || set.size < 0) outside++;
  }
  const plainMs = performance.now() - plain;
  if (outside > 0 || sets.size !== judged)
    throw new Error(`${sets.size} devices, ${judged} judged`);
  return {
    devices,
    connections,
    logBytes,
    runBytes: runs.bytesWritten,
    runsMs,
    evaluationMs,
    bytesRead: runs.bytesRead,
    judged,
    plainMs,
    peakBytes,
    plainBytes: peakAbove(plainBase),
  };
}

interface MeasuredDay {
  readonly devices: number;
  readonly tuples: number;
  readonly runBytes: number;
  readonly mergeMs: number;
  readonly evaluationMs: number;
  readonly bytesRead: number;
  readonly peakBytes: number;
}

/** A device's hour: some connections that it has every hour, the rest by new ports. */
function hourOfDevice(device: number): DeviceActivity {
  const words = new Uint32Array(DAY_TUPLES_PER_HOUR * TUPLE_WORDS);
  for (let i = 0; i < DAY_TUPLES_PER_HOUR; i++) {
    const at = i * TUPLE_WORDS;
    const peer = i % 10;
    words[at] = 4 << 8;
    words[at + 1] = 0x0a00_0000 + device;
    words[at + 5] = 0x0b00_0000 + ((device % 50) * 10 + peer) * 977;
    const port = i < 8 ? 30_000 + peer : 30_000 + Math.floor(random() * 30_000);
    words[at + 9] = port * 65_536 + 443;
    words[at + 10] = 1;
  }
  return {
    deviceId: idOf(device),
    securityGroup: `group-${device % GROUPS}`,
    seen: { first: START, last: START + 1 },
    deletedAt: null,
    messages: 30,
    twinUpdates: 0,
    tuples: sortedTuples(words),
  };
}

async function measureDay(devices: number, directory: string): Promise<MeasuredDay> {
  const runs = new DiskRuns(directory);
  const ref = { stream: 'bench~devices', partition: '0', generation: 0 };
  const [pieces, hours, days] = LEVELS as readonly [Level, Level, Level];
  const unmerged: string[] = [];
  for (let start = START; start < START + DAY_MS; start += HOUR_MS) {
    const name = runName(ref, hours, start, start + HOUR_MS);
    const header = {
      ...ref,
      piece: { start, end: start + HOUR_MS },
      sliceEnd: start + HOUR_MS,
      position: null,
      groupsRevision: 1,
    };
    await writeRun(runs, name, header, someDevices(devices), codec);
    unmerged.push(name);
    // A window finds its runs by the names of those of five minutes; the one of the day stands for them.
    const piece = { start, end: start + PIECE_MS };
    const small = runName(ref, pieces, start, piece.end);
    await writeRun(runs, small, { ...header, piece, sliceEnd: piece.end }, [], codec);
  }
  const end = START + DAY_MS;
  const checkpoints = new MemoryCheckpoints();
  // All but the last five minutes are written: what is measured is the merge of the hours.
  const state: RunsState = {
    place: null,
    lastEnqueuedTime: null,
    gaps: [],
    late: [],
    sliceEnd: end - PIECE_MS,
    until: end - PIECE_MS + GRACE_MS,
    position: null,
    groupsRevision: 1,
    unmerged: [[], unmerged],
    known: null,
    unknown: unmerged.slice(0, 1),
  };
  await checkpoints.write(runsCheckpoint(ref), state, null);
  const services: EvaluationServices = {
    log: new MemoryActivityLog(),
    runs,
    checkpoints,
    codec,
    graceMs: GRACE_MS,
    alerts: new MemoryAlertStore(),
    clock: { now: () => end },
    hub: 'bench',
  };
  const base = process.memoryUsage().rss;
  const written = runs.bytesWritten;
  const began = performance.now();
  await writeRuns(services, ref, end);
  const mergeMs = performance.now() - began;
  const readForMerge = runs.bytesRead;
  const evaluating = performance.now();
  const window = { start: START, end };
  const { devices: judged } = await evaluateWindow(services, ref, window, rulesOf(DAY_MS), READ);
  const evaluationMs = performance.now() - evaluating;
  if (judged !== devices || days.size !== DAY_MS) throw new Error(`${judged} of ${devices} judged`);
  const peakBytes = peakAbove(base);
  let tuples = 0;
  for await (const some of await windowActivity(services, ref, window)) {
    for (const device of some) tuples += countOf(device.tuples);
  }
  if (tuples === 0) throw new Error('no connections');
  if ((await runs.list(knownName(ref, end))).length !== 1) throw new Error('no known devices');
  return {
    devices,
    tuples,
    runBytes: runs.bytesWritten - written,
    mergeMs,
    evaluationMs,
    bytesRead: readForMerge,
    peakBytes,
  };
}

function* someDevices(devices: number): Generator<readonly DeviceActivity[]> {
  for (let device = 0; device < devices; device++) yield [hourOfDevice(device)];
}

/** Each in a process of its own: the peak of memory is that of a process. */
async function part(name: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'threadwatch-bench-'));
  try {
    const [kind, count] = name.split(':');
    const measured = await (kind === 'day' ? measureDay : measureFleet)(Number(count), directory);
    process.stdout.write(JSON.stringify(measured));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function inProcess(name: string): unknown {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), `--part=${name}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status}`);
  return JSON.parse(child.stdout) as unknown;
}

const MB = 1024 * 1024;
const mb = (bytes: number) => `${(bytes / MB).toFixed(1)} MB`;
const perSecond = (count: number, ms: number) =>
  Math.round((count / ms) * 1000).toLocaleString('en');

if (values.part !== undefined) await part(values.part);
else {
  const largest = Number(positionals[0] ?? 100_000);
  process.stdout.write(
    `Node ${process.version}; windows of five minutes, ${MESSAGES_PER_DEVICE} messages a device, ${GROUPS} groups with ${RULES} rules each, ${PARTITIONS} partitions, one process\n`,
  );
  for (const devices of [largest / 100, largest / 10, largest]) {
    const one = inProcess(`fleet:${devices}`) as Measured;
    const ours = one.runsMs + one.evaluationMs;
    process.stdout.write(
      `${devices.toLocaleString('en').padStart(8)} devices   log to runs ${one.runsMs.toFixed(0)} ms, runs to verdicts ${one.evaluationMs.toFixed(0)} ms: ${perSecond(devices, ours)} devices a second; ` +
        `${one.connections.toLocaleString('en')} connections, log ${mb(one.logBytes)}, runs ${mb(one.runBytes)}, read again ${mb(one.bytesRead)}; peak +${mb(one.peakBytes)}\n` +
        `${''.padStart(8)}           sets of texts ${one.plainMs.toFixed(0)} ms: ${(one.plainMs / ours).toFixed(1)}x; peak another +${mb(one.plainBytes)}\n`,
    );
  }
  for (const devices of [largest / 40, largest / 4]) {
    const day = inProcess(`day:${devices}`) as MeasuredDay;
    process.stdout.write(
      `a day, one partition of ${devices.toLocaleString('en')} devices: ${day.tuples.toLocaleString('en')} connections merged from 24 hours in ${(day.mergeMs / 1000).toFixed(1)} s (${mb(day.bytesRead)} read, ${mb(day.runBytes)} written), judged in ${(day.evaluationMs / 1000).toFixed(1)} s; peak +${mb(day.peakBytes)}\n`,
    );
  }
}
