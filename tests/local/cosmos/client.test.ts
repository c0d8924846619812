import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttpServer } from '@vercel/cosmosdb-server';
import { createCosmosFace } from '../../../local/cosmos/http-face.ts';
import { CosmosStore } from '../../../local/cosmos/store.ts';
import { cosmosClientSuite, type Opened } from './client-suite.ts';

cosmosClientSuite('the stand-in', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cosmos-'));
  const store = new CosmosStore({ directory });
  const opened = await serve(createCosmosFace(store));
  return {
    ...opened,
    close: async () => {
      await opened.close();
      store.close();
      await rm(directory, { recursive: true });
    },
  };
});

// A second opinion on what the facts are: written by others, from the service's behaviour. Of ours it also has no time to
// live, no limit on size, no files, and takes a body's partition key without looking at the header.
cosmosClientSuite('@vercel/cosmosdb-server', async () => serve(createHttpServer()), {
  ignoresIfNoneMatch: true,
  ignoresPartitionKeyOfQuery: true,
});

async function serve(server: Server & { closeAllConnections?: () => void }): Promise<Opened> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections?.();
      });
    },
  };
}
