// What the lists of a security group cost: the whole ingest function without rules, with ten values a rule and with ten
// thousand, in turns, so that their ratios say more than a machine's mood.
import { join } from 'node:path';
import process from 'node:process';
import { readCapture } from '../local/capture/read-capture.ts';
import { AddressSet } from '../shared/domain/address/address-set.ts';
import { formatIpv4, formatIpv6 } from '../shared/domain/address/address.ts';
import {
  type Prefix,
  formatPrefix,
  parsePrefix,
  prefixCovers,
} from '../shared/domain/address/prefix.ts';
import type { SecurityGroup } from '../shared/domain/security-group/security-group.ts';
import { buildSnapshot } from '../shared/format/indicator-snapshot/build-snapshot.ts';
import { readEventBatch } from '../shared/format/trigger/event-batch.ts';
import { MemoryAlertStore } from '../shared/adapters/memory/alert-store.ts';
import { MemoryDeviceStream } from '../shared/adapters/memory/device-stream.ts';
import { MemoryIndicatorSnapshots } from '../shared/adapters/memory/indicator-snapshots.ts';
import { MemorySecurityGroups } from '../shared/adapters/memory/security-groups.ts';
import { zstdBlockCodec } from '../shared/adapters/node/block-codec.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { AlertOpener } from '../shared/pipeline/alerts.ts';
import { CompiledGroups } from '../shared/pipeline/ingest/compiled-groups.ts';
import { CurrentGroups } from '../shared/pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from '../shared/pipeline/ingest/current-snapshot.ts';
import { Ingest } from '../shared/pipeline/ingest/ingest.ts';
import { DEFAULT_SETTINGS } from '../shared/pipeline/settings.ts';
import type { ActivityLog } from '../shared/ports/activity-log.ts';

if (process.argv.includes('--help')) {
  console.log(
    'usage: node bench/rules.ts [--rounds N]\n\nIngests the sample fleet under security groups of 0, 10, 1,000 and 10,000 values a rule.',
  );
  process.exit(0);
}
const at = process.argv.indexOf('--rounds');
const ROUNDS = at < 0 ? 15 : Number(process.argv[at + 1]);
const BATCH = 1000;
const SAMPLE = join(import.meta.dirname, '../local/samples/fleet');
const settings = { ...DEFAULT_SETTINGS, hub: 'bench' };

/** Accepts every append: the store is not what is measured. */
const log: ActivityLog = {
  partitions: async () => [],
  files: async () => [],
  read: async () => new Uint8Array(0),
  append: async () => 'appended',
  create: async () => true,
};

async function readBatches() {
  const byPartition = new Map<string, unknown[][]>();
  for await (const event of readCapture(join(SAMPLE, 'capture.ndjson.gz'), process.stdin)) {
    const { partitionId, body, properties, systemProperties, sequenceNumber, enqueuedTime } = event;
    const system = {
      ...systemProperties,
      sequenceNumber,
      enqueuedTimeUtc: enqueuedTime.slice(0, -1),
    };
    const list = byPartition.get(partitionId) ?? [];
    list.push([body, properties, system]);
    byPartition.set(partitionId, list);
  }
  return [...byPartition].flatMap(([partitionId, events]) =>
    Array.from({ length: Math.floor(events.length / BATCH) }, (_, i) => {
      const part = events.slice(i * BATCH, (i + 1) * BATCH);
      return {
        bodies: part.map(([body]) => body as Uint8Array),
        metadata: {
          partitionContext: {
            fullyQualifiedNamespace: 'bench',
            eventHubName: 'devices',
            partitionId,
          },
          propertiesArray: part.map(([, properties]) => properties),
          systemPropertiesArray: part.map(([, , system]) => system),
        },
      };
    }),
  );
}

/** Seeded: the same lists in every run. */
let state = 1;
const random = (below: number) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 4_294_967_296) * below);
};

/**
 * The whole of both families in so many networks of all sizes, an eighth of them IPv6: it permits everything, and hides no value.
 */
function everything(count: number): string[] {
  const split = (whole: string, parts: number) => {
    const prefixes = [parsePrefix(whole)!];
    while (prefixes.length < parts) {
      const i = random(prefixes.length);
      const { family, words, bits } = prefixes[i]!;
      if (bits === 32) continue;
      const upper = words.map((word, w) => (w === 0 ? (word | (2 ** (31 - bits))) >>> 0 : word));
      prefixes[i] = { family, words, bits: bits + 1 };
      prefixes.push({ family, words: upper as unknown as Prefix['words'], bits: bits + 1 });
    }
    return prefixes.map(formatPrefix);
  };
  const of6 = Math.ceil(count / 8);
  return [...split('0.0.0.0/0', count - of6), ...split('::/0', of6)];
}

/** Addresses that no device of the sample talks to. */
function strangers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const word = random(2 ** 32);
    return i % 8 === 7 ? formatIpv6(0x2001_0db8, word, 0, 1) : formatIpv4(word);
  });
}

