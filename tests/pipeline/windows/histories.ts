// What devices did, as a plain list; the activity log of it; and what a naive reader counts in the list.
import * as fc from 'fast-check';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { MemoryCheckpoints } from '../../../shared/adapters/memory/checkpoints.ts';
import { MemoryRuns } from '../../../shared/adapters/memory/runs.ts';
import { ipv4, parseAddress } from '../../../shared/domain/address/address.ts';
import { isKnown } from '../../../shared/domain/window/device-activity.ts';
import { countOf, tupleAt } from '../../../shared/domain/window/five-tuples.ts';
import {
  DAY_MS,
  PIECE_MS,
  type Window,
  alignedDown,
  alignedUp,
  holds,
} from '../../../shared/domain/window/window.ts';
import { COUNTED, OTHER, QUARANTINED } from '../../../shared/format/activity-log/rows.ts';
import { hourOf, nextFileName } from '../../../shared/pipeline/log/file-name.ts';
import type { Activities } from '../../../shared/pipeline/windows/run-files.ts';
import type { PartitionState } from '../../../shared/pipeline/windows/evaluate-window.ts';
import type { RunServices } from '../../../shared/pipeline/windows/runs-state.ts';
import type { ActivityLog } from '../../../shared/ports/activity-log.ts';
import type { Runs } from '../../../shared/ports/runs.ts';
import { wholeOf } from '../../contracts/runs.ts';
import { type TestConnection, type TestRow, testRow } from '../../format/activity-log/blocks.ts';
import { LogWriter, MINUTE, PARTITION, START } from '../log/logs.ts';

/** The window of that size that holds `time`. */
export function windowAt(time: number, size: number): Window {
  const start = alignedDown(time, size);
  return { start, end: start + size };
}

/** The partition that `LogWriter` writes, and the first generation of its runs. */
export const RUNS = { ...PARTITION, generation: 0 };

/** A partition that is read, of which nothing was lost. */
export const READ: PartitionState = {
  isRead: true,
  mayHaveLost: false,
  isCurrent: async () => true,
};

export const GRACE_MS = 5 * MINUTE;

type Kind = 'message' | 'repeat' | 'refused' | 'telemetry' | 'twinUpdate' | 'deviceDeleted';

/** One event: when Event Hubs and IoT Hub took it, and what it was. */
export interface Happened {
  readonly at: number;
  readonly hubTime: number;
  readonly deviceId: string;
  readonly securityGroup: string;
  readonly kind: Kind;
  /** Which of `PEERS` a message names. */
  readonly peers: readonly number[];
  /** A block, a file or an epoch begins with it. */
  readonly begins: 'block' | 'file' | 'epoch' | null;
}

const connection = (remote: string, fields: Partial<TestConnection> = {}): TestConnection => ({
  local: ipv4(0x0a00_0001),
  remote: parseAddress(remote)!,
  localPort: 50_000,
  remotePort: 443,
  bytesIn: 1,
  bytesOut: 2,
  protocol: 6,
  ...fields,
});
const ipv6 = parseAddress('2001:db8::1')!;
export const PEERS: readonly TestConnection[] = [
  connection('192.0.2.1'),
  connection('192.0.2.1', { remotePort: 80 }),
  connection('192.0.2.2'),
  connection('192.0.2.2', { protocol: 17 }),
  connection('192.0.2.2', { bytesIn: 9 }),
  connection('2001:db8::2', { local: ipv6 }),
  connection('::ffff:192.0.2.1', { local: ipv6 }),
];

export function happened(fields: Partial<Happened> = {}): Happened {
  const at = fields.at ?? START;
  return {
    at,
    hubTime: at - 1000,
    deviceId: 'a',
    securityGroup: 'default',
    kind: 'message',
    peers: [],
    begins: null,
    ...fields,
  };
}

