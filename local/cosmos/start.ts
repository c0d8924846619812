import { type Child, startChild } from '../process.ts';

export interface CosmosProcessOptions {
  /** Where the documents stay; a restart on the same folder finds them. */
  readonly directory: string;
  /** The usual 8081 or any free one unless given. */
  readonly port?: number;
  readonly onLog?: (line: string) => void;
}

export interface CosmosProcess extends Child<{ readonly port: number }> {
  readonly endpoint: string;
  readonly connectionString: string;
  /** For tests: so many document requests from now on are answered 429. */
  throttle(requests: number, retryAfterMilliseconds: number): Promise<void>;
}

/** Any key will do, it is not verified; the client only wants it to be base64. */
const KEY = 'bG9jYWw=';

/** Cosmos DB on this machine, as far as `@azure/cosmos` needs it here. */
export async function startCosmos(options: CosmosProcessOptions): Promise<CosmosProcess> {
  const { directory, port, onLog } = options;
  const child = await startChild<{ port: number }>({
    name: 'cosmos',
    entry: new URL('server.ts', import.meta.url),
    args: [`--directory=${directory}`, ...(port === undefined ? [] : [`--port=${port}`])],
    ...(onLog === undefined ? {} : { onLog }),
  });
  const endpoint = `http://127.0.0.1:${child.listening.port}/`;
  return {
    ...child,
    endpoint,
    connectionString: `AccountEndpoint=${endpoint};AccountKey=${KEY};`,
    throttle: async (remaining, retryAfterMilliseconds) => {
      const body = JSON.stringify({ remaining, retryAfterMilliseconds });
      const response = await fetch(`${endpoint}_throttle`, { method: 'POST', body });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}
