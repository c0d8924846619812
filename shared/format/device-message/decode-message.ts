import { formatIpv4, formatIpv6 } from '../../domain/address/address.ts';
import { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import {
  type BaselineCheck,
  CHECK_RESULTS,
  CHECK_SEVERITIES,
  type Connection,
  type DeviceMessage,
  type EventPayload,
  type ListeningPort,
  type LogRecord,
  LOG_LEVELS,
  type NameOrCode,
  PROCESS_EVENTS,
  type ProcessActivity,
  PROTOCOLS,
  type ReportedEvent,
} from '../../domain/telemetry/device-message.ts';
import { CheckedBody } from './checked-body.ts';
import {
  BASELINE,
  BASELINE_CHECK,
  EVENT,
  FLOW,
  FLOW_COMMON,
  IPV4_BYTES,
  IPV6_BYTES,
  LISTENING_IPV4_BYTES,
  LISTENING_IPV6_BYTES,
  LISTENING_PORTS,
  LOG,
  LOG_RECORD,
  MESSAGE,
  NETWORK_ACTIVITY,
  PROCESS,
  SYSTEM_INFORMATION,
  TAG,
} from './layout.ts';
import { newMessageFacts, readConnections } from './read-connections.ts';
import type { MessageRefusal } from './refusal.ts';

/** The whole message as a tree, for people. The verdict is that of `readConnections`, always. */
export function decodeMessage(
  body: Uint8Array,
): { readonly message: DeviceMessage } | { readonly refused: MessageRefusal } {
  const refused = readConnections(body, new ConnectionTable(16), newMessageFacts());
  return refused === null ? { message: messageOf(new CheckedBody(body)) } : { refused };
}

function messageOf(body: CheckedBody): DeviceMessage {
  const message = body.target(0);
  return {
    securityModuleId: body.text(message, MESSAGE.id)!,
    securityModuleVersion: body.u32(message, MESSAGE.version),
    timezone: body.i8(message, MESSAGE.timezone),
    events: body.tables(message, MESSAGE.events).map((event) => eventOf(body, event)),
  };
}

function eventOf(body: CheckedBody, event: number): ReportedEvent {
  return {
    id: uuidAt(body, body.field(event, EVENT.id)),
    time: body.u32(event, EVENT.time),
    collectionInterval: body.u32(event, EVENT.interval),
    ...payloadOf(body, body.u8(event, EVENT.payloadType), body.field(event, EVENT.payload)),
  };
}

/** The agent's 16 bytes in the order in which they stand. */
function uuidAt(body: CheckedBody, at: number): string {
  const hex = [0, 4, 8, 12]
    .map((i) =>
      body
        .wordAt(at + i)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function payloadOf(body: CheckedBody, tag: number, at: number): EventPayload {
  switch (tag) {
    case TAG.networkActivity:
      return { payloadType: 'NetworkActivity', payload: networkActivityOf(body, body.target(at)) };
    case TAG.systemInformation:
      return { payloadType: 'SystemInformation', payload: systemOf(body, body.target(at)) };
    case TAG.listeningPorts:
      return { payloadType: 'ListeningPorts', payload: listeningPortsOf(body, body.target(at)) };
    case TAG.heartbeat:
      return { payloadType: 'Heartbeat', payload: {} };
    case TAG.baseline: {
      const checks = body.tables(body.target(at), BASELINE.slot.checks);
      return { payloadType: 'Baseline', payload: { checks: checks.map((c) => checkOf(body, c)) } };
    }
    case TAG.process:
      return { payloadType: 'Process', payload: processOf(body, body.target(at)) };
    case TAG.log: {
      const records = body.tables(body.target(at), LOG.slot.records);
      return { payloadType: 'Log', payload: { records: records.map((r) => recordOf(body, r)) } };
    }
    default:
      return { payloadType: tag, payload: null };
  }
}

function networkActivityOf(body: CheckedBody, activity: number) {
  const { ipv4, ipv6 } = NETWORK_ACTIVITY;
  return {
    ipv4: body.tables(activity, ipv4).map((flow) => connectionOf(body, flow, ipv4At, IPV4_BYTES)),
    ipv6: body.tables(activity, ipv6).map((flow) => connectionOf(body, flow, ipv6At, IPV6_BYTES)),
  };
}

function connectionOf(
  body: CheckedBody,
  flow: number,
  addressAt: (body: CheckedBody, at: number) => string,
  addressBytes: number,
): Connection {
  const { slot } = FLOW_COMMON;
  const addresses = body.field(flow, FLOW.addresses);
  const common = body.target(body.field(flow, FLOW.common));
  return {
    localAddress: addressAt(body, addresses),
    remoteAddress: addressAt(body, addresses + addressBytes),
    localPort: body.u16(common, slot.localPort),
    remotePort: body.u16(common, slot.remotePort),
    bytesIn: body.u32(common, slot.bytesIn),
    bytesOut: body.u32(common, slot.bytesOut),
    protocol: named(PROTOCOLS, body.i8(common, slot.protocol)),
    processId: body.u16(common, slot.processId),
    userId: body.u16(common, slot.userId),
    executable: body.text(common, slot.executable),
    commandline: body.text(common, slot.commandline),
  };
}

function systemOf(body: CheckedBody, system: number) {
  const { slot } = SYSTEM_INFORMATION;
  return {
    osInfo: body.text(system, slot.osInfo),
    kernelInfo: body.text(system, slot.kernelInfo),
    hwInfo: body.text(system, slot.hwInfo),
  };
}

function listeningPortsOf(body: CheckedBody, ports: number) {
  const { ipv4, ipv6 } = LISTENING_PORTS.slot;
  return {
    ipv4: body
      .structs(ports, ipv4, LISTENING_IPV4_BYTES)
      .map((at) => portOf(body, ipv4At(body, at), at + IPV4_BYTES)),
    ipv6: body
      .structs(ports, ipv6, LISTENING_IPV6_BYTES)
      .map((at) => portOf(body, ipv6At(body, at), at + IPV6_BYTES)),
  };
}

function portOf(body: CheckedBody, localAddress: string, at: number): ListeningPort {
  const protocol = named(PROTOCOLS, body.i8At(at + 2));
  return { localAddress, localPort: body.u16At(at), protocol };
}

function checkOf(body: CheckedBody, check: number): BaselineCheck {
  const { slot } = BASELINE_CHECK;
  return {
    id: body.text(check, slot.id)!,
    result: named(CHECK_RESULTS, body.i8(check, slot.result)),
    error: body.text(check, slot.error),
    description: body.text(check, slot.description),
    severity: named(CHECK_SEVERITIES, body.i8(check, slot.severity)),
    remediation: body.text(check, slot.remediation),
  };
}

function processOf(body: CheckedBody, process: number): ProcessActivity {
  const { slot } = PROCESS;
  return {
    executable: body.text(process, slot.executable),
    processId: body.u32(process, slot.processId),
    parentProcessId: body.u32(process, slot.parentProcessId),
    userId: body.u32(process, slot.userId),
    userName: body.text(process, slot.userName),
    commandline: body.text(process, slot.commandline),
    eventType: named(PROCESS_EVENTS, body.i8(process, slot.eventType)),
    hitCount: body.u32(process, slot.hitCount, 1),
  };
}

function recordOf(body: CheckedBody, record: number): LogRecord {
  const { slot } = LOG_RECORD;
  return {
    message: body.text(record, slot.message)!,
    level: named(LOG_LEVELS, body.i8(record, slot.level)),
    timestamp: String(body.u64(record, slot.timestamp)),
    line: body.u32(record, slot.line),
    filename: body.text(record, slot.filename)!,
  };
}

function named<const Names extends readonly string[]>(
  names: Names,
  code: number,
): NameOrCode<Names> {
  return names[code] ?? code;
}

function ipv4At(body: CheckedBody, at: number): string {
  return formatIpv4(body.wordAt(at));
}

function ipv6At(body: CheckedBody, at: number): string {
  return formatIpv6(
    body.wordAt(at),
    body.wordAt(at + 4),
    body.wordAt(at + 8),
    body.wordAt(at + 12),
  );
}
