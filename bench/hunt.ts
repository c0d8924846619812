// A hunt for a thousand new indicators over a log of many connections: time, bytes read, and what the summaries leave out;
// beside it the plain way, which unpacks every block. `node bench/hunt.ts [CONNECTIONS] [--planted N] [--azurite]`
import { mkdtemp, open, mkdir, readdir, rm, stat, writeFile, appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Azurite, startAzurite } from '../local/azurite.ts';
import { BlobActivityLog } from '../shared/adapters/blob/activity-log.ts';
import { createContainers, openBlobService } from '../shared/adapters/blob/blob-service.ts';
import { MemoryAlertStore } from '../shared/adapters/memory/alert-store.ts';
import { MemoryCheckpoints } from '../shared/adapters/memory/checkpoints.ts';
import { MemoryIndicatorSnapshots } from '../shared/adapters/memory/indicator-snapshots.ts';
import { zstdBlockCodec as codec } from '../shared/adapters/node/block-codec.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { ipv4 } from '../shared/domain/address/address.ts';
import { earlierThanNext } from '../shared/domain/indicator/publication.ts';
import { formatInstant } from '../shared/domain/time/instant.ts';
import {
  encodeBlock,
  encodeClosingBlock,
  remotesOfNewBlock,
} from '../shared/format/activity-log/block.ts';
import type { DataHeader } from '../shared/format/activity-log/header.ts';
import { ActivityRows, COUNTED } from '../shared/format/activity-log/rows.ts';
import { buildSnapshot } from '../shared/format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../shared/format/indicator-snapshot/open-snapshot.ts';
import { huntBlock } from '../shared/pipeline/hunt/match-block.ts';
import { huntPublications } from '../shared/pipeline/hunt/hunt-publications.ts';
import { CurrentSnapshot } from '../shared/pipeline/ingest/current-snapshot.ts';
import { FileContents } from '../shared/pipeline/ingest/file-contents.ts';
import { FIRST_FILE, hourOf, nextFileName } from '../shared/pipeline/log/file-name.ts';
import { readForward } from '../shared/pipeline/log/read-log.ts';
import type { ActivityLog, LogFile, PartitionRef } from '../shared/ports/activity-log.ts';
import { randomOf } from './support/random.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    planted: { type: 'string', default: '200' },
    azurite: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(`node bench/hunt.ts [CONNECTIONS] [--planted N]
  CONNECTIONS  in the log that is made, on disk (default: 5000000; 100000000 take 1.5 GB and minutes)
  --planted N  contacts with the indicators that are hunted (default: 200)
  --azurite    the log lies in Azurite, not in files: with what the store and its SDK cost
`);
  process.exit(0);
}
const CONNECTIONS = Number(positionals[0] ?? 5_000_000);
const PLANTED = Number(values.planted);

const PARTITIONS = 4;
const DAYS = 14;
const HOUR = 3_600_000;
const MESSAGES_PER_BLOCK = 1000;
const DEVICES = 4000;
/** As in the sample fleet. */
const CONNECTIONS_PER_MESSAGE = 1.74;
/** Peers that the fleet talks to every day; two in a hundred connections go to an address that nobody else talks to. */
const PEERS = 300;
const STRAY = 0.02;
const NEW_INDICATORS = 1000;

