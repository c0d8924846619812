import { BlobServiceClient, RestError, type StoragePipelineOptions } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';

/** Either a connection string (Azurite), or the account's address and an identity. */
export type BlobConnection =
  | { readonly connectionString: string }
  | { readonly serviceUri: string; readonly credential: TokenCredential };

export const CONTAINERS = {
  activity: 'activity',
  indicators: 'indicators',
  checkpoints: 'checkpoints',
  configuration: 'configuration',
  runs: 'runs',
} as const;

const OPTIONS: StoragePipelineOptions = {
  retryOptions: {
    maxTries: 3,
    // What the service gives itself; the SDK waits for an answer without end: see `within`.
    tryTimeoutInMs: 20_000,
    retryDelayInMs: 500,
    maxRetryDelayInMs: 4_000,
  },
};

/** One attempt of ingest has two minutes, so an operation that hangs gives up well before. */
export const OPERATION_MS = 45_000;

/** Bounds one operation, its retries and the reading of its answer included. */
export function within(milliseconds: number): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(milliseconds) };
}

export function openBlobService(connection: BlobConnection): BlobServiceClient {
  return 'connectionString' in connection
    ? BlobServiceClient.fromConnectionString(connection.connectionString, OPTIONS)
    : new BlobServiceClient(connection.serviceUri, connection.credential, OPTIONS);
}

/** In Azure the containers are part of the deployment; the local platform makes them itself. */
export async function createContainers(service: BlobServiceClient): Promise<void> {
  for (const name of Object.values(CONTAINERS)) {
    await service.getContainerClient(name).createIfNotExists();
  }
}

/** The status of an answer that means "not as you think it is", or null for any other failure. */
export function statusOf(error: unknown): number | null {
  return error instanceof RestError ? (error.statusCode ?? null) : null;
}

export async function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}
