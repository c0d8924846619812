// A snapshot of five million addresses from Blob Storage to its first answer, beside a bare HTTP request for the same bytes; on
// Azurite. `node bench/load.ts [ADDRESSES]`
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { crc32 } from 'node:zlib';
import { BlobSASPermissions } from '@azure/storage-blob';
import { startAzurite } from '../local/azurite.ts';
import {
  CONTAINERS,
  createContainers,
  openBlobService,
} from '../shared/adapters/blob/blob-service.ts';
import { BlobIndicatorSnapshots } from '../shared/adapters/blob/indicator-snapshots.ts';
import { buildSnapshot } from '../shared/format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../shared/format/indicator-snapshot/open-snapshot.ts';
import { Dice, addressesOf } from './support/lookup-data.ts';

if (process.argv.includes('--help')) {
  process.stdout.write('node bench/load.ts [ADDRESSES]   (default: 5000000)\n');
  process.exit(0);
}
const ADDRESSES = Number(process.argv[2] ?? 5_000_000);
const ROUNDS = 15;

async function bare(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      const bytes = new Uint8Array(Number(response.headers['content-length']));
      let filled = 0;
      response
        .on('data', (chunk: Uint8Array) => {
          bytes.set(chunk, filled);
          filled += chunk.length;
        })
        .on('end', () => resolve(filled))
        .on('error', reject);
    }).on('error', reject);
  });
}

const directory = await mkdtemp(join(tmpdir(), 'threadwatch-bench-'));
const azurite = await startAzurite({ directory, port: 0 });
try {
  const service = openBlobService({ connectionString: azurite.connectionString });
  await createContainers(service);
  const snapshots = new BlobIndicatorSnapshots(service);
  const addresses = addressesOf(ADDRESSES, new Dice(1));
  const ipv4 = [{ addresses, details: [null], detailOf: null }];
  const file = buildSnapshot([{ name: 'list', kind: 'threat', indicators: [], ipv4 }], {
    checksum: crc32,
    filter: true,
  });
  const id = await snapshots.store(file);
  const blob = service.getContainerClient(CONTAINERS.indicators).getBlobClient(`snapshots/${id}`);
  const url = await blob.generateSasUrl({
    permissions: BlobSASPermissions.parse('r'),
    expiresOn: new Date(Date.now() + 3_600_000),
  });
  const ways: Record<string, () => Promise<void>> = {
    'bare http, bytes alone': async () => {
      if ((await bare(url)) !== file.length) throw new Error('bytes are missing');
    },
    'read, hashed, opened, asked': async () => {
      const index = openSnapshot(await snapshots.read(id), crc32);
      if (!index.hasIpv4(addresses[0]!)) throw new Error('a listed address is missing');
    },
  };
  const best: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const started = performance.now();
      await way();
      best[name] = Math.min(best[name] ?? Infinity, performance.now() - started);
    }
  }
  process.stdout.write(
    `Node ${process.version}, ${ADDRESSES.toLocaleString('en')} addresses, ${(file.length / 1e6).toFixed(1)} MB from Azurite, quietest of ${ROUNDS} rounds\n`,
  );
  const [floor, own] = Object.values(best) as [number, number];
  for (const [name, ms] of Object.entries(best)) {
    process.stdout.write(`${name.padEnd(28)} ${ms.toFixed(0)} ms\n`);
  }
  process.stdout.write(`ratio                        ${(own / floor).toFixed(2)}x\n`);
} finally {
  await azurite.stop();
  await rm(directory, { recursive: true, force: true });
}
