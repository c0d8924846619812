// The real ingest, fold, hunts, windows and catch-up in a simulated world: virtual time, seeded faults on every call over the network, and
// an oracle that saw what the devices really sent. The faults are those of the protocol model that the design was proved on.
import type { Alert } from '../../shared/domain/alert/alert.ts';
import { formatIpv4 } from '../../shared/domain/address/address.ts';
import { parsePrefix } from '../../shared/domain/address/prefix.ts';
import { NO_DETAIL } from '../../shared/domain/indicator/indicator.ts';
import type { TimeWindowRule } from '../../shared/domain/security-group/security-group.ts';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import { SEVERITIES, type Severity } from '../../shared/domain/alert/severity.ts';
import { type Totals, addTotals } from '../../shared/domain/alert/totals.ts';
import { readRows } from '../../shared/format/activity-log/block.ts';
import type { DataHeader } from '../../shared/format/activity-log/header.ts';
import { type ActivityRows, COUNTED } from '../../shared/format/activity-log/rows.ts';
import { readDeviceEvent } from '../../shared/format/trigger/device-event.ts';
import { buildSnapshot } from '../../shared/format/indicator-snapshot/build-snapshot.ts';
import { zstdBlockCodec as codec } from '../../shared/adapters/node/block-codec.ts';
import { MemoryActivityLog } from '../../shared/adapters/memory/activity-log.ts';
import { MemoryAlertStore } from '../../shared/adapters/memory/alert-store.ts';
import { MemoryCheckpoints } from '../../shared/adapters/memory/checkpoints.ts';
import { MemoryDeviceStream } from '../../shared/adapters/memory/device-stream.ts';
import { MemoryIndicatorSnapshots } from '../../shared/adapters/memory/indicator-snapshots.ts';
import { MemoryRuns } from '../../shared/adapters/memory/runs.ts';
import { MemorySecurityGroups } from '../../shared/adapters/memory/security-groups.ts';
import { AlertOpener, alertIdOf, changeAlert } from '../../shared/pipeline/alerts.ts';
import { CatchUp } from '../../shared/pipeline/catch-up.ts';
import { type FoldServices } from '../../shared/pipeline/fold.ts';
import { foldActivityLog } from './fold-log.ts';
import { requestHunt } from '../../shared/pipeline/hunt/requested-hunts.ts';
import { huntIndicators } from '../../shared/pipeline/hunt/hunt-indicators.ts';
import type { HuntServices } from '../../shared/pipeline/hunt/hunt-publications.ts';
import { CurrentGroups } from '../../shared/pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from '../../shared/pipeline/ingest/current-snapshot.ts';
import { Ingest } from '../../shared/pipeline/ingest/ingest.ts';
import { readForward } from '../../shared/pipeline/log/read-log.ts';
import { OneAtATime } from '../../shared/pipeline/one-at-a-time.ts';
import { forgetFolds, removeOldRuns } from '../../shared/pipeline/rebuild.ts';
import type { WindowServices } from '../../shared/pipeline/windows/due-windows.ts';
import { allPartitions } from '../../shared/pipeline/windows/progress.ts';
import { folderOfGeneration } from '../../shared/pipeline/windows/run-files.ts';
import { keepRegisteredDevices } from '../../shared/pipeline/windows/registered-devices.ts';
import { ingestLag } from '../../shared/rules/platform/ingest-lag.ts';
import { streamGap } from '../../shared/rules/platform/stream-gap.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { DEFAULT_SETTINGS } from '../../shared/pipeline/settings.ts';
import type { StreamEvent } from '../../shared/ports/device-stream.ts';
import { filesOf } from '../pipeline/windows/histories.ts';
import { encodeMessage } from './encode-message.ts';
import {
  type WindowActors,
  type WindowApp,
  type WindowSums,
  type WindowTruth,
  checkWindows,
  closeAllDue,
  retried,
  runWindowTimer,
  someWindowRules,
  windowApp,
} from './simulated-windows.ts';

export const FAULTS = [
  'reject',
  'lostReply',
  'zombie',
  'slow',
  'crash',
  'dualOwner',
  'skip',
  'recreate',
  'retention',
  'outage',
  'person',
  'twoFolds',
  'twoHunts',
  'requests',
  'snapshots',
  'groups',
  'foldDown',
  'jitter',
  'twoClosers',
  'closerDown',
  'lateMessages',
  'registry',
  'rebuild',
] as const;
type Fault = (typeof FAULTS)[number];

export interface Violation {
  readonly kind: string;
  readonly detail: string;
}

export interface SimulationResult {
  readonly violations: readonly Violation[];
  readonly faults: readonly Fault[];
  readonly events: number;
  readonly blocks: number;
  readonly conflicts: number;
  /** Alerts with something that a hunt found. */
  readonly hunted: number;
  /** Alerts of a group's rule. */
  readonly broken: number;
  readonly windows: WindowSums;
  readonly trace: readonly string[];
}

const SECOND = 1000;
const STREAM = 'test~devices';
const HUB = 'test-hub';
const ADDRESSES = ['192.0.2.10', '192.0.2.20', '198.51.100.30'];
const settings = { ...DEFAULT_SETTINGS, hub: HUB, maxFileBlocks: 4 };

class NetworkError extends Error {}

