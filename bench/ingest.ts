// The whole ingest function, from what the host hands over (metadata and bytes) to the committed block, beside the plain
// way to do the same: decode to objects, look addresses up as text, write JSON lines, gzip.
import { join } from 'node:path';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { readCapture } from '../local/capture/read-capture.ts';
import { readFeedFolder } from '../local/feeds/feed-folder.ts';
import { formatPrefix, isSingle } from '../shared/domain/address/prefix.ts';
import { formatAddress } from '../shared/domain/address/address.ts';
import { decodeMessage } from '../shared/format/device-message/decode-message.ts';
import { buildSnapshot } from '../shared/format/indicator-snapshot/build-snapshot.ts';
import { readEventBatch } from '../shared/format/trigger/event-batch.ts';
import { MemoryAlertStore } from '../shared/adapters/memory/alert-store.ts';
import { MemoryDeviceStream } from '../shared/adapters/memory/device-stream.ts';
import { MemoryIndicatorSnapshots } from '../shared/adapters/memory/indicator-snapshots.ts';
import { MemorySecurityGroups } from '../shared/adapters/memory/security-groups.ts';
import { zstdBlockCodec } from '../shared/adapters/node/block-codec.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { AlertOpener } from '../shared/pipeline/alerts.ts';
import { CurrentGroups } from '../shared/pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from '../shared/pipeline/ingest/current-snapshot.ts';
import { Ingest } from '../shared/pipeline/ingest/ingest.ts';
import { DEFAULT_SETTINGS } from '../shared/pipeline/settings.ts';
import type { ActivityLog } from '../shared/ports/activity-log.ts';

if (process.argv.includes('--help')) {
  console.log(
    'usage: node bench/ingest.ts [--rounds N]\n\nIngests the sample fleet in batches of 1000 and prints medians.',
  );
  process.exit(0);
}
const at = process.argv.indexOf('--rounds');
const ROUNDS = at < 0 ? 9 : Number(process.argv[at + 1]);
const BATCH = 1000;
const SAMPLE = join(import.meta.dirname, '../local/samples/fleet');
const settings = { ...DEFAULT_SETTINGS, hub: 'bench' };

interface Batch {
  readonly bodies: Uint8Array[];
  readonly metadata: Record<string, unknown>;
}

/** Accepts every append and keeps only its size: the store is not what is measured. */
class CountingLog implements ActivityLog {
  bytes = 0;
  async partitions() {
    return [];
  }
  async files() {
    return [];
  }
  async read() {
    return new Uint8Array(0);
  }
  async append(_partition: unknown, _file: string, _offset: number, bytes: Uint8Array) {
    this.bytes += bytes.length;
    return 'appended' as const;
  }
  async create() {
    return true;
  }
}

async function readBatches(): Promise<Batch[]> {
  const byPartition = new Map<string, Awaited<ReturnType<typeof collect>>>();
  for (const event of await collect()) {
    byPartition.set(event.partitionId, [...(byPartition.get(event.partitionId) ?? []), event]);
  }
  const batches: Batch[] = [];
  for (const [partitionId, events] of byPartition) {
    for (let from = 0; from + BATCH <= events.length; from += BATCH) {
      const part = events.slice(from, from + BATCH);
      const partitionContext = {
        fullyQualifiedNamespace: 'bench',
        eventHubName: 'devices',
        partitionId,
      };
      batches.push({
        bodies: part.map((event) => event.body),
        metadata: {
          partitionContext,
          propertiesArray: part.map((event) => event.properties),
          systemPropertiesArray: part.map((event) => ({
            ...event.systemProperties,
            sequenceNumber: event.sequenceNumber,
            enqueuedTimeUtc: event.enqueuedTime.slice(0, -1),
          })),
        },
      });
    }
  }
  return batches;
}

async function collect() {
  const events = [];
  for await (const event of readCapture(join(SAMPLE, 'capture.ndjson.gz'), process.stdin))
    events.push(event);
  return events;
}

