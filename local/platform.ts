// Everything that Threadwatch stands on, on this machine: the hub, Blob Storage and Cosmos DB, each a process of its own.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createContainers, openBlobService } from '../shared/adapters/blob/blob-service.ts';
import { createDatabase, openCosmos } from '../shared/adapters/cosmos/cosmos.ts';
import { type Azurite, startAzurite } from './azurite.ts';
import { type CosmosProcess, startCosmos } from './cosmos/start.ts';
import { type HubProcess, startHub } from './hub/start.ts';

export interface PlatformOptions {
  /** Data stays here; a restart on the same folder finds everything. */
  readonly directory: string;
  /** Fixed when the folder is first used. */
  readonly partitionCount: number;
  /** Any free ports, for a platform that nobody looks for; else the usual ones where they are free. */
  readonly anyPorts?: boolean;
  /** Said of each part as it answers. */
  readonly onStarted?: (name: string, address: string) => void;
}

export interface Platform {
  readonly hub: HubProcess;
  readonly blobs: Azurite;
  readonly cosmos: CosmosProcess;
  /** The app settings with which the functions find it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Resolves with the name of a part that ended though nobody asked. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

const EVENT_HUB = 'devices';

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const folder = (name: string) => join(options.directory, name);
  // All of them before anything starts: what has started when this throws, nobody would stop.
  for (const name of ['hub', 'blob', 'cosmos']) await mkdir(folder(name), { recursive: true });
  const started: { stop(): Promise<void> }[] = [];
  const noted =
    <T extends { stop(): Promise<void> }>(name: string, address: (one: T) => string) =>
    (one: T): T => {
      started.push(one);
      options.onStarted?.(name, address(one));
      return one;
    };
  const port = options.anyPorts === true ? { port: 0 } : {};
  const parts = await Promise.allSettled([
    startHub({
      directory: folder('hub'),
      name: EVENT_HUB,
      partitionCount: options.partitionCount,
      ...(options.anyPorts === true ? { httpPort: 0, amqpPort: 0 } : {}),
    }).then(noted('event hub', (hub: HubProcess) => hub.httpAddress)),
    startAzurite({ directory: folder('blob'), ...port }).then(
      noted('blob storage', (blobs: Azurite) => blobs.blobEndpoint),
    ),
    startCosmos({ directory: folder('cosmos'), ...port }).then(
      noted('cosmos db', (cosmos: CosmosProcess) => cosmos.endpoint),
    ),
  ]);
  const stop = async () => {
    await Promise.all(started.map((one) => one.stop()));
  };
  try {
    const [hub, blobs, cosmos] = [valueOf(parts[0]), valueOf(parts[1]), valueOf(parts[2])];
    await createContainers(openBlobService({ connectionString: blobs.connectionString }));
    await createDatabase(openCosmos({ connectionString: cosmos.connectionString }));
    return {
      hub,
      blobs,
      cosmos,
      settings: settingsFor(hub, blobs, cosmos),
      failed: Promise.race(
        [hub, blobs, cosmos].map(async (child) => {
          const { code, signal } = await child.exited;
          return `${child.name} ended (${signal ?? `exit code ${code}`})`;
        }),
      ),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'fulfilled') return result.value;
  throw result.reason;
}

function settingsFor(hub: HubProcess, blobs: Azurite, cosmos: CosmosProcess) {
  return {
    IotHubName: 'local-hub',
    DeviceStream: hub.connectionString,
    DeviceStreamEventHub: EVENT_HUB,
    DeviceStreamConsumerGroup: '$Default',
    DeviceStreamGapConsumerGroup: 'threadwatch-gaps',
    ThreadwatchStorage: blobs.connectionString,
    ThreadwatchCosmos: cosmos.connectionString,
    FoldSchedule: '0 * * * * *',
    CatchUpSchedule: '30 * * * * *',
    FeedRefreshSchedule: '15 * * * * *',
    HuntSchedule: '45 * * * * *',
    WindowSchedule: '20 * * * * *',
  };
}
