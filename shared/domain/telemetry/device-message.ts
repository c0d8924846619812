// A security message as people read it: every name and default of the agent's schema 2.3 spelled out.

export const PROTOCOLS = ['TCP', 'UDP', 'ICMP'] as const;
export const CHECK_RESULTS = ['PASS', 'FAIL', 'ERROR'] as const;
export const CHECK_SEVERITIES = ['CRITICAL', 'IMPORTANT', 'WARNING', 'INFORMATIONAL'] as const;
export const LOG_LEVELS = ['NOTSET', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG'] as const;
export const PROCESS_EVENTS = ['FORK', 'EXEC', 'EXIT'] as const;

/** The name of a wire value, or the value itself where the schema has no name for it. */
export type NameOrCode<Names extends readonly string[]> = Names[number] | number;

export interface DeviceMessage {
  /** A constant of the agent's build, not a device id. */
  readonly securityModuleId: string;
  /** major<<24 | minor<<16 | patch */
  readonly securityModuleVersion: number;
  readonly timezone: number;
  readonly events: readonly ReportedEvent[];
}

export type ReportedEvent = EventEnvelope & EventPayload;

export interface EventEnvelope {
  /** Lowercase UUID text; repeats between devices and after a restart. */
  readonly id: string;
  /** Unix seconds by the device's clock. */
  readonly time: number;
  /** Seconds. */
  readonly collectionInterval: number;
}

/** A payload of a kind the schema does not name keeps its union tag and nothing else. */
export type EventPayload =
  | { readonly payloadType: 'NetworkActivity'; readonly payload: NetworkActivity }
  | { readonly payloadType: 'SystemInformation'; readonly payload: SystemInformation }
  | { readonly payloadType: 'ListeningPorts'; readonly payload: ListeningPorts }
  | { readonly payloadType: 'Heartbeat'; readonly payload: Heartbeat }
  | { readonly payloadType: 'Baseline'; readonly payload: BaselineReport }
  | { readonly payloadType: 'Process'; readonly payload: ProcessActivity }
  | { readonly payloadType: 'Log'; readonly payload: LogReport }
  | { readonly payloadType: number; readonly payload: null };

export interface NetworkActivity {
  readonly ipv4: readonly Connection[];
  readonly ipv6: readonly Connection[];
}

export interface Connection {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly protocol: NameOrCode<typeof PROTOCOLS>;
  readonly processId: number;
  readonly userId: number;
  readonly executable: string | null;
  readonly commandline: string | null;
}

export interface SystemInformation {
  readonly osInfo: string | null;
  readonly kernelInfo: string | null;
  readonly hwInfo: string | null;
}

export interface ListeningPorts {
  readonly ipv4: readonly ListeningPort[];
  readonly ipv6: readonly ListeningPort[];
}

export interface ListeningPort {
  readonly localAddress: string;
  readonly localPort: number;
  readonly protocol: NameOrCode<typeof PROTOCOLS>;
}

export type Heartbeat = Readonly<Record<string, never>>;

export interface BaselineReport {
  readonly checks: readonly BaselineCheck[];
}

export interface BaselineCheck {
  readonly id: string;
  readonly result: NameOrCode<typeof CHECK_RESULTS>;
  readonly error: string | null;
  readonly description: string | null;
  readonly severity: NameOrCode<typeof CHECK_SEVERITIES>;
  readonly remediation: string | null;
}

export interface ProcessActivity {
  readonly executable: string | null;
  readonly processId: number;
  readonly parentProcessId: number;
  readonly userId: number;
  readonly userName: string | null;
  readonly commandline: string | null;
  readonly eventType: NameOrCode<typeof PROCESS_EVENTS>;
  readonly hitCount: number;
}

export interface LogReport {
  readonly records: readonly LogRecord[];
}

export interface LogRecord {
  readonly message: string;
  readonly level: NameOrCode<typeof LOG_LEVELS>;
  /** A u64 in decimal: it may exceed what a number holds exactly. The schema names no unit. */
  readonly timestamp: string;
  readonly line: number;
  readonly filename: string;
}