/** What the devices really sent. */
interface Accepted {
  readonly partition: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly enqueued: number;
  readonly hubTime: number;
  readonly device: string;
  /** The stream was created anew before it was read: nobody can know of it. */
  excused: boolean;
  /** Retention destroyed it before it was read: it must be reported. */
  expired: boolean;
}

interface Group {
  readonly name: string;
  dead: boolean;
}

/** What a feed says of an address: when it holds, and for which port of the peer. */
interface Listing {
  readonly feed: string;
  readonly address: string;
  readonly from: number;
  readonly until: number;
  readonly port: number | null;
}

interface OracleContact {
  readonly address: string;
  readonly at: number;
  readonly port: number;
}

function says(listings: readonly Listing[], { address, at, port }: OracleContact): boolean {
  return listings.some(
    (one) =>
      one.address === address &&
      at >= one.from &&
      at < one.until &&
      (one.port === null || one.port === port),
  );
}

function indicatorOf({ address, from, until, port }: Listing) {
  const time = (value: number) => (Number.isFinite(value) ? formatInstant(value) : null);
  const constraint = port === null ? null : { ports: [port], direction: null, protocol: null };
  const detail = { ...NO_DETAIL, validFrom: time(from), validUntil: time(until), constraint };
  return { prefix: parsePrefix(address)!, detail };
}