/** All three rules, asked for every connection and broken by none. */
function groupWith(count: number): SecurityGroup {
  const rule = (ruleType: string, values: readonly string[]) => ({
    ruleType,
    isEnabled: true,
    values,
  });
  return {
    name: 'default',
    timeWindowRules: [],
    allowlistRules: [
      rule('ConnectionToIpNotAllowed', everything(count)),
      rule('ConnectionFromIpNotAllowed', everything(count)),
    ],
    denylistRules: [rule('DenylistCustomAlertRule', strangers(count))],
  };
}

const batches = await readBatches();
const messages = batches.length * BATCH;
const snapshots = new MemoryIndicatorSnapshots();
const id = await snapshots.store(buildSnapshot([], { filter: true }));
await snapshots.point({ ordinal: 1, id, publishedAt: '', allowlistId: null, earlier: [] }, null);

async function run(stored: MemorySecurityGroups): Promise<number> {
  const groups = new CurrentGroups(stored, systemClock, settings.groupsFreshMs);
  await groups.fresh(); // An instance compiles its groups once a revision: told apart below.
  const ingest = new Ingest({
    log,
    stream: new MemoryDeviceStream(['0', '1', '2', '3']),
    snapshot: new CurrentSnapshot(snapshots, systemClock, settings.snapshotFreshMs),
    groups,
    alerts: new AlertOpener(new MemoryAlertStore(), systemClock, settings.hub),
    clock: systemClock,
    codec: zstdBlockCodec,
    writerId: 'bench',
    settings,
  });
  let findings = 0;
  const started = performance.now();
  for (const { bodies, metadata } of batches) {
    findings += (await ingest.ingest(readEventBatch(bodies, metadata))).findings;
  }
  if (findings > 0) throw new Error(`${findings} findings, but the lists break for nobody`);
  return performance.now() - started;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const COUNTS = [0, 10, 1000, 10_000];
const cases = await Promise.all(
  COUNTS.map(async (count) => {
    const groups = new MemorySecurityGroups();
    if (count > 0) await groups.write(groupWith(count), null);
    return { count, groups, times: [] as number[] };
  }),
);
for (const one of cases) await run(one.groups);
for (let round = 0; round < ROUNDS; round++) {
  // In another order each time: who comes first after a collection pays for it.
  for (let i = 0; i < cases.length; i++) {
    const one = cases[(i + round) % cases.length]!;
    one.times.push(await run(one.groups));
  }
}
console.log(
  `Node ${process.version}, ${messages} messages of the sample fleet in batches of ${BATCH}, three rules, median and least of ${ROUNDS} rounds`,
);
const [none] = cases;
for (const { count, times } of cases) {
  const us = (ms: number) => ((ms * 1000) / messages).toFixed(2);
  const ratio = (median(times) / median(none!.times)).toFixed(3);
  const least = (Math.min(...times) / Math.min(...none!.times)).toFixed(3);
  console.log(
    `${String(count).padStart(6)} values a rule   ${us(median(times))} µs a message (least ${us(Math.min(...times))}), ${ratio}x of none (least ${least}x)`,
  );
}

/** One list, asked for random addresses, beside reading it through. */
function lookups(count: number): string {
  const prefixes = everything(count).map((text) => parsePrefix(text)!);
  const set = new AddressSet(prefixes);
  const words = Uint32Array.from({ length: 1 << 16 }, () => random(2 ** 32));
  const timed = (questions: number, has: (word: number) => boolean): number => {
    let hits = 0;
    const started = performance.now();
    for (let i = 0; i < questions; i++) if (has(words[i & 0xffff]!)) hits++;
    if (hits !== questions) throw new Error('the list covers everything');
    return ((performance.now() - started) * 1e6) / questions;
  };
  const bySet = (word: number) => set.has(4, word, 0, 0, 0);
  const byReading = (word: number) => {
    const address = { family: 4, words: [word, 0, 0, 0] } as const;
    return prefixes.some((prefix) => prefixCovers(prefix, address));
  };
  const few = Math.ceil(200_000 / count);
  const rounds = (questions: number, has: (word: number) => boolean) =>
    median(Array.from({ length: 9 }, () => timed(questions, has)));
  const own = rounds(1 << 20, bySet);
  const plain = rounds(few, byReading);
  return `${String(count).padStart(6)} values          ${own.toFixed(1)} ns a lookup; read through ${plain.toFixed(0)} ns (${(plain / own).toFixed(0)}x)`;
}
for (const count of [10, 1000, 10_000]) console.log(lookups(count));

const set = await cases.at(-1)!.groups.current();
const compiling = Array.from({ length: 9 }, () => {
  const started = performance.now();
  const { revision } = new CompiledGroups(set);
  return revision > 0 ? performance.now() - started : 0;
});
console.log(
  `compiling three rules of 10,000 values: ${median(compiling).toFixed(1)} ms, once a revision`,
);
