import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite } from '../../local/azurite.ts';
import { createContainers, openBlobService } from '../../shared/adapters/blob/blob-service.ts';

export interface TestBlobs {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly connectionString: string;
  /** The client that the product makes. */
  readonly service: BlobServiceClient;
  /** The same store by way of another address: a proxy's. */
  through(address: string): BlobServiceClient;
  stop(): Promise<void>;
}

/** Azurite on a free port and an empty folder, with the product's containers. */
export async function startBlobs(): Promise<TestBlobs> {
  const directory = await mkdtemp(join(tmpdir(), 'threadwatch-blob-'));
  const azurite = await startAzurite({ directory, port: 0 });
  const { connectionString } = azurite;
  const address = new URL(azurite.blobEndpoint).origin;
  const service = openBlobService({ connectionString });
  await createContainers(service);
  return {
    address,
    connectionString,
    service,
    through: (other) =>
      openBlobService({ connectionString: connectionString.replace(address, other) }),
    stop: async () => {
      await azurite.stop();
      await rm(directory, { recursive: true });
    },
  };
}
