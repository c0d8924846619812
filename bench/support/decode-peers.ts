// The work of `readConnections`, done the ways a team would do it otherwise: same table, same facts.
import { Ajv } from 'ajv';
import { ByteBuffer } from 'flatbuffers';
import type { ConnectionTable } from '../../shared/domain/telemetry/connection-table.ts';
import { type NameOrCode, PROTOCOLS } from '../../shared/domain/telemetry/device-message.ts';
import type { MessageFacts } from '../../shared/format/device-message/read-connections.ts';
import * as fb from './flatbuffers-accessors.ts';

const message = new fb.Message();
const event = new fb.Event();
const uuid = new fb.UUID();
const activity = new fb.NetworkActivity();
const flow4 = new fb.NetworkActivityV4();
const flow6 = new fb.NetworkActivityV6();
const pair4 = new fb.IPv4Addresses();
const pair6 = new fb.IPv6Addresses();
const common = new fb.NetworkActivityCommon();

/**
 * The `flatbuffers` package with every object reused. Missing required fields are noticed, as the accessors' types
 * demand. Offsets are not checked: a wild one reads zeros, or runs for seconds.
 */
export function readWithFlatbuffers(
  bytes: ByteBuffer,
  table: ConnectionTable,
  facts: MessageFacts,
): boolean {
  fb.Message.getRootAsMessage(bytes, message);
  facts.agentVersion = message.securityModuleVersion();
  facts.events = message.eventsLength();
  facts.deviceTimeSeconds = 0;
  facts.payloadKinds = 0;
  facts.ipv4Connections = 0;
  facts.ipv6Connections = 0;
  for (let i = 0; i < facts.events; i++) {
    message.events(i, event);
    if (event.id(uuid) === null) return false;
    if (i === 0) facts.deviceTimeSeconds = event.time();
    const tag = event.payloadType();
    facts.payloadKinds |= 1 << tag;
    if (tag !== 1) continue;
    if (event.payload(activity) === null || !readActivity(table, facts)) return false;
  }
  return true;
}

function readActivity(table: ConnectionTable, facts: MessageFacts): boolean {
  const ipv4 = activity.ipv4ActivityLength();
  const ipv6 = activity.ipv6ActivityLength();
  facts.ipv4Connections += ipv4;
  facts.ipv6Connections += ipv6;
  table.reserve(ipv4 + ipv6);
  for (let k = 0; k < ipv4; k++) {
    activity.ipv4Activity(k, flow4);
    if (flow4.addresses(pair4) === null || flow4.common(common) === null) return false;
    putIpv4(table, swap(pair4.localAddress()), swap(pair4.remoteAddress()));
    putCommon(table, 4);
  }
  for (let k = 0; k < ipv6; k++) {
    activity.ipv6Activity(k, flow6);
    if (flow6.addresses(pair6) === null || flow6.common(common) === null) return false;
    const word = 4 * table.count;
    for (let w = 0; w < 4; w++) {
      table.local[word + w] = swap(pair6.localAddress(w));
      table.remote[word + w] = swap(pair6.remoteAddress(w));
    }
    putCommon(table, 6);
  }
  return true;
}

function putIpv4(table: ConnectionTable, local: number, remote: number): void {
  const word = 4 * table.count;
  table.local[word] = local;
  table.remote[word] = remote;
  for (let w = 1; w < 4; w++) {
    table.local[word + w] = 0;
    table.remote[word + w] = 0;
  }
}

function putCommon(table: ConnectionTable, family: number): void {
  const row = table.count++;
  table.family[row] = family;
  table.localPort[row] = common.localPort();
  table.remotePort[row] = common.remotePort();
  table.bytesIn[row] = common.bytesIn();
  table.bytesOut[row] = common.bytesOut();
  table.protocol[row] = common.protocol();
}

/** The wire bytes are the address; the accessor reads them as a little-endian number. */
function swap(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24);
}

