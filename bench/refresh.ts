// A feed of a million addresses, end to end: fetched from this machine, read, held against the last state, built,
// published to Azurite, and swapped in by a reader; beside it the plain way, which fetches, validates and keeps text.
// `node bench/refresh.ts [LINES]`
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, isIPv4 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { startAzurite } from '../local/azurite.ts';
import { createContainers, openBlobService } from '../shared/adapters/blob/blob-service.ts';
import { BlobCheckpoints } from '../shared/adapters/blob/checkpoints.ts';
import { BlobConfiguration } from '../shared/adapters/blob/configuration.ts';
import { BlobFeedFiles } from '../shared/adapters/blob/feed-files.ts';
import { BlobIndicatorSnapshots } from '../shared/adapters/blob/indicator-snapshots.ts';
import { MemoryAlertStore } from '../shared/adapters/memory/alert-store.ts';
import { MemoryFeedStore } from '../shared/adapters/memory/feed-store.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { NodeWeb } from '../shared/adapters/web/node-web.ts';
import { FEEDS_FILE } from '../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { refreshFeeds } from '../shared/pipeline/feeds/refresh/refresh-feeds.ts';
import { CurrentSnapshot } from '../shared/pipeline/ingest/current-snapshot.ts';

const LINES = Number(process.argv[2] ?? 1_000_000);

/** Distinct public addresses in no order, as lists by score are. */
function listOf(lines: number, seed: number): Buffer {
  const texts: string[] = [];
  // Odd multipliers permute the numbers below 2^24: every address once.
  for (let i = 0; texts.length < lines; i++) {
    const n = Math.imul(i + seed, 10_368_889) & 0xff_ffff;
    // From 11.0.0.0 to 74.x: no private or reserved network lies there.
    const word = 0x0b00_0000 + n * 63;
    texts.push(`${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}\n`);
  }
  return Buffer.from(texts.join(''));
}

/** What a script would do: a set of valid lines, written as JSON and read again into a set. */
async function plainWay(url: string): Promise<{ milliseconds: number; bytes: number }> {
  const started = performance.now();
  const lines = (await (await fetch(url)).text()).split('\n');
  const addresses = new Set(lines.map((line) => line.trim()).filter((line) => isIPv4(line)));
  const text = JSON.stringify([...addresses].sort());
  const read = new Set(JSON.parse(text) as string[]);
  if (read.size !== addresses.size) throw new Error('addresses were lost');
  return { milliseconds: performance.now() - started, bytes: text.length };
}

const directory = await mkdtemp(join(tmpdir(), 'threadwatch-bench-'));
const azurite = await startAzurite({ directory, port: 0 });
let body = listOf(LINES, 0);
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end(body);
});
await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
try {
  const blobs = openBlobService({ connectionString: azurite.connectionString });
  await createContainers(blobs);
  const snapshots = new BlobIndicatorSnapshots(blobs);
  const configuration = new BlobConfiguration(blobs);
  let now = Date.now();
  const services = {
    configuration,
    snapshots,
    files: new BlobFeedFiles(blobs),
    checkpoints: new BlobCheckpoints(blobs),
    feeds: new MemoryFeedStore(),
    alerts: new MemoryAlertStore(),
    secrets: { read: () => null },
    web: new NodeWeb(),
    clock: { now: () => now },
    storeClock: systemClock,
    hub: 'bench',
  };
  const { port } = server.address() as AddressInfo;
  const feed = { name: 'million.txt', address: `http://127.0.0.1:${port}/`, allowPrivate: true };
  await configuration.write(FEEDS_FILE, { version: 1, feeds: [feed] }, null);
  const current = new CurrentSnapshot(snapshots, services.clock, 60_000);
  await current.refresh();
  const held = monitorEventLoopDelay({ resolution: 5 });
  held.enable();
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);
  const before = process.memoryUsage().rss;
  let [firstMs, snapshotBytes] = [0, 0];
  process.stdout.write(
    `${LINES.toLocaleString('en')} lines, ${(body.length / 1e6).toFixed(1)} MB\n`,
  );
  for (const [what, next] of [
    ['first fetch', body],
    ['1 % other', listOf(LINES, Math.floor(LINES / 100))],
    ['unchanged', null],
  ] as const) {
    if (next !== null) body = next;
    const started = performance.now();
    const summary = await refreshFeeds(services);
    const refreshed = performance.now();
    await current.refresh();
    const swapped = performance.now();
    const { stat } = (await current.fresh()).index;
    if (what === 'first fetch') [firstMs, snapshotBytes] = [swapped - started, stat.bytes];
    process.stdout.write(
      `${what.padEnd(12)} refreshed ${((refreshed - started) / 1000).toFixed(2)} s, swapped in ${(swapped - refreshed).toFixed(0)} ms; ` +
        `${stat.ipv4Addresses.toLocaleString('en')} addresses in ${(stat.bytes / 1e6).toFixed(2)} MB (${summary.refreshed} refreshed, ${summary.held} held)\n`,
    );
    now += 2 * 60 * 60_000;
  }
  clearInterval(watch);
  held.disable();
  process.stdout.write(
    `memory: ${(before / 1e6).toFixed(0)} MB before, ${(peak / 1e6).toFixed(0)} MB at its peak; the longest turn of the event loop took ${(held.max / 1e6).toFixed(0)} ms\n`,
  );
  const plain = await plainWay(`http://127.0.0.1:${port}/`);
  process.stdout.write(
    `plain way    ${(plain.milliseconds / 1000).toFixed(2)} s to ${(plain.bytes / 1e6).toFixed(2)} MB of text: no ranges, no other family, no comparison, no provenance\n` +
      `ratio        ${(firstMs / plain.milliseconds).toFixed(1)}x the time, ${(plain.bytes / snapshotBytes).toFixed(1)}x smaller\n`,
  );
} finally {
  server.close();
  await azurite.stop();
  await rm(directory, { recursive: true, force: true });
}
