// The stand-in for Cosmos in a process of its own; start.ts starts it.
import { parseArgs } from 'node:util';
import { announce, listen, parsePort } from '../child.ts';
import { createCosmosFace } from './http-face.ts';
import { CosmosStore } from './store.ts';

const USUAL_PORT = 8081;

const { values } = parseArgs({
  options: { directory: { type: 'string' }, port: { type: 'string' } },
});
if (values.directory === undefined) throw new Error('--directory is missing');

const store = new CosmosStore({ directory: values.directory });
const server = createCosmosFace(store);
const port = await listen(server, { asked: parsePort(values.port), usual: USUAL_PORT });

announce({ port }, async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  store.close();
});
