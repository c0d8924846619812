import { type Child, startChild } from '../process.ts';
import { HubClient } from './client.ts';

export interface HubProcessOptions {
  /** Where the events stay; a restart on the same folder finds them, and the checkpoints. */
  readonly directory: string;
  /** The event hub's name, in AMQP addresses and in the connection string. */
  readonly name: string;
  /** Fixed when the folder is first used. */
  readonly partitionCount: number;
  /** The usual 7072 and 5672 or any free ones unless given. */
  readonly httpPort?: number;
  readonly amqpPort?: number;
  readonly onLog?: (line: string) => void;
}

export interface HubProcess extends Child<{
  readonly httpPort: number;
  readonly amqpPort: number;
}> {
  readonly client: HubClient;
  readonly httpAddress: string;
  /** For `@azure/event-hubs`, which then speaks AMQP without TLS. */
  readonly connectionString: string;
}

/** An event hub on this machine. */
export async function startHub(options: HubProcessOptions): Promise<HubProcess> {
  const { directory, name, partitionCount, httpPort, amqpPort, onLog } = options;
  const child = await startChild<{ httpPort: number; amqpPort: number }>({
    name: 'hub',
    entry: new URL('server.ts', import.meta.url),
    args: [
      `--directory=${directory}`,
      `--name=${name}`,
      `--partitions=${partitionCount}`,
      ...(httpPort === undefined ? [] : [`--http-port=${httpPort}`]),
      ...(amqpPort === undefined ? [] : [`--amqp-port=${amqpPort}`]),
    ],
    ...(onLog === undefined ? {} : { onLog }),
  });
  const httpAddress = `http://127.0.0.1:${child.listening.httpPort}`;
  return {
    ...child,
    client: new HubClient(httpAddress),
    httpAddress,
    connectionString: `Endpoint=sb://127.0.0.1:${child.listening.amqpPort};SharedAccessKeyName=local;SharedAccessKey=local;EntityPath=${name};UseDevelopmentEmulator=true`,
  };
}