/** Seeded, so that a failing schedule can be run again. */
function randomOf(seed: number): () => number {
  let a = Math.imul(seed, 2654435761);
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export async function simulate(
  seed: number,
  force: readonly Fault[] = [],
): Promise<SimulationResult> {
  const random = randomOf(seed);
  const int = (n: number) => Math.floor(random() * n);
  const chance = (p: number) => random() < p;
  const pick = <T>(list: readonly T[]): T => list[int(list.length)]!;
  const density = pick([0.15, 0.3, 0.6]);
  const faults = new Set<Fault>(FAULTS.filter(() => chance(density)));
  for (const fault of force) faults.add(fault);
  // A batch of a new stream that is skipped cannot be told from a gap: the known limit of section 6.
  if (faults.has('recreate'))
    for (const fault of ['skip', 'retention'] as const) faults.delete(fault);

  const trace: string[] = [];
  const DURATION = (500 + int(1600)) * SECOND;
  // An hour of the log's file names ends somewhere in the run.
  // So does a day, in half of them.
  const HOUR_END = 1_800_000_000_000 + (chance(0.5) ? 1 : 16) * 3_600_000;
  const START = HOUR_END - int(DURATION + 400 * SECOND);
  let recreatedAt: number | null = null;
  const graceMs = pick([60, 150, 300]) * SECOND;
  let now = START;
  let calm = false;
  let conflicts = 0;
  const note = (text: string) => {
    if (trace.length < 4000)
      trace.push(`${((now - START) / SECOND).toFixed(1).padStart(7)} ${text}`);
  };

  // ---- scheduler: events in virtual time; between two of them every promise that can settle settles --------------------
  const queue: { at: number; order: number; run: () => void }[] = [];
  let order = 0;
  const at = (time: number, run: () => void) => {
    let i = queue.length;
    const entry = { at: time, order: order++, run };
    while (i > 0 && queue[i - 1]!.at > time) i--;
    queue.splice(i, 0, entry);
  };
  const sleep = (ms: number) => new Promise<void>((resolve) => at(now + ms, resolve));
  const clock = { now: () => now };

  // ---- the network: a call may be refused, answered late, done but not answered, done long after its caller gave up -----
  function call<T>(group: Group, name: string, run: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (group.dead) return;
      const answer = (value: T) => {
        if (!group.dead) resolve(value);
      };
      const fail = (time: number, why: string) =>
        at(time, () => {
          if (!group.dead) reject(new NetworkError(`${name}: ${why}`));
        });
      const deliver = (time: number) => at(time, () => void run().then(answer, reject));
      const done = (time: number) => at(time, () => void run().then(undefined, () => {}));
      if (!calm) {
        const k = random();
        if (faults.has('crash') && k < 0.006) {
          if (chance(0.5)) done(now + random() * SECOND);
          note(`${group.name} CRASHES in ${name}`);
          group.dead = true;
          return;
        }
        if (faults.has('reject') && k < 0.04) return fail(now + random() * SECOND, 'refused (503)');
        if (faults.has('lostReply') && k < 0.07) {
          done(now + random() * 4 * SECOND);
          return fail(now + 5 * SECOND, 'timeout, but done');
        }
        if (faults.has('zombie') && k < 0.09) {
          done(now + (10 + random() * 170) * SECOND);
          return fail(now + (5 + random() * 10) * SECOND, 'timeout, still on its way');
        }
        if (faults.has('slow') && k < 0.13) {
          const first = now + random() * 60 * SECOND;
          at(first, () => {
            const result = run();
            at(first + random() * 60 * SECOND, () => void result.then(answer, reject));
            result.catch(() => {});
          });
          return;
        }
      }
      deliver(now + (20 + random() * 300));
    });
  }

  /** A port as seen over the network by one instance. */
  function remote<P extends object>(group: Group, port: P): P {
    return new Proxy(port, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        const name = String(property);
        if (name === 'list' && target instanceof MemoryAlertStore) {
          return async function* (...args: unknown[]) {
            yield* await call(group, name, async () => {
              const all = [];
              for await (const one of member.apply(target, args)) all.push(one);
              return all;
            });
          };
        }
        return async (...args: unknown[]) => {
          // What is written in pieces is on its way once they are there.
          if (name === 'write' && target instanceof MemoryRuns) {
            args[1] = await allOf(args[1] as AsyncIterable<Uint8Array>);
          }
          const result: unknown = await call(group, name, () => member.apply(target, args));
          if (result === 'conflict') conflicts++;
          return result;
        };
      },
    });
  }

  // ---- stores, stream, snapshots ---------------------------------------------------------------------------------------
  const partitions = Array.from({ length: 1 + int(2) }, (_, i) => String(i));
  const stream = new MemoryDeviceStream(partitions);
  const log = new MemoryActivityLog();
  const alertStore = new MemoryAlertStore();
  const runs = new MemoryRuns();
  const checkpoints = new MemoryCheckpoints();
  const snapshots = new MemoryIndicatorSnapshots();
  const groups = new MemorySecurityGroups();
  let incarnation = 0;
  const accepted: Accepted[] = [];
  const hostCheckpoint = new Map<string, { incarnation: number; sequence: number }>();

  /** Half of them hold at any time, the others from or until some time, or for one port. */
  const someListing = (): Listing => {
    const time = Math.floor(START + random() * DURATION);
    const from = chance(0.2) ? time : -Infinity;
    const until = from === -Infinity && chance(0.2) ? time : Infinity;
    const port = chance(0.15) ? 443 : null;
    return { feed: pick(['one', 'two']), address: pick(ADDRESSES), from, until, port };
  };
  const listed: (readonly Listing[])[] = [
    ADDRESSES.filter(() => chance(0.5)).map((address) => ({ ...someListing(), address })),
  ];
  const snapshotIds: string[] = [];
  const publish = async (listings: readonly Listing[]) => {
    // One that nobody talks to, so that no two snapshots are the same file.
    const filler = { ...someListing(), feed: 'filler', address: `203.0.113.${snapshotIds.length}` };
    const byFeed = Map.groupBy([...listings, filler], ({ feed }) => feed);
    const feeds = [...byFeed].map(([name, own]) => ({
      name,
      kind: 'threat' as const,
      indicators: own.map(indicatorOf),
    }));
    snapshotIds.push((await publishSnapshot(snapshots, clock, buildSnapshot(feeds))).id);
  };
  await publish(listed[0]!);
  if (faults.has('snapshots')) {
    for (let i = 0, time = START; i < 1 + int(4); i++) {
      const before = listed.at(-1)!;
      const dropped = int(Math.max(1, before.length));
      const next =
        before.length > 0 && chance(0.4)
          ? before.filter((_, j) => j !== dropped)
          : [...before, someListing()];
      listed.push(next);
      time += random() * (DURATION / 3);
      at(time, () => {
        note(`SNAPSHOT lists ${next.map(({ address }) => address).join(' ')}`);
        void publish(next);
      });
    }
  }

  /** By revision: the addresses that the group of all devices forbids, and its rules of windows. Nobody has another rule. */
  const denied: (readonly string[])[] = [[]];
  const windowRules: { rules: readonly TimeWindowRule[]; until: number }[] = [
    { rules: [], until: Infinity },
  ];
  let ownRules = someWindowRules(int);
  const writeGroup = async (values: readonly string[]) => {
    const denylistRules = [{ ruleType: 'DenylistCustomAlertRule', isEnabled: true, values }];
    const timeWindowRules = ownRules;
    const group = { name: 'Cameras', timeWindowRules, allowlistRules: [], denylistRules };
    const version = (await groups.read('cameras'))?.version ?? null;
    if ((await groups.write(group, version)) === null) return;
    denied.push(values);
    windowRules.at(-1)!.until = now;
    windowRules.push({ rules: timeWindowRules, until: Infinity });
  };
  // Where there was no group at first, its rules of windows begin later.
  if (!faults.has('groups') || chance(0.7)) await writeGroup([]);
  const groupChanges: number[] = [];
  if (faults.has('groups')) {
    for (let i = 0, time = START; i < 1 + int(4); i++) {
      const values = ADDRESSES.filter(() => chance(0.5));
      const rules = chance(0.5) ? someWindowRules(int) : null;
      at(time, () => {
        note(`GROUP denies ${values.join(' ')}`);
        ownRules = rules ?? ownRules;
        void writeGroup(values);
      });
      groupChanges.push(time);
      time += random() * (DURATION / 2);
    }
  }

  // ---- devices ----------------------------------------------------------------------------------------------------------
  interface Sent {
    readonly device: string;
    readonly number: number;
    readonly body: Uint8Array;
  }
  const produce = ({ device, number, body }: Sent) => {
    const shift = incarnation > 0 && partitions.length > 1 ? 1 : 0;
    const partition = partitions[(Number(device.slice(1)) + shift) % partitions.length]!;
    const jitter = faults.has('jitter')
      ? chance(0.15)
        ? random() * 300
        : random() * 20
      : random() * 2;
    // Beyond the grace period of its window, or just within.
    const late = faults.has('lateMessages') && chance(0.25) ? graceMs / SECOND + int(600) - 150 : 0;
    const lag = jitter + Math.max(0, late);
    const hubTime = Math.floor(now - lag * SECOND);
    const [event] = stream.send(partition, {
      enqueuedTime: Math.floor(now),
      body,
      properties: { mti: '2.3-1-0-0', securityGroup: 'cameras' },
      systemProperties: {
        'iothub-connection-device-id': device,
        'iothub-enqueuedtime': new Date(hubTime).toISOString(),
        'iothub-interface-id': 'urn:azureiot:Security:SecurityAgent:1',
      },
    });
    const { sequenceNumber: sequence, enqueuedTime: enqueued } = event!;
    accepted.push({
      partition,
      incarnation,
      sequence,
      enqueued,
      hubTime,
      device,
      excused: false,
      expired: false,
    });
    note(
      `p${partition} gets ${sequence} from ${device}: message ${number}, hub time ${((hubTime - START) / SECOND).toFixed(0)}`,
    );
  };
  const regular = 4 + int(16);
  // Around a change of the groups there is traffic, so that instances of either revision meet in a partition.
  const sendTimes = [
    ...Array.from({ length: regular }, () => START + random() * DURATION),
    ...groupChanges.flatMap((time) => [-20, 0, 20, 40, 60].map((s) => time + s * SECOND)),
  ];
  for (const [number, time] of sendTimes.entries()) {
    const connections = Array.from({ length: 1 + int(2) }, () => ({
      remote: pick(ADDRESSES),
      localPort: pick([443, 40_000]),
      remotePort: pick([443, 5000]),
      bytesIn: int(9),
      bytesOut: int(9),
    }));
    const sent: Sent = {
      device: `d${int(2)}`,
      number,
      body: encodeMessage(connections, 1_700_000_000 + number),
    };
    at(time, () => produce(sent));
    if (chance(0.25)) at(time + random() * 420 * SECOND, () => produce(sent));
    if (chance(0.05)) at(time + random() * 800 * SECOND, () => produce(sent));
  }
  if (faults.has('recreate')) {
    at(START + random() * DURATION, () => {
      note('STREAM RECREATED');
      stream.recreate();
      incarnation++;
      recreatedAt = now;
      void excuse();
    });
  }
  const rowsInLog = async (): Promise<Set<string>> => {
    const present = new Set<string>();
    for (const { header, rows, partition } of await blocksOf()) {
      for (let i = 0; i < rows.count; i++) {
        present.add(`${partition}/${header.fromSequence + i}/${rows.enqueuedTime[i]}`);
      }
    }
    return present;
  };
  const nameOf = (e: Accepted) => `${e.partition}/${e.sequence}/${e.enqueued}`;
  const excuse = async () => {
    const before = accepted.filter((e) => e.incarnation < incarnation);
    const present = await rowsInLog();
    for (const event of before) if (!present.has(nameOf(event))) event.excused = true;
  };
  if (faults.has('retention')) {
    for (let i = 0; i < 2; i++) {
      at(START + random() * DURATION, () => {
        void (async () => {
          const partition = pick(partitions);
          const { beginningSequenceNumber: begin } = await stream.properties(partition);
          const until = begin + int(4);
          const present = await rowsInLog();
          stream.deleteBefore(partition, until);
          for (const event of accepted) {
            const gone = event.partition === partition && event.sequence < until;
            if (gone && !present.has(nameOf(event))) event.expired = true;
          }
          note(`p${partition} RETENTION drops below ${until}`);
        })();
      });
    }
  }

  // ---- instances and the host -------------------------------------------------------------------------------------------
  interface Instance {
    readonly group: Group;
    readonly ingest: Ingest;
    readonly catchUp: CatchUp;
  }
  let born = 0;
  const instances: Instance[] = [];
  const makeInstance = (): Instance => {
    const group: Group = { name: `I${born++}`, dead: false };
    const services = {
      log: remote(group, log),
      stream: remote(group, stream),
      clock,
      codec,
      settings,
    };
    const ingest = new Ingest({
      ...services,
      snapshot: new CurrentSnapshot(remote(group, snapshots), clock, settings.snapshotFreshMs),
      groups: new CurrentGroups(remote(group, groups), clock, settings.groupsFreshMs),
      writerId: group.name,
      alerts: new AlertOpener(remote(group, alertStore), clock, HUB),
    });
    const catchUp = new CatchUp({ ...services, ingest, alertStore: remote(group, alertStore) });
    return { group, ingest, catchUp };
  };
  const owners = new Map<string, { instance: Instance }>();
  let pausedUntil = 0;
  const claim = (partition: string, instance: Instance = pick(instances)) => {
    const token = { instance };
    owners.set(partition, token);
    note(`p${partition} claimed by ${instance.group.name}`);
    void host(partition, token);
  };
  async function host(partition: string, token: { instance: Instance }): Promise<void> {
    const { group, ingest } = token.instance;
    let current = hostCheckpoint.get(partition) ?? { incarnation: 0, sequence: -1 };
    for (;;) {
      if (group.dead) return;
      if (owners.get(partition) !== token && chance(0.4)) return;
      if (now < pausedUntil) {
        await sleep(pausedUntil - now + random() * 5 * SECOND);
        continue;
      }
      if (current.incarnation !== incarnation) current = { incarnation, sequence: -1 };
      const waiting = await stream.read(partition, current.sequence + 1, Infinity, 1 + int(4));
      if (waiting.length === 0) {
        await sleep(calm ? 30 * SECOND : (5 + random() * 15) * SECOND);
        continue;
      }
      // The host may deliver what was delivered before: 1, 2, 1, 2, 3.
      const again = chance(0.1)
        ? await stream.read(
            partition,
            Math.max(0, current.sequence - int(3)),
            waiting[0]!.sequenceNumber,
            10,
          )
        : [];
      const events = [...again, ...waiting];
      const read = current.incarnation;
      if (faults.has('slow') && chance(0.1)) await sleep(random() * 100 * SECOND);
      for (let wait = 2; ; wait = Math.min(60, wait * 2)) {
        if (faults.has('skip') && !calm && chance(0.06)) {
          note(`p${partition} ${group.name}: batch SKIPPED up to ${events.at(-1)!.sequenceNumber}`);
          break;
        }
        try {
          await ingest.ingest({ stream: STREAM, partition, events: events.map(asDeviceEvent) });
          break;
        } catch (error) {
          note(`p${partition} ${group.name} fails: ${(error as Error).message}`);
          if (!isTransient(error)) throw error;
        }
        await sleep(wait * (0.8 + random() * 0.4) * SECOND);
        if (group.dead || (owners.get(partition) !== token && chance(0.3))) return;
      }
      current = { incarnation: read, sequence: waiting.at(-1)!.sequenceNumber };
      if (!group.dead) hostCheckpoint.set(partition, current);
    }
  }
  const crashed: unknown[] = [];
  const guarded = (work: Promise<unknown>) =>
    void work.catch((error: unknown) => {
      if (!isTransient(error)) crashed.push(error);
    });
  const watchDeaths = () => {
    for (const [i, instance] of instances.entries()) {
      if (!instance.group.dead) continue;
      instances[i] = makeInstance();
      for (const partition of partitions) {
        if (owners.get(partition)?.instance !== instance) continue;
        owners.delete(partition);
        at(now + (5 + random() * 40) * SECOND, () => claim(partition));
      }
    }
  };
  instances.push(makeInstance(), makeInstance());
  for (const partition of partitions) at(START + random() * SECOND, () => claim(partition));
  if (faults.has('dualOwner')) {
    for (let t = random() * 200; t * SECOND < DURATION; t += 20 + random() * 250) {
      at(START + t * SECOND, () => claim(pick(partitions)));
    }
  }
  for (const time of groupChanges) {
    for (const s of [5, 25, 45]) at(time + s * SECOND, () => claim(pick(partitions)));
  }
  if (faults.has('outage')) {
    at(START + random() * DURATION, () => {
      pausedUntil = now + random() * 1500 * SECOND;
      note('OUTAGE of ingest');
    });
  }
  const every = (seconds: number, run: () => void) => {
    const tick = () => {
      run();
      if (now < END) at(now + (calm ? seconds * 1.5 : seconds) * SECOND, tick);
    };
    at(START + random() * seconds * SECOND, tick);
  };
  const QUIET = START + DURATION + 450 * SECOND;
  const END = QUIET + 2100 * SECOND;
  at(QUIET, () => {
    calm = true;
    pausedUntil = 0;
    note('--- faults stop ---');
    for (const partition of partitions) claim(partition);
  });
  let foldsFrom = 0;
  if (faults.has('foldDown')) {
    at(START + random() * DURATION, () => {
      foldsFrom = now + random() * 800 * SECOND;
    });
  }
  const fold = (name: string) => {
    const group: Group = { name, dead: false };
    const services: FoldServices = {
      log: remote(group, log),
      alerts: remote(group, alertStore),
      checkpoints: remote(group, checkpoints),
      clock,
      codec,
      hub: HUB,
    };
    guarded(foldActivityLog(services));
  };
  every(60, () => {
    if (now < foldsFrom && !calm) return;
    fold('fold');
    if (faults.has('twoFolds') && !calm) at(now + random() * 20 * SECOND, () => fold('fold2'));
  });
  const huntServices = (name: string): HuntServices => {
    const group: Group = { name, dead: false };
    return {
      log: remote(group, log),
      alerts: remote(group, alertStore),
      checkpoints: remote(group, checkpoints),
      snapshots: remote(group, snapshots),
      intelligence: new CurrentSnapshot(remote(group, snapshots), clock, settings.snapshotFreshMs),
      clock,
      codec,
      hub: HUB,
      ephemeralPortFrom: settings.ephemeralPortFrom,
      lookbackMs: 14 * 24 * 3600 * SECOND,
    };
  };
  const hunt = (name: string) =>
    guarded(
      (async () => {
        const run = await huntIndicators(huntServices(name));
        if (run !== null && run.errors.length > 0) throw new AggregateError(run.errors);
      })(),
    );
  if (faults.has('requests')) {
    for (let i = 0; i < 1 + int(3); i++) {
      at(START + random() * (DURATION + 300 * SECOND), () => {
        const body = {
          addresses: ADDRESSES.filter(() => chance(0.6)).concat(ADDRESSES[0]!),
          since: formatInstant(now - random() * (now - START)),
        };
        note(`a hunt for ${body.addresses.join(' ')} since ${body.since}`);
        guarded(requestHunt(huntServices('request'), body));
      });
    }
  }
  every(60, () => {
    hunt('hunt');
    if (faults.has('twoHunts') && !calm) at(now + random() * 20 * SECOND, () => hunt('hunt2'));
  });
  // ---- windows: function apps that run the timer and its orchestrations ------------------------------------------------------
  const windowServices = (group: Group | null): Omit<WindowServices, 'oneAtATime'> => {
    const port = <P extends object>(own: P): P => (group === null ? own : remote(group, own));
    return {
      log: port(log),
      runs: port(runs),
      alerts: port(alertStore),
      checkpoints: port(checkpoints),
      groups: port(groups),
      stream: port(stream),
      streamName: STREAM,
      clock,
      codec,
      hub: HUB,
      graceMs,
    };
  };
  const actors: WindowActors = { sleep, random, note, isTransient };
  const closers = new Map<string, { group: Group; app: WindowApp }>();
  let closersFrom = 0;
  const closeWindows = (name: string) => {
    if (now < closersFrom && !calm) return;
    let closer = closers.get(name);
    if (closer === undefined || closer.group.dead) {
      const group: Group = { name: `${name}${born++}`, dead: false };
      closer = { group, app: windowApp(group.name, windowServices(group)) };
      closers.set(name, closer);
    }
    guarded(runWindowTimer(closer.app, actors));
  };
  const registered = ['d0', 'd1', 'd9'];
  if (faults.has('registry')) {
    const devices = registered.map((deviceId) => ({ deviceId, securityGroup: 'cameras' }));
    await keepRegisteredDevices({ runs, codec }, devices, START);
  }
  if (faults.has('closerDown')) {
    at(START + random() * DURATION, () => {
      closersFrom = now + random() * 1500 * SECOND;
      note('the windows are STOPPED');
      for (const { group } of closers.values()) group.dead = true;
    });
  }
  every(60, () => {
    closeWindows('W');
    if (faults.has('twoClosers') && !calm)
      at(now + random() * 20 * SECOND, () => closeWindows('V'));
  });
  if (faults.has('rebuild')) {
    for (let i = 0; i < 1 + int(2); i++) {
      at(START + random() * (DURATION + 300 * SECOND), () => {
        const group: Group = { name: `rebuild${born++}`, dead: false };
        const services = { ...windowServices(group), oneAtATime: new OneAtATime() };
        const forget = async () => {
          await retried(actors, () => forgetFolds(services));
          note('everything is MADE AGAIN from the log');
          await sleep(random() * 300 * SECOND);
          // Sooner than a rebuild does: while windows of before are on their way.
          while ((await retried(actors, () => removeOldRuns(services))) > 0);
          note('the old runs are REMOVED');
        };
        guarded(forget());
      });
    }
  }
  every(90, () => guarded(instances[0]!.catchUp.run(STREAM)));
  every(7, watchDeaths);
  if (faults.has('person')) {
    for (let i = 0; i < 1 + int(4); i++) {
      at(START + random() * (DURATION + 300 * SECOND), () => {
        void (async () => {
          const all: Alert[] = [];
          for await (const alert of alertStore.list()) if (alert.deviceId !== null) all.push(alert);
          if (all.length === 0) return;
          const { id, deviceId } = pick(all);
          const status = pick(['resolved', 'resolved', 'inProgress', 'dismissed'] as const);
          await changeAlert(alertStore, deviceId!, id, (alert) => {
            if (alert === null || alert.status === 'resolved' || alert.status === 'dismissed')
              return null;
            note(`a person sets ${id.slice(0, 6)} to ${status}`);
            return {
              ...alert,
              status,
              resolvedAt: status === 'resolved' ? now : null,
              revision: alert.revision + 1,
            };
          });
        })();
      });
    }
  }

  while (queue.length > 0) {
    const next = queue.shift()!;
    if (next.at > END) break;
    now = Math.max(now, next.at);
    next.run();
    await new Promise(setImmediate);
  }
  if (crashed.length > 0) throw crashed[0];

  // ---- the oracle ---------------------------------------------------------------------------------------------------------
  interface ReadBlock {
    readonly partition: string;
    readonly header: DataHeader;
    readonly rows: ActivityRows;
  }
  async function blocksOf(): Promise<ReadBlock[]> {
    const all: ReadBlock[] = [];
    for (const ref of await log.partitions()) {
      for await (const { block } of readForward(log, ref, null, codec)) {
        const { header } = block;
        if (header.kind === 'data') {
          all.push({
            partition: ref.partition,
            header,
            rows: readRows({ ...block, header }, codec),
          });
        }
      }
    }
    return all;
  }
  const violations: Violation[] = [];
  const violation = (kind: string, detail: string) => violations.push({ kind, detail });
  const blocks = await blocksOf();
  const times = new Map<string, number>();
  const kept = new Map<string, number[]>();
  const lastOf = new Map<string, { epoch: number; to: number; ordinal: number; groups: number }>();
  interface Expected {
    readonly live: Totals | null;
    readonly hunted: Totals | null;
    readonly severity: Severity;
    readonly last: number;
  }
  const expected = new Map<string, Expected>();
  const expect = (key: string, by: 'live' | 'hunted', one: Totals, severity: Severity) => {
    const before = expected.get(key);
    const known = before?.[by] ?? null;
    const isLess =
      before !== undefined && SEVERITIES.indexOf(before.severity) > SEVERITIES.indexOf(severity);
    expected.set(key, {
      live: before?.live ?? null,
      hunted: before?.hunted ?? null,
      [by]: known === null ? one : addTotals(known, one),
      severity: isLess ? before.severity : severity,
      last: Math.max(before?.last ?? 0, one.lastSeen),
    });
  };
  // By ordinal: what any later publication says of a contact is hunted in what was matched with this one.
  const saysLater = (ordinal: number, contact: OracleContact) =>
    listed.some(
      (listings, i) => i + 1 > ordinal && i < snapshotIds.length && says(listings, contact),
    );
  const gaps = new Set<string>();
  for (const { partition, header, rows } of blocks) {
    const last = lastOf.get(partition);
    if (
      last !== undefined &&
      (header.epoch < last.epoch || (header.epoch === last.epoch && header.fromSequence <= last.to))
    ) {
      violation(
        'log-order',
        `p${partition} ${header.epoch}/${header.fromSequence} after ${last.epoch}/${last.to}`,
      );
    }
    if (last !== undefined && header.snapshot.ordinal < last.ordinal) {
      violation('snapshot-order', `p${partition} ${header.snapshot.ordinal} after ${last.ordinal}`);
    }
    if (last !== undefined && header.groupsRevision < last.groups) {
      violation('groups-order', `p${partition} ${header.groupsRevision} after ${last.groups}`);
    }
    lastOf.set(partition, {
      epoch: header.epoch,
      to: header.toSequence,
      ordinal: header.snapshot.ordinal,
      groups: header.groupsRevision,
    });
    if (header.lost !== null)
      gaps.add(`${partition}/${header.epoch}/${header.lost.from}-${header.lost.to}`);
    const matchedWith = listed[snapshotIds.indexOf(header.snapshot.id)] ?? [];
    for (let row = 0; row < rows.count; row++) {
      const name = `${partition}/${header.fromSequence + row}/${rows.enqueuedTime[row]}`;
      times.set(name, (times.get(name) ?? 0) + 1);
      if (rows.kindOf(row) !== COUNTED) violation('not-counted', name);
      const { deviceId } = rows.deviceOf(row);
      const body = `${partition}/${deviceId}/${rows.hashHigh[row]}/${rows.hashLow[row]}`;
      const hubTime = rows.hubTime[row]!;
      const earlier = kept.get(body) ?? [];
      const repeat = earlier.some((t) => Math.abs(t - hubTime) <= settings.repeatHorizonMs);
      if (!repeat) kept.set(body, [...earlier, hubTime]);
      if (repeat !== rows.isRepeat(row))
        violation('repeat-mark', `${name} is ${repeat ? '' : 'not '}a repeat`);
      if (repeat) continue;
      const { connections: table } = rows;
      const seen = new Set<string>();
      const liveAddresses = new Set<string>();
      for (let c = rows.connectionStart[row]!; c < rows.connectionStart[row + 1]!; c++) {
        const address = formatIpv4(table.remote[4 * c]!);
        const contact = { address, at: hubTime, port: table.remotePort[c]! };
        if (says(matchedWith, contact)) liveAddresses.add(address);
      }
      for (let c = rows.connectionStart[row]!; c < rows.connectionStart[row + 1]!; c++) {
        const address = formatIpv4(table.remote[4 * c]!);
        const contact = { address, at: hubTime, port: table.remotePort[c]! };
        const [bytesIn, bytesOut] = [table.bytesIn[c]!, table.bytesOut[c]!];
        const began = table.localPort[c]! >= 30_000 || table.localPort[c] === table.remotePort[c];
        const bothWays: Severity = began ? 'high' : 'medium';
        const severity: Severity = bytesIn === 0 ? 'medium' : bytesOut === 0 ? 'low' : bothWays;
        const countOnce = (key: string, by: 'live' | 'hunted') => {
          const messages = seen.has(key) ? 0 : 1;
          seen.add(key);
          const times = { firstSeen: hubTime, lastSeen: hubTime };
          expect(key, by, { messages, connections: 1, bytesIn, bytesOut, ...times }, severity);
        };
        if (denied[header.groupsRevision]?.includes(address) === true) {
          countOnce(`${deviceId} DenylistCustomAlertRule ${address}`, 'live');
        }
        const isLive = says(matchedWith, contact);
        // A row with a finding for the address was counted live, whatever its other connections are.
        if (!isLive && liveAddresses.has(address)) continue;
        if (!isLive && !saysLater(header.snapshot.ordinal, contact)) continue;
        countOnce(`${deviceId} null ${address}`, isLive ? 'live' : 'hunted');
      }
    }
  }
  const suspected = new Set<string>();
  const alerts: Alert[] = [];
  for await (const alert of alertStore.list()) {
    alerts.push(alert);
    if (alert.alertType === ingestLag.alertType && alert.status !== 'resolved')
      violation('lag-not-resolved', JSON.stringify(alert.facts));
    if (alert.alertType !== streamGap.alertType) continue;
    const { partition, epoch, from, to, provisional } = alert.facts as Record<string, unknown>;
    const range = `${String(partition)}/${String(epoch)}/${String(from)}-${String(to)}`;
    if (provisional === true) {
      if (alert.status !== 'resolved') suspected.add(range);
    } else if (!gaps.delete(range))
      violation('gap-too-many', `${range} is raised, but stands in no header`);
    else gaps.add(range);
  }
  const raised = new Set(
    alerts
      .filter((a) => a.facts?.['provisional'] === false)
      .map(
        (a) =>
          `${String(a.facts!['partition'])}/${String(a.facts!['epoch'])}/${String(a.facts!['from'])}-${String(a.facts!['to'])}`,
      ),
  );
  for (const gap of gaps) if (!raised.has(gap)) violation('gap-not-raised', gap);
  const covered = (ranges: ReadonlySet<string>, event: Accepted) =>
    [...ranges].some((range) => {
      const [partition, epoch, span] = range.split('/') as [string, string, string];
      const [from, to] = span.split('-').map(Number) as [number, number];
      return (
        partition === event.partition &&
        Number(epoch) === event.incarnation &&
        event.sequence >= from &&
        event.sequence <= to
      );
    });
  // What came before the first read of an empty log is not ours to miss.
  const firstRead = new Map<string, number>();
  for (const { partition, header } of blocks)
    if (!firstRead.has(partition)) firstRead.set(partition, header.fromSequence);
  const isBeforeFirst = (event: Accepted) =>
    event.incarnation === 0 && event.sequence < (firstRead.get(event.partition) ?? Infinity);
  for (const event of accepted) {
    const name = nameOf(event);
    const count = times.get(name) ?? 0;
    if (count > 1) violation('row-twice', `${name} stands ${count} times`);
    const reported = covered(gaps, event) || (count === 0 && covered(suspected, event));
    if (count === 0 && !event.excused && !(event.expired && (reported || isBeforeFirst(event))))
      violation('lost', name);
    if (count > 0 && reported) violation('false-gap', name);
  }
  const checkSightings = (all: readonly Alert[]) => {
    const shown = new Map(
      all
        .filter((a) => a.subject.kind === 'address')
        .map((a) => [
          `${a.deviceId} ${a.ruleType} ${(a.subject as { address: string }).address}`,
          a,
        ]),
    );
    for (const [key, want] of expected) {
      const alert = shown.get(key);
      if (alert === undefined) {
        violation('alert-missing', key);
        continue;
      }
      if (alert.id !== alertIdOf(HUB, alert)) violation('alert-id', key);
      for (const by of ['live', 'hunted'] as const) {
        const got = JSON.stringify(alert[by]?.totals ?? null);
        if (got !== JSON.stringify(want[by]))
          violation('counts', `${key} ${by} ${got} instead of ${JSON.stringify(want[by])}`);
      }
      if (alert.severity !== want.severity)
        violation('severity', `${key} ${alert.severity} instead of ${want.severity}`);
      if (alert.status === 'resolved' && want.last > alert.resolvedAt!)
        violation('not-reopened', key);
    }
    for (const key of shown.keys()) if (!expected.has(key)) violation('alert-too-many', key);
  };
  checkSightings(alerts);
  const partitionRefs = await allPartitions(windowServices(null));
  const truth: WindowTruth = {
    hub: HUB,
    graceMs,
    partitions: partitionRefs,
    blocks,
    destroyed: accepted
      .filter((event) => event.expired && !times.has(nameOf(event)))
      .map((event) => ({ ...event, isBeforeFirst: isBeforeFirst(event) })),
    recreatedAt,
    rules: windowRules,
    registered: faults.has('registry') ? registered : null,
    checkpoints,
    end: now,
  };
  const windows = await checkWindows(truth, alerts, violation);
  // Everything made again from the log alone is the same.
  if (seed % 3 === 0 && blocks.length > 0 && violations.length === 0) {
    const again = {
      ...windowServices(null),
      alerts: new MemoryAlertStore(),
      oneAtATime: new OneAtATime(),
    };
    const before = await filesOf(runs);
    const { generation } = await forgetFolds(again);
    await foldActivityLog(again);
    await closeAllDue(again);
    const intelligence = new CurrentSnapshot(snapshots, clock, settings.snapshotFreshMs);
    await huntIndicators({ ...huntServices('again'), ...again, snapshots, intelligence });
    const remade = await allOf(again.alerts.list());
    const label = (kind: string, detail: string) => violation(`again-${kind}`, detail);
    await checkWindows(truth, remade, label);
    checkSightings(remade);
    const folder = folderOfGeneration(generation);
    for (const [name, bytes] of Object.entries(await filesOf(runs))) {
      if (!name.startsWith(folder)) continue;
      const earlier = folderOfGeneration(generation - 1) + name.slice(folder.length);
      if ((before[earlier] ?? bytes) !== bytes) label('run', name);
    }
  }
  return {
    violations,
    faults: [...faults],
    events: accepted.length,
    blocks: blocks.length,
    conflicts,
    hunted: alerts.filter((alert) => alert.hunted !== null).length,
    broken: alerts.filter((alert) => alert.ruleType !== null && alert.facts === null).length,
    windows,
    trace,
  };
}

function asDeviceEvent({
  sequenceNumber,
  enqueuedTime,
  properties,
  systemProperties,
  body,
}: StreamEvent) {
  return readDeviceEvent(sequenceNumber, enqueuedTime, properties, systemProperties, body);
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a real host would retry: the network's faults, and what the pipeline says of them. */
function isTransient(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isTransient);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (
    error instanceof NetworkError ||
    code === 'Conflict' ||
    code === 'COMMIT_INTERRUPTED' ||
    code === 'STREAM_INCOMPLETE' ||
    code === 'ALERT_CONFLICT' ||
    code === 'RUNS_TAKEN' ||
    // A rebuild removes runs that an earlier generation is about to merge.
    code === 'RUN_LOST' ||
    code === 'PLAN_TAKEN'
  );
}
