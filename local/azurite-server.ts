// Azurite's blob service in a process of its own; azurite.ts starts it. Its own entry script neither ends with its
// parent nor prints a port it chose itself, and sends telemetry unless told not to.
import { createServer } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { announce, listen, parsePort } from './child.ts';

/** Azurite is CommonJS without types; this is the part of it that is used here. */
interface Azurite {
  readonly BlobConfiguration: new (...settings: readonly unknown[]) => unknown;
  readonly BlobServer: new (configuration: unknown) => {
    start(): Promise<void>;
    close(): Promise<void>;
  };
}

const USUAL_PORT = 10_000;
const KEEP_ALIVE_SECONDS = 5;
const MAX_ATTEMPTS = 5;

const { values } = parseArgs({
  options: { directory: { type: 'string' }, port: { type: 'string' } },
});
if (values.directory === undefined) throw new Error('--directory is missing');
const directory = values.directory;
await mkdir(directory, { recursive: true });

// Loading takes a second; a port that was found free should not wait so long to be taken.
const { BlobConfiguration, BlobServer } = loadAzurite();
const { server, port } = await start(parsePort(values.port));
announce({ blobPort: port }, () => server.close());

/** Between the probe and Azurite's own listener somebody else may take the port: then another one, unless it was asked for. */
async function start(
  asked: number | undefined,
): Promise<{ server: InstanceType<Azurite['BlobServer']>; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findPort(asked);
    const server = serverOn(port);
    try {
      await server.start();
      return { server, port };
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      const mayMove = asked === undefined || asked === 0;
      if (!taken || !mayMove || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function serverOn(port: number): InstanceType<Azurite['BlobServer']> {
  return new BlobServer(
    new BlobConfiguration(
      '127.0.0.1',
      port,
      KEEP_ALIVE_SECONDS,
      join(directory, 'blobs.json'),
      join(directory, 'extents.json'),
      [{ locationId: 'Default', locationPath: join(directory, 'blobs'), maxConcurrency: 50 }],
      false, // no access log
      undefined,
      false, // no debug log
      undefined,
      false, // not loose: what Azurite does not know is refused
      true, // the SDK's newest API version is no reason to refuse
    ),
  );
}

/** Azurite makes its own listener, so the port is tried first and then left to it. */
async function findPort(asked: number | undefined): Promise<number> {
  const probe = createServer();
  const found = await listen(probe, { asked, usual: USUAL_PORT });
  await new Promise((resolve) => probe.close(resolve));
  return found;
}

function loadAzurite(): Azurite {
  const require = createRequire(import.meta.url);
  const load = (path: string): { default: never } =>
    require(`azurite/dist/src/blob/${path}.js`) as { default: never };
  return {
    BlobConfiguration: load('BlobConfiguration').default,
    BlobServer: load('BlobServer').default,
  };
}
