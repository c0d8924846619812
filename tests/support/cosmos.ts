import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CosmosClient } from '@azure/cosmos';
import { type CosmosProcess, startCosmos } from '../../local/cosmos/start.ts';
import { createDatabase, openCosmos } from '../../shared/adapters/cosmos/cosmos.ts';

export interface TestCosmos {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly connectionString: string;
  /** The client that the product makes. */
  readonly client: CosmosClient;
  /** The same store by way of another address: a proxy's. The caller disposes of it. */
  through(address: string): CosmosClient;
  readonly throttle: CosmosProcess['throttle'];
  stop(): Promise<void>;
}

/** The local Cosmos server on a free port and an empty folder, with the product's database. */
export async function startTestCosmos(): Promise<TestCosmos> {
  const directory = await mkdtemp(join(tmpdir(), 'threadwatch-cosmos-'));
  const cosmos = await startCosmos({ directory, port: 0 });
  const { connectionString } = cosmos;
  const address = new URL(cosmos.endpoint).origin;
  const client = openCosmos({ connectionString });
  await createDatabase(client);
  return {
    address,
    connectionString,
    client,
    through: (other) => openCosmos({ connectionString: connectionString.replace(address, other) }),
    throttle: (requests, retryAfterMs) => cosmos.throttle(requests, retryAfterMs),
    stop: async () => {
      client.dispose();
      await cosmos.stop();
      await rm(directory, { recursive: true });
    },
  };
}