/** The log as files of a folder: what the hunt costs without the store. */
class DiskLog implements ActivityLog {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
  }
  #folder({ stream, partition }: PartitionRef): string {
    return join(this.#directory, stream, partition);
  }
  async partitions(): Promise<PartitionRef[]> {
    const partitions: PartitionRef[] = [];
    for (const stream of await readdir(this.#directory)) {
      for (const partition of await readdir(join(this.#directory, stream))) {
        partitions.push({ stream, partition });
      }
    }
    return partitions;
  }
  async files(ref: PartitionRef, fromName = ''): Promise<LogFile[]> {
    const names = (await readdir(this.#folder(ref))).filter((name) => name >= fromName).sort();
    return Promise.all(
      names.map(async (name) => ({
        name,
        sizeBytes: (await stat(join(this.#folder(ref), name))).size,
      })),
    );
  }
  async read(ref: PartitionRef, file: string, from: number, to: number): Promise<Uint8Array> {
    const handle = await open(join(this.#folder(ref), file));
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }
  async append(ref: PartitionRef, file: string, _offset: number, bytes: Uint8Array) {
    await appendFile(join(this.#folder(ref), file), bytes);
    return 'appended' as const;
  }
  async create(ref: PartitionRef, file: string): Promise<boolean> {
    await mkdir(this.#folder(ref), { recursive: true });
    await writeFile(join(this.#folder(ref), file), '');
    return true;
  }
}

const random = randomOf(20_261_125);
/** Between 11.0.0.0 and 99.x: no private network lies there. */
const someAddress = () => 0x0b00_0000 + Math.floor(random() * 0x5800_0000);

const peers = Array.from({ length: PEERS }, someAddress);
const hunted = Array.from({ length: NEW_INDICATORS }, someAddress);
const blockCount = Math.round(CONNECTIONS / (MESSAGES_PER_BLOCK * CONNECTIONS_PER_MESSAGE));
const perPartition = Math.ceil(blockCount / PARTITIONS);
const plants = new Map<string, number>(); // by block: contacts
for (let i = 0; i < PLANTED; i++) {
  const key = `${i % PARTITIONS}/${Math.floor(random() * perPartition)}`;
  plants.set(key, (plants.get(key) ?? 0) + 1);
}

function rowsOf(fromTime: number, stepMs: number, planted: number): ActivityRows {
  const rows = new ActivityRows();
  const { connections: table } = rows;
  for (let message = 0; message < MESSAGES_PER_BLOCK; message++) {
    const count = random() < CONNECTIONS_PER_MESSAGE - 1 ? 2 : 1;
    table.reserve(count);
    for (let i = 0; i < count; i++) {
      const c = table.count++;
      const isPlanted = i === 0 && message < planted;
      const isStray = random() < STRAY;
      const stray = isStray ? someAddress() : peers[Math.floor(random() * random() * PEERS)]!;
      table.family[c] = 4;
      table.local[4 * c] = 0x0a00_0000 + Math.floor(random() * DEVICES);
      table.remote[4 * c] = isPlanted ? hunted[Math.floor(random() * NEW_INDICATORS)]! : stray;
      table.localPort[c] = 30_000 + Math.floor(random() * 30_000);
      table.remotePort[c] = random() < 0.7 ? 443 : 8883;
      table.bytesIn[c] = Math.floor(random() * 5000);
      table.bytesOut[c] = Math.floor(random() * 2000);
      table.protocol[c] = 0;
    }
    const hubTime = Math.floor(fromTime + message * stepMs);
    rows.add({
      kind: COUNTED,
      repeat: false,
      enqueuedTime: hubTime + 20,
      hubTime,
      device: {
        deviceId: `device-${Math.floor(random() * DEVICES)}`,
        moduleId: null,
        securityGroup: 'default',
      },
      hashLow: (random() * 2 ** 32) >>> 0,
      hashHigh: (random() * 2 ** 32) >>> 0,
      deviceTimeSeconds: Math.floor(hubTime / 1000),
    });
  }
  return rows;
}

async function writeLog(
  log: ActivityLog,
  start: number,
): Promise<{ connections: number; bytes: number }> {
  const stepMs = (DAYS * 24 * HOUR) / (perPartition * MESSAGES_PER_BLOCK);
  let [connections, bytes] = [0, 0];
  for (let p = 0; p < PARTITIONS; p++) {
    const ref = { stream: 'bench~devices', partition: String(p) };
    let file = FIRST_FILE;
    let hour = hourOf(start);
    let contents = new FileContents(file);
    let index = 0;
    let pending: Uint8Array[] = [];
    await log.create(ref, file);
    for (let block = 0; block < perPartition; block++) {
      const from = start + block * MESSAGES_PER_BLOCK * stepMs;
      if (hourOf(from) !== hour && index > 0) {
        const next = nextFileName(file, hourOf(from));
        const { summary, remotes } = contents.closing(file, index);
        const header = { kind: 'close', index, hour, writer: 'bench', next, summary } as const;
        pending.push(encodeClosingBlock(header, remotes, codec));
        await log.append(ref, file, 0, Buffer.concat(pending));
        pending = [];
        file = next;
        contents = new FileContents(file);
        index = 0;
        await log.create(ref, file);
      }
      hour = hourOf(from);
      const rows = rowsOf(from, stepMs, plants.get(`${p}/${block}`) ?? 0);
      const header: DataHeader = {
        kind: 'data',
        ...ref,
        index: index++,
        hour,
        writer: 'bench',
        epoch: 0,
        epochStart: start,
        fromSequence: block * MESSAGES_PER_BLOCK,
        toSequence: (block + 1) * MESSAGES_PER_BLOCK - 1,
        lost: null,
        firstEnqueuedTime: rows.enqueuedTime[0]!,
        lastEnqueuedTime: rows.enqueuedTime[rows.count - 1]!,
        firstHubTime: rows.hubTime[0]!,
        lastHubTime: rows.hubTime[rows.count - 1]!,
        snapshot: { ordinal: 1, id: 'first' },
        groupsRevision: 0,
        rows: { counted: rows.count, repeats: 0, quarantined: 0, other: 0 },
        connections: rows.connections.count,
        findings: 0,
      };
      const encoded = encodeBlock(header, rows, codec);
      contents.add(header, remotesOfNewBlock(encoded));
      pending.push(encoded);
      connections += rows.connections.count;
      bytes += encoded.length;
      if (block % 500 === 0 && process.stderr.isTTY) {
        process.stderr.write(
          `\rmaking the log: ${(connections / 1e6).toFixed(1)} million connections`,
        );
      }
    }
    await log.append(ref, file, 0, Buffer.concat(pending));
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return { connections, bytes };
}

const snapshotOf = (addresses: readonly number[]) =>
  buildSnapshot([
    {
      name: 'feed',
      kind: 'threat',
      indicators: addresses.map((word) => ({ prefix: { ...ipv4(word), bits: 32 }, detail: null })),
    },
  ]);

async function blobLog({ connectionString }: Azurite): Promise<ActivityLog> {
  const blobs = openBlobService({ connectionString });
  await createContainers(blobs);
  return new BlobActivityLog(blobs);
}

const directory = await mkdtemp(join(tmpdir(), 'threadwatch-bench-'));
const azurite = values.azurite ? await startAzurite({ directory, port: 0 }) : null;
try {
  const log = azurite === null ? new DiskLog(directory) : await blobLog(azurite);
  const now = systemClock.now();
  const made = performance.now();
  const { connections, bytes } = await writeLog(log, now - (DAYS * 24 - 1) * HOUR);
  const files = (await Promise.all((await log.partitions()).map((ref) => log.files(ref)))).flat();
  process.stdout.write(
    `Node ${process.version}; a log of ${(connections / 1e6).toFixed(1)} million connections in ${blockCount.toLocaleString('en')} blocks, ${files.length} files, ${(bytes / 1e6).toFixed(0)} MB, ${DAYS} days, ${PARTITIONS} partitions (made in ${((performance.now() - made) / 1000).toFixed(0)} s)\n`,
  );

  const snapshots = new MemoryIndicatorSnapshots();
  const known = Array.from(
    { length: 100_000 },
    () => 0x6400_0000 + Math.floor(random() * 0x1000_0000),
  );
  for (const addresses of [known, [...known, ...hunted]]) {
    const stored = await snapshots.current();
    const pointer = {
      ordinal: (stored?.pointer.ordinal ?? 0) + 1,
      id: await snapshots.store(snapshotOf(addresses)),
      publishedAt: formatInstant(now),
      allowlistId: null,
      earlier: earlierThanNext(stored?.pointer ?? null),
    };
    await snapshots.point(pointer, stored?.version ?? null);
  }
  const alerts = new MemoryAlertStore();
  const intelligence = new CurrentSnapshot(snapshots, systemClock, 60_000);
  const services = {
    log,
    alerts,
    checkpoints: new MemoryCheckpoints(),
    snapshots,
    intelligence,
    clock: systemClock,
    codec,
    hub: 'bench',
    ephemeralPortFrom: 30_000,
    lookbackMs: (DAYS + 1) * 24 * HOUR,
  };
  const before = process.memoryUsage().rss;
  const started = performance.now();
  const errors: unknown[] = [];
  const summary = await huntPublications(services, Infinity, errors);
  if (errors.length > 0) throw errors[0];
  const huntMs = performance.now() - started;
  let found = 0;
  for await (const alert of alerts.list()) found += alert.hunted?.totals.connections ?? 0;
  if (found !== PLANTED) throw new Error(`${found} contacts were found of ${PLANTED} planted`);
  process.stdout.write(
    `hunt for ${NEW_INDICATORS} new indicators   ${(huntMs / 1000).toFixed(2)} s, ${(summary.bytesRead / 1e6).toFixed(0)} MB read (${((100 * summary.bytesRead) / bytes).toFixed(1)} %), ` +
      `${((100 * summary.blocksSkipped) / summary.blocks).toFixed(2)} % of blocks skipped (${summary.filesSkipped} of ${files.length} files not read), ` +
      `${PLANTED} of ${PLANTED} contacts found, ${((process.memoryUsage().rss - before) / 1e6).toFixed(0)} MB more memory\n`,
  );

  // The plain way, on a part of the log: every block unpacked, every connection looked up.
  const targets = openSnapshot(snapshotOf(hunted));
  const loaded = await intelligence.fresh();
  const PLAIN_BLOCKS = Math.min(blockCount, 1000);
  const plainStarted = performance.now();
  let unpacked = 0;
  for await (const { block } of readForward(
    log,
    { stream: 'bench~devices', partition: '0' },
    null,
    codec,
  )) {
    if (block.header.kind === 'close') continue;
    huntBlock({ ...block, header: block.header }, { targets, intelligence: loaded }, 30_000, codec);
    if (++unpacked >= PLAIN_BLOCKS) break;
  }
  const plainMs = ((performance.now() - plainStarted) / unpacked) * blockCount;
  process.stdout.write(
    `every block unpacked           ${(plainMs / 1000).toFixed(1)} s (from ${unpacked} blocks), all bytes read\n` +
      `ratio                          ${(plainMs / huntMs).toFixed(1)}x the speed, ${(bytes / summary.bytesRead).toFixed(1)}x fewer bytes\n`,
  );
} finally {
  await azurite?.stop();
  await rm(directory, { recursive: true, force: true });
}
