// The local hub in a process of its own; start.ts starts it.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { announce, listen, parsePort } from '../child.ts';
import { createAmqpFace } from './amqp-face.ts';
import { createHttpFace } from './http-face.ts';
import { Hub } from './hub.ts';

const USUAL_HTTP_PORT = 7072;
const USUAL_AMQP_PORT = 5672;

const { values } = parseArgs({
  options: {
    directory: { type: 'string' },
    name: { type: 'string' },
    partitions: { type: 'string' },
    'http-port': { type: 'string' },
    'amqp-port': { type: 'string' },
  },
});
const { directory, name } = values;
if (directory === undefined || name === undefined)
  throw new Error('--directory or --name is missing');
const partitionCount = Number(values.partitions);
if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > 1024) {
  throw new Error(`--partitions is a number from 1 to 1024, not "${values.partitions}"`);
}

const hub = new Hub({
  directory,
  name,
  partitionCount,
  onLog: (line) => process.stderr.write(`${line}\n`),
});
const http = createHttpFace(hub);
const amqp = createAmqpFace(hub);
const httpPort = await listen(http, {
  asked: parsePort(values['http-port']),
  usual: USUAL_HTTP_PORT,
});
const amqpPort = await listen(amqp.server, {
  asked: parsePort(values['amqp-port']),
  usual: USUAL_AMQP_PORT,
});

announce({ httpPort, amqpPort }, async () => {
  await Promise.all([
    amqp.close(),
    new Promise((resolve) => {
      http.close(resolve);
      http.closeAllConnections();
    }),
  ]);
  hub.close();
});
