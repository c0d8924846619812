import * as fc from 'fast-check';
import { formatIpv4, formatIpv6 } from '../../../../shared/domain/address/address.ts';
import {
  CHECK_RESULTS,
  CHECK_SEVERITIES,
  type Connection,
  type DeviceMessage,
  LOG_LEVELS,
  PROCESS_EVENTS,
  PROTOCOLS,
  type ReportedEvent,
} from '../../../../shared/domain/telemetry/device-message.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const maybeText = fc.option(text, { nil: null });
const u16 = fc.oneof(fc.constantFrom(0, 1, 65_535), fc.nat(65_535));
const u32 = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat());
const u64 = fc.oneof(
  fc.constantFrom(0n, 2n ** 53n + 1n, 2n ** 64n - 1n),
  fc.bigInt(0n, 2n ** 64n - 1n),
);

/** A name of the schema, or a code for which it has none. */
function code<const Names extends readonly string[]>(
  names: Names,
): fc.Arbitrary<Names[number] | number> {
  const unnamed = fc.integer({ min: -128, max: 127 }).filter((n) => names[n] === undefined);
  return fc.oneof(fc.constantFrom<Names[number][]>(...names), unnamed);
}

const ipv4 = u32.map(formatIpv4);
const ipv6 = fc
  .tuple(u32, u32, fc.oneof(u32, fc.constant(0xffff)), u32)
  .map((words) => formatIpv6(...words));

function connection(address: fc.Arbitrary<string>): fc.Arbitrary<Connection> {
  return fc.record({
    localAddress: address,
    remoteAddress: address,
    localPort: u16,
    remotePort: u16,
    bytesIn: u32,
    bytesOut: u32,
    protocol: code(PROTOCOLS),
    processId: u16,
    userId: u16,
    executable: maybeText,
    commandline: maybeText,
  });
}

/** What the RTOS agent can say. */
function plainConnection(address: fc.Arbitrary<string>): fc.Arbitrary<Connection> {
  const nothing = { processId: 0, userId: 0, executable: null, commandline: null };
  return connection(address).map((full) => ({ ...full, ...nothing }));
}

function flows(address: fc.Arbitrary<string>): fc.Arbitrary<Connection[]> {
  const list = fc.oneof(plainConnection(address), connection(address));
  return fc.array(list, { maxLength: 6 });
}

function port(address: fc.Arbitrary<string>) {
  return fc.record({ localAddress: address, localPort: u16, protocol: code(PROTOCOLS) });
}

const check = fc.record({
  id: text,
  result: code(CHECK_RESULTS),
  error: maybeText,
  description: maybeText,
  severity: code(CHECK_SEVERITIES),
  remediation: maybeText,
});

const process = fc.record({
  executable: maybeText,
  processId: u32,
  parentProcessId: u32,
  userId: u32,
  userName: maybeText,
  commandline: maybeText,
  eventType: code(PROCESS_EVENTS),
  hitCount: u32,
});

const record = fc.record({
  message: text,
  level: code(LOG_LEVELS),
  timestamp: u64.map(String),
  line: u32,
  filename: text,
});

const few = { maxLength: 4 };
const payload = fc.oneof(
  {
    weight: 3,
    arbitrary: kind('NetworkActivity', fc.record({ ipv4: flows(ipv4), ipv6: flows(ipv6) })),
  },
  kind(
    'SystemInformation',
    fc.record({ osInfo: maybeText, kernelInfo: maybeText, hwInfo: maybeText }),
  ),
  kind(
    'ListeningPorts',
    fc.record({ ipv4: fc.array(port(ipv4), few), ipv6: fc.array(port(ipv6), few) }),
  ),
  kind('Heartbeat', fc.constant({})),
  kind('Baseline', fc.record({ checks: fc.array(check, few) })),
  kind('Process', process),
  kind('Log', fc.record({ records: fc.array(record, few) })),
  kind(8, fc.constant(null)),
  kind(255, fc.constant(null)),
);

function kind<Kind, Value>(payloadType: Kind, value: fc.Arbitrary<Value>) {
  return fc.record({ payloadType: fc.constant(payloadType), payload: value });
}

const event: fc.Arbitrary<ReportedEvent> = fc
  .tuple(
    fc.record({ id: fc.uuid({ version: [1, 4] }), time: u32, collectionInterval: u32 }),
    payload,
  )
  .map(([envelope, what]) => ({ ...envelope, ...what }) as ReportedEvent);

/** Any message that the schema can say. */
export const arbitraryMessage: fc.Arbitrary<DeviceMessage> = fc
  .record({
    securityModuleId: text,
    securityModuleVersion: u32,
    timezone: fc.integer({ min: -128, max: 127 }),
    events: fc.array(event, { maxLength: 5 }),
  })
  .map((message) => JSON.parse(JSON.stringify(message)) as DeviceMessage); // ordinary prototypes