export function rowOf({ at, hubTime, deviceId, securityGroup, kind, peers }: Happened): TestRow {
  const isMessage = kind === 'message';
  const isOther = kind === 'telemetry' || kind === 'twinUpdate' || kind === 'deviceDeleted';
  return testRow({
    kind: isOther ? OTHER : kind === 'refused' ? QUARANTINED : COUNTED,
    ...(isOther ? { topic: kind, hashLow: 0, hashHigh: 0 } : {}),
    repeat: kind === 'repeat',
    enqueuedTime: at,
    hubTime,
    device: { deviceId, moduleId: null, securityGroup },
    deviceTimeSeconds: isMessage ? 1_787_399_990 : 0,
    connections: isMessage ? peers.map((peer) => PEERS[peer]!) : [],
    refused: kind === 'refused' ? { reason: 'truncated', raw: [1] } : null,
  });
}

/** Writes the list block by block; after each one `wrote` may look at the log. */
export async function writeHistory(
  history: readonly Happened[],
  wrote: (writer: LogWriter, lastAt: number) => Promise<void> = async () => undefined,
): Promise<LogWriter> {
  const writer = new LogWriter();
  await writer.create();
  let block: Happened[] = [];
  const flush = async () => {
    if (block.length === 0) return;
    const lastAt = block.at(-1)!.at;
    await writer.append(block.map(rowOf));
    block = [];
    await wrote(writer, lastAt);
  };
  for (const event of history) {
    const hour = hourOf(event.at);
    if (event.begins !== null || hour > writer.hour) await flush();
    if (event.begins === 'file' || hour > writer.hour) {
      const next = nextFileName(writer.file, hour);
      await writer.close(next);
      await writer.open(next, hour);
    }
    if (event.begins === 'epoch') writer.startEpoch(event.at);
    block.push(event);
  }
  await flush();
  return writer;
}

const planned = fc.record({
  step: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 90_000 }) },
    { weight: 3, arbitrary: fc.constantFrom(0, 1, MINUTE, 5 * MINUTE, 5 * MINUTE - 1) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 30 * MINUTE }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 * 60 * MINUTE }) },
  ),
  lag: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: -MINUTE, max: 0 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 * MINUTE }) },
    { weight: 1, arbitrary: fc.constantFrom(0, MINUTE, 5 * MINUTE, 10 * MINUTE) },
  ),
  deviceId: fc.constantFrom('a', 'b', 'c', 'd', 'B', 'ä', '\ud83d\udca1', ''),
  securityGroup: fc.constantFrom('default', 'pumps', 'valves'),
  kind: fc.constantFrom<Kind>(
    'message',
    'message',
    'message',
    'message',
    'repeat',
    'refused',
    'telemetry',
    'twinUpdate',
    'deviceDeleted',
  ),
  peers: fc.array(fc.nat(PEERS.length - 1), { maxLength: 4 }),
  begins: fc.constantFrom<Happened['begins']>(
    null,
    null,
    null,
    null,
    'block',
    'block',
    'file',
    'epoch',
  ),
});

/** IoT Hub's time up to a minute ahead of Event Hubs' or up to 40 behind, hours of silence, files and epochs. */
export const histories: fc.Arbitrary<readonly Happened[]> = fc
  .tuple(fc.nat(6 * 60 * MINUTE), fc.array(planned, { minLength: 1, maxLength: 60 }))
  .map(([offset, plans]) => {
    let at = START + offset;
    return plans.map(({ step, lag, ...fields }) => {
      at += step;
      return { ...fields, at, hubTime: at - lag };
    });
  });

/** All slices that rows stand in, and the day they end in. */
export function endOf(history: readonly Happened[]): number {
  return alignedUp(history.at(-1)!.at, DAY_MS) + 2 * PIECE_MS;
}

export function runServices(
  log: ActivityLog,
  ports: Partial<RunServices> = {},
): RunServices & { runs: Runs } {
  const runs = new MemoryRuns();
  return { log, runs, checkpoints: new MemoryCheckpoints(), codec, graceMs: GRACE_MS, ...ports };
}

/** Every file, byte for byte. */
export async function filesOf(runs: Runs): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of await runs.list('')) {
    files[name] = (await wholeOf(runs, name))!.toString('base64');
  }
  return files;
}

/** A device as plain values. The group of one that sent nothing is that of any of its events. */
export interface Shown {
  readonly groups: readonly string[];
  readonly seen: { readonly first: number; readonly last: number } | null;
  readonly deletedAt: number | null;
  readonly messages: number;
  readonly twinUpdates: number;
  /** Sorted. */
  readonly tuples: readonly string[];
}

