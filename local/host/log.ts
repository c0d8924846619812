export type LogLevel =
  | 'trace'
  | 'debug'
  | 'information'
  | 'warning'
  | 'error'
  | 'critical'
  | 'none';

/** `user`: what the app logged; `system` and `customMetric`: the Functions library; `host`: this host. */
export type LogCategory = 'user' | 'system' | 'customMetric' | 'host';

export interface HostLogEntry {
  readonly level: LogLevel;
  readonly category: LogCategory;
  readonly functionName?: string;
  readonly invocationId?: string;
  readonly message: string;
}

export type HostLog = (entry: HostLogEntry) => void;