/** The message as JSON in the names of `threadwatch decode`, addresses as numbers so that nobody has to parse text. */
export interface JsonMessage {
  readonly securityModuleId: string;
  readonly securityModuleVersion: number;
  readonly events: readonly JsonEvent[];
}

interface JsonEvent {
  readonly id: string;
  readonly time: number;
  readonly collectionInterval: number;
  readonly payloadType: keyof typeof TAGS;
  readonly ipv4?: readonly JsonFlow<number>[];
  readonly ipv6?: readonly JsonFlow<readonly number[]>[];
  readonly osInfo?: string;
}

interface JsonFlow<Address> {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly localPort: number;
  readonly remotePort: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly protocol: NameOrCode<typeof PROTOCOLS>;
}

const TAGS = { NetworkActivity: 1, SystemInformation: 2, Heartbeat: 4 };

const text = { type: 'string' };
const u16 = { type: 'integer', minimum: 0, maximum: 0xffff };
const u32 = { type: 'integer', minimum: 0, maximum: 0xffff_ffff };

function objectOf(properties: Record<string, unknown>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', required, additionalProperties: false, properties };
}

function flowsOf(address: Record<string, unknown>) {
  const flow = objectOf({
    localAddress: address,
    remoteAddress: address,
    localPort: u16,
    remotePort: u16,
    bytesIn: u32,
    bytesOut: u32,
    protocol: { enum: [...PROTOCOLS, -1] },
  });
  return { type: 'array', items: flow };
}

const address6 = { type: 'array', items: u32, minItems: 4, maxItems: 4 };
const isMessage = new Ajv().compile<JsonMessage>(
  objectOf({
    securityModuleId: text,
    securityModuleVersion: u32,
    events: {
      type: 'array',
      items: objectOf(
        {
          id: text,
          time: u32,
          collectionInterval: u32,
          payloadType: { enum: Object.keys(TAGS) },
          ipv4: flowsOf(u32),
          ipv6: flowsOf(address6),
          osInfo: text,
        },
        ['ipv4', 'ipv6', 'osInfo'],
      ),
    },
  }),
);

/** JSON bytes, parsed and validated by ajv. */
export function readWithAjv(body: Buffer, table: ConnectionTable, facts: MessageFacts): boolean {
  const parsed: unknown = JSON.parse(body.toString());
  if (!isMessage(parsed)) return false;
  facts.agentVersion = parsed.securityModuleVersion;
  facts.events = parsed.events.length;
  facts.deviceTimeSeconds = parsed.events[0]?.time ?? 0;
  facts.payloadKinds = 0;
  facts.ipv4Connections = 0;
  facts.ipv6Connections = 0;
  for (const { payloadType, ipv4 = [], ipv6 = [] } of parsed.events) {
    facts.payloadKinds |= 1 << TAGS[payloadType];
    facts.ipv4Connections += ipv4.length;
    facts.ipv6Connections += ipv6.length;
    table.reserve(ipv4.length + ipv6.length);
    for (const flow of ipv4) {
      putIpv4(table, flow.localAddress, flow.remoteAddress);
      putFlow(table, flow, 4);
    }
    for (const flow of ipv6) {
      table.local.set(flow.localAddress, 4 * table.count);
      table.remote.set(flow.remoteAddress, 4 * table.count);
      putFlow(table, flow, 6);
    }
  }
  return true;
}

function putFlow(table: ConnectionTable, flow: JsonFlow<unknown>, family: number): void {
  const row = table.count++;
  const { protocol } = flow;
  table.family[row] = family;
  table.localPort[row] = flow.localPort;
  table.remotePort[row] = flow.remotePort;
  table.bytesIn[row] = flow.bytesIn;
  table.bytesOut[row] = flow.bytesOut;
  table.protocol[row] = typeof protocol === 'number' ? protocol : PROTOCOLS.indexOf(protocol);
}