export async function shown(activities: Activities): Promise<Record<string, Shown>> {
  const devices: Record<string, Shown> = {};
  let last: string | null = null;
  for await (const batch of activities) {
    for (const device of batch) {
      if (last !== null && device.deviceId <= last) throw new Error('the devices do not ascend');
      last = device.deviceId;
      const { seen, deletedAt, messages, twinUpdates, tuples } = device;
      devices[device.deviceId] = {
        groups: [device.securityGroup],
        seen,
        deletedAt,
        messages,
        twinUpdates,
        tuples: Array.from({ length: countOf(tuples) }, (_, i) => {
          const { records, ...key } = tupleAt(tuples, i);
          return `${JSON.stringify(Object.values(key))} ${records}`;
        }).sort(),
      };
    }
  }
  return devices;
}

/** What the events together say, by device. */
export function countedIn(events: readonly Happened[]): Record<string, Shown> {
  const devices: Record<string, Shown> = {};
  for (const deviceId of new Set(events.map((event) => event.deviceId))) {
    const own = events.filter((e) => e.deviceId === deviceId && e.kind !== 'telemetry');
    if (deviceId === '' || own.length === 0) continue;
    const seen = own.filter(({ kind }) => ['message', 'repeat', 'refused'].includes(kind));
    const times = seen.map(({ hubTime }) => hubTime);
    const latest = seen.findLast(({ hubTime }) => hubTime === Math.max(...times));
    const ends = own.filter(({ kind }) => kind === 'deviceDeleted').map((e) => e.hubTime);
    const messages = own.filter(({ kind }) => kind === 'message');
    devices[deviceId] = {
      groups:
        latest === undefined ? own.map((event) => event.securityGroup) : [latest.securityGroup],
      seen: latest === undefined ? null : { first: Math.min(...times), last: Math.max(...times) },
      deletedAt: ends.length === 0 ? null : Math.max(...ends),
      messages: messages.length,
      twinUpdates: own.filter(({ kind }) => kind === 'twinUpdate').length,
      tuples: tuplesOf(messages),
    };
  }
  return devices;
}

function tuplesOf(messages: readonly Happened[]): readonly string[] {
  const records = new Map<string, number>();
  for (const peer of messages.flatMap(({ peers }) => peers)) {
    const { local, remote, localPort, remotePort, protocol } = PEERS[peer]!;
    const key = [local.family, protocol, local.words, remote.words, localPort, remotePort];
    records.set(JSON.stringify(key), (records.get(JSON.stringify(key)) ?? 0) + 1);
  }
  return [...records].map(([key, count]) => `${key} ${count}`).sort();
}

/** Rows of the window by IoT Hub's time, and not late by Event Hubs'. */
export function countedInWindow(history: readonly Happened[], window: Window) {
  return countedIn(history.filter((e) => holds(window, e.hubTime) && e.at < window.end + GRACE_MS));
}

/** The devices that are known at `until`: of what happened before, and was read in time for a window that ends there. */
export function knownAt(history: readonly Happened[], until: number): Record<string, Shown> {
  const mark = alignedDown(until, PIECE_MS);
  const told = history.filter((e) => {
    if (e.kind === 'telemetry' || e.deviceId === '') return false;
    // A window that ends inside five minutes takes what was late for the last five with them.
    return e.hubTime < mark ? e.at < mark + GRACE_MS : e.hubTime < until && e.at < until + GRACE_MS;
  });
  const devices = Object.entries(countedIn(told)).filter(([, device]) => isKnown(device));
  return Object.fromEntries(
    devices.map(([id, device]) => [id, { ...device, messages: 0, twinUpdates: 0, tuples: [] }]),
  );
}

/** What is counted for a device that sent no message is not of one group. */
export function sameDevices(
  found: Record<string, Shown>,
  expected: Record<string, Shown>,
): [unknown, unknown] {
  const agreed = Object.fromEntries(
    Object.entries(expected).map(([id, device]) => {
      const group = found[id]?.groups[0] ?? '';
      return [id, device.groups.includes(group) ? { ...device, groups: [group] } : device];
    }),
  );
  return [found, agreed];
}