const batches = await readBatches();
const messages = batches.length * BATCH;
const bytes = batches.flatMap((batch) => batch.bodies).reduce((sum, body) => sum + body.length, 0);
const { feeds } = await readFeedFolder(join(SAMPLE, 'feed'), { at: Date.now() });
const snapshots = new MemoryIndicatorSnapshots();
// As the published one: with the filter.
const id = await snapshots.store(buildSnapshot(feeds, { filter: true }));
await snapshots.point({ ordinal: 1, id, publishedAt: '', allowlistId: null, earlier: [] }, null);
const listed = new Set<string>();
for (const feed of feeds) {
  for (const { prefix } of feed.indicators) {
    listed.add(isSingle(prefix) ? formatAddress(prefix) : formatPrefix(prefix));
  }
}

async function ours(): Promise<{ bytes: number; findings: number }> {
  const log = new CountingLog();
  const alerts = new AlertOpener(new MemoryAlertStore(), systemClock, settings.hub);
  const stream = new MemoryDeviceStream(['0', '1', '2', '3']);
  const snapshot = new CurrentSnapshot(snapshots, systemClock, settings.snapshotFreshMs);
  const groups = new CurrentGroups(new MemorySecurityGroups(), systemClock, settings.groupsFreshMs);
  const services = { log, stream, snapshot, groups, alerts, settings };
  const ingest = new Ingest({
    ...services,
    clock: systemClock,
    codec: zstdBlockCodec,
    writerId: 'bench',
  });
  let findings = 0;
  for (const { bodies, metadata } of batches) {
    findings += (await ingest.ingest(readEventBatch(bodies, metadata))).findings;
  }
  return { bytes: log.bytes, findings };
}

/** Exact addresses only, and no repeats, sequence rules or alerts: less work than ours, done the plain way. */
async function plain(): Promise<{ bytes: number; findings: number }> {
  let size = 0;
  let findings = 0;
  for (const { bodies, metadata } of batches) {
    const system = metadata['systemPropertiesArray'] as Record<string, unknown>[];
    const lines: string[] = [];
    for (const [i, body] of bodies.entries()) {
      const decoded = decodeMessage(body);
      if ('refused' in decoded) continue;
      for (const event of decoded.message.events) {
        if (event.payloadType !== 'NetworkActivity') continue;
        for (const connection of [...event.payload.ipv4, ...event.payload.ipv6]) {
          if (listed.has(connection.remoteAddress)) findings++;
        }
      }
      lines.push(JSON.stringify({ ...system[i], message: decoded.message }));
    }
    size += gzipSync(lines.join('\n'), { level: 1 }).length;
  }
  return { bytes: size, findings };
}

const times = { ours: [] as number[], plain: [] as number[] };
const result = { ours: await ours(), plain: await plain() };
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of [
    ['ours', ours],
    ['plain', plain],
  ] as const) {
    const started = performance.now();
    result[name] = await run();
    times[name].push(performance.now() - started);
  }
}
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const us = (ms: number) => ((ms * 1000) / messages).toFixed(2);
const [own, other] = [median(times.ours), median(times.plain)];
console.log(
  `Node ${process.version}, ${messages} messages of the sample fleet (${(bytes / messages).toFixed(0)} B each) in batches of ${BATCH}, ${listed.size} indicators, median of ${ROUNDS} rounds`,
);
console.log(
  `ingest function      ${us(own)} µs a message, ${(messages / own).toFixed(0)}k messages/s, ${(result.ours.bytes / messages).toFixed(1)} B of log a message, ${result.ours.findings} findings`,
);
console.log(
  `objects, JSON, gzip  ${us(other)} µs a message, ${(messages / other).toFixed(0)}k messages/s, ${(result.plain.bytes / messages).toFixed(1)} B of log a message`,
);
console.log(
  `ratio                ${(other / own).toFixed(1)}x the speed, ${(result.plain.bytes / result.ours.bytes).toFixed(1)}x smaller`,
);
