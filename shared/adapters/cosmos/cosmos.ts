import { CosmosClient, ErrorResponse } from '@azure/cosmos';
import type { TokenCredential } from '@azure/identity';

/** Either a connection string (the local server), or the account's address and an identity. */
export type CosmosConnection =
  | { readonly connectionString: string }
  | { readonly endpoint: string; readonly credential: TokenCredential };

export const DATABASE = 'threadwatch';
export const ALERTS = 'alerts';
export const FEEDS = 'feeds';
export const SECURITY_GROUPS = 'securityGroups';

export function openCosmos(connection: CosmosConnection): CosmosClient {
  const connectionPolicy = {
    requestTimeout: 20_000,
    retryOptions: {
      maxRetryAttemptCount: 9,
      maxWaitTimeInSeconds: 30,
      fixedRetryIntervalInMilliseconds: 0,
    },
  };
  if ('endpoint' in connection) {
    const { endpoint, credential } = connection;
    return new CosmosClient({ endpoint, aadCredentials: credential, connectionPolicy });
  }
  return new CosmosClient({ ...endpointAndKey(connection.connectionString), connectionPolicy });
}

/** In Azure the database is part of the deployment; the local platform makes it itself. */
export async function createDatabase(client: CosmosClient): Promise<void> {
  const { database } = await client.databases.createIfNotExists({ id: DATABASE });
  // -1: documents stay unless they say otherwise; resolved ones will.
  await database.containers.createIfNotExists({
    id: ALERTS,
    partitionKey: { paths: ['/pk'] },
    defaultTtl: -1,
  });
  for (const id of [FEEDS, SECURITY_GROUPS]) {
    await database.containers.createIfNotExists({ id, partitionKey: { paths: ['/id'] } });
  }
}

/** The SDK's error carries the HTTP status in `code`. */
export function statusOf(error: unknown): number | null {
  if (error instanceof ErrorResponse && typeof error.code === 'number') return error.code;
  return null;
}

function endpointAndKey(connectionString: string): { endpoint: string; key: string } {
  const fields = new Map(
    connectionString
      .split(';')
      .filter((part) => part.includes('='))
      .map((part) => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1)]),
  );
  const endpoint = fields.get('AccountEndpoint');
  const key = fields.get('AccountKey');
  if (endpoint === undefined || key === undefined) {
    throw new Error('the Cosmos connection string needs AccountEndpoint and AccountKey');
  }
  return { endpoint, key };
}
