import type { Platform } from '../platform.ts';
import { type Child, startChild } from '../process.ts';

export interface FunctionsProcessOptions {
  readonly platform: Platform;
  readonly settings?: Readonly<Record<string, string>>;
  readonly httpPort: number;
  /** Serves https as well, under the certificate of this folder, which is made if it is not there. */
  readonly tls?: { readonly directory: string; readonly port: number };
  readonly maxBatch?: number;
  readonly timerStateDirectory?: string;
  readonly durableStateDirectory?: string;
  readonly onLog?: (line: string) => void;
}

export type FunctionsProcess = Child<{
  readonly httpAddress: string;
  /** `https://localhost:PORT` and what to trust it by; null where `tls` was not asked for. */
  readonly httpsAddress: string | null;
  readonly certificateFile: string | null;
  readonly functions: readonly { name: string; trigger: string; detail: string }[];
}>;

/** Threadwatch's functions as a process beside the platform. */
export async function startFunctions(options: FunctionsProcessOptions): Promise<FunctionsProcess> {
  const { platform, settings, httpPort, tls, maxBatch, onLog } = options;
  const { timerStateDirectory, durableStateDirectory } = options;
  return startChild({
    name: 'functions',
    entry: new URL('server.ts', import.meta.url),
    args: [
      `--hub=${platform.hub.httpAddress}`,
      `--settings=${JSON.stringify({ ...platform.settings, ...settings })}`,
      `--http-port=${httpPort}`,
      ...(tls === undefined ? [] : [`--tls=${tls.directory}`, `--https-port=${tls.port}`]),
      ...(maxBatch === undefined ? [] : [`--max-batch=${maxBatch}`]),
      ...(timerStateDirectory === undefined ? [] : [`--timers=${timerStateDirectory}`]),
      ...(durableStateDirectory === undefined ? [] : [`--durable=${durableStateDirectory}`]),
    ],
    ...(onLog === undefined ? {} : { onLog }),
  });
}
