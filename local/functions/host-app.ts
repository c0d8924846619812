import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { HostClock } from '../host/clock.ts';
import { type FunctionsHost, startFunctionsHost } from '../host/functions-host.ts';
import type { TlsOptions } from '../host/http.ts';
import type { HostLog } from '../host/log.ts';
import type { EventHubsJson } from '../host/settings.ts';
import { HubClient } from '../hub/client.ts';

/** The repository: where `host.json`, `package.json` and the functions are. */
export const APP_DIRECTORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface HostAppOptions {
  readonly settings: Readonly<Record<string, string>>;
  readonly hubAddress: string;
  readonly log: HostLog;
  readonly eventHubs: EventHubsJson;
  readonly clock?: HostClock;
  readonly httpPort?: number;
  readonly tls?: TlsOptions;
  readonly timerStateDirectory?: string;
  readonly durableStateDirectory?: string;
  /** Runs these modules instead of the sources: the built app (`dist/functions/…`). */
  readonly main?: string;
}

/** Threadwatch's own functions in this process, woken by the local hub. */
export async function hostApp(options: HostAppOptions): Promise<FunctionsHost> {
  const { settings, hubAddress, log, eventHubs, clock, httpPort, tls } = options;
  const { timerStateDirectory, durableStateDirectory } = options;
  // These win over the user's environment: a connection string exported for a real account must not be written to.
  Object.assign(process.env, settings);
  return startFunctionsHost({
    appDirectory: APP_DIRECTORY,
    // Node runs the sources as they are; what is deployed is a bundle of them.
    main: options.main ?? 'functions/**/*.ts',
    settings,
    log,
    overrides: { eventHubs },
    http:
      httpPort === undefined ? false : { port: httpPort, ...(tls === undefined ? {} : { tls }) },
    openEventSource: async () => ({
      source: new HubClient(hubAddress),
      // What the connection string says, for both sides to give the stream the same name.
      fullyQualifiedNamespace: '127.0.0.1',
    }),
    ...(clock === undefined ? {} : { clock }),
    ...(timerStateDirectory === undefined ? {} : { timerStateDirectory }),
    ...(durableStateDirectory === undefined ? {} : { durableStateDirectory }),
  });
}
