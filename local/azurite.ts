import { type Child, startChild } from './process.ts';

export interface AzuriteOptions {
  /** Where the blobs stay; a restart on the same folder finds them. */
  readonly directory: string;
  /** The usual 10000 or any free one unless given. */
  readonly port?: number;
  readonly onLog?: (line: string) => void;
}

export interface Azurite extends Child<{ readonly blobPort: number }> {
  readonly blobEndpoint: string;
  readonly connectionString: string;
}

const ACCOUNT = 'devstoreaccount1';
/** Azurite's published key: the same everywhere, no secret. */
const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Blob Storage on this machine: loopback, blob service only. */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const child = await startChild<{ blobPort: number }>({
    name: 'azurite',
    entry: new URL('azurite-server.ts', import.meta.url),
    args: [
      `--directory=${options.directory}`,
      ...(options.port === undefined ? [] : [`--port=${options.port}`]),
    ],
    ...(options.onLog === undefined ? {} : { onLog: options.onLog }),
  });
  const blobEndpoint = `http://127.0.0.1:${child.listening.blobPort}/${ACCOUNT}`;
  return {
    ...child,
    blobEndpoint,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${blobEndpoint};`,
  };
}
