import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import { BodyReader, MAX_BODY_BYTES } from './body-reader.ts';
import * as layout from './layout.ts';
import {
  BASELINE,
  FLOW_PROCESS,
  LISTENING_PORTS,
  LOG,
  PROCESS,
  SYSTEM_INFORMATION,
  type TableLayout,
} from './layout.ts';
import { type MessageRefusal, REFUSED, refusalOf } from './refusal.ts';

// Constants of this module fold into machine code; imported ones are loaded and checked at every use.
const { truncated, badVtable, badPayload, missingField } = REFUSED;
const { OFFSET_BYTES, VTABLE_HEADER_BYTES, UUID_BYTES, IPV4_BYTES, IPV6_BYTES } = layout;
const { EVENT_LEAST_BYTES, IPV4_FLOW_LEAST_BYTES, IPV6_FLOW_LEAST_BYTES } = layout;
const { id: MESSAGE_ID, version: VERSION, timezone: TIMEZONE, events: EVENTS } = layout.MESSAGE;
const { id: EVENT_ID, time: TIME, interval: INTERVAL } = layout.EVENT;
const { payloadType: PAYLOAD_TYPE, payload: PAYLOAD } = layout.EVENT;
const { ipv4: IPV4_FLOWS, ipv6: IPV6_FLOWS } = layout.NETWORK_ACTIVITY;
const { addresses: ADDRESSES, common: COMMON } = layout.FLOW;
const { localPort: LOCAL_PORT, remotePort: REMOTE_PORT } = layout.FLOW_COMMON;
const { bytesIn: BYTES_IN, bytesOut: BYTES_OUT, protocol: PROTOCOL } = layout.FLOW_COMMON;
const { FLOW_COMMON_END } = layout;
const { osInfo: OS_INFO, kernelInfo: KERNEL_INFO, hwInfo: HW_INFO } = SYSTEM_INFORMATION.slot;
const { networkActivity: NETWORK_ACTIVITY_TAG, systemInformation: SYSTEM_INFORMATION_TAG } =
  layout.TAG;
const { listeningPorts: LISTENING_PORTS_TAG, baseline: BASELINE_TAG } = layout.TAG;
const { process: PROCESS_TAG, log: LOG_TAG } = layout.TAG;

/** What a message says beside its connections; the caller's to reuse. All 0 after a refusal. */
export interface MessageFacts {
  /** The first event's Unix time by the device's clock; the agent collects all events of a message together. */
  deviceTimeSeconds: number;
  /** `security_module_version`: major<<24 | minor<<16 | patch. */
  agentVersion: number;
  events: number;
  /** Bit `1 << tag` for each union tag of layout.ts `TAG` that occurs; bit 0 for tags not listed there. */
  payloadKinds: number;
  ipv4Connections: number;
  ipv6Connections: number;
}

export function newMessageFacts(): MessageFacts {
  return {
    deviceTimeSeconds: 0,
    agentVersion: 0,
    events: 0,
    payloadKinds: 0,
    ipv4Connections: 0,
    ipv6Connections: 0,
  };
}

const reader = new BodyReader();
const { view } = reader;

// Where the rows of the vector in hand have their addresses and their common table. Going over the rows three times
// with few columns at hand takes two thirds of the time of going once with all of them: registers (bench/decode.ts).
const MAX_ROWS = MAX_BODY_BYTES / OFFSET_BYTES;
const addressesOfRow = new Int32Array(MAX_ROWS);
const commonOfRow = new Int32Array(MAX_ROWS);

/**
 * Checks a whole message and appends its connections to `table`, from `table.count` on: events in order, IPv4 before
 * IPv6. Returns null, or why the message is refused; then `table.count` is as before.
 */
export function readConnections(
  body: Uint8Array,
  table: ConnectionTable,
  facts: MessageFacts,
): MessageRefusal | null {
  const { count } = table;
  const opened = reader.open(body);
  const read = opened < 0 ? opened : readMessage(table, facts);
  if (read >= 0) return null;
  table.count = count;
  Object.assign(facts, newMessageFacts());
  return refusalOf(read);
}

function readMessage(table: ConnectionTable, facts: MessageFacts): number {
  const message = reader.table(0);
  if (message < 0) return message;
  const vtable = message - view.getInt32(message, true);
  const vtableBytes = view.getUint16(vtable, true);
  const tableBytes = view.getUint16(vtable + 2, true);
  const id = fieldAt(vtable, vtableBytes, MESSAGE_ID);
  const version = fieldAt(vtable, vtableBytes, VERSION);
  const timezone = fieldAt(vtable, vtableBytes, TIMEZONE);
  const events = fieldAt(vtable, vtableBytes, EVENTS);
  const room = tableBytes - 4;
  if (((room - id) | (room - version) | (room + 3 - timezone) | (room - events)) < 0) {
    return badVtable;
  }
  if (id === 0 || events === 0) return missingField;
  facts.agentVersion = version === 0 ? 0 : view.getUint32(message + version, true);
  const text = reader.text(message + id);
  return text < 0 ? text : readEvents(message + events, table, facts);
}

/** Where a field lies in its table, 0 if absent. Slots beyond the vtable are masked: no branch to guess wrong. */
function fieldAt(vtable: number, vtableBytes: number, slot: number): number {
  return view.getUint16(vtable + slot, true) & ((slot + 1 - vtableBytes) >> 31);
}

function readEvents(at: number, table: ConnectionTable, facts: MessageFacts): number {
  const vector = reader.vector(at, OFFSET_BYTES, EVENT_LEAST_BYTES);
  if (vector < 0) return vector;
  const count = view.getInt32(vector, true);
  facts.events = count;
  facts.deviceTimeSeconds = 0;
  let kinds = 0;
  facts.ipv4Connections = 0;
  facts.ipv6Connections = 0;
  const { end } = reader;
  const last = end - OFFSET_BYTES;
  let known = -1; // the vtable that the next five speak of: events share theirs
  let lastEvent = 0;
  let time = 0;
  let payloadType = 0;
  let payload = 0;
  let element = vector + OFFSET_BYTES;
  for (let i = 0; i < count; i++, element += OFFSET_BYTES) {
    const event = (element + view.getInt32(element, true)) | 0;
    if (event <= element || event > last) return truncated;
    const vtable = (event - view.getInt32(event, true)) | 0;
    if (vtable !== known) {
      if (vtable < 0) return badVtable;
      if (vtable > last) return truncated;
      const vtableBytes = view.getUint16(vtable, true);
      const tableBytes = view.getUint16(vtable + 2, true);
      if (vtableBytes < VTABLE_HEADER_BYTES) return badVtable;
      if (vtableBytes > end - vtable) return truncated;
      const id = fieldAt(vtable, vtableBytes, EVENT_ID);
      const interval = fieldAt(vtable, vtableBytes, INTERVAL);
      time = fieldAt(vtable, vtableBytes, TIME);
      payloadType = fieldAt(vtable, vtableBytes, PAYLOAD_TYPE);
      payload = fieldAt(vtable, vtableBytes, PAYLOAD);
      const room = tableBytes - 4;
      if (((room - time) | (room - interval) | (room + 3 - payloadType) | (room - payload)) < 0) {
        return badVtable;
      }
      if (id === 0 || payload === 0) return missingField;
      if (id + UUID_BYTES > tableBytes) return badVtable;
      known = vtable;
      lastEvent = end - tableBytes;
    }
    if (event > lastEvent) return truncated;
    const tag = payloadType === 0 ? 0 : view.getUint8(event + payloadType);
    if (tag === 0) return badPayload;
    if (i === 0 && time !== 0) facts.deviceTimeSeconds = view.getUint32(event + time, true);
    kinds |= 1 << (tag > LOG_TAG ? 0 : tag);
    const read = readPayload(tag, event + payload, table, facts);
    if (read < 0) return read;
  }
  facts.payloadKinds = kinds;
  return 0;
}

function readPayload(tag: number, at: number, table: ConnectionTable, facts: MessageFacts): number {
  switch (tag) {
    case NETWORK_ACTIVITY_TAG:
      return readNetworkActivity(at, table, facts);
    case SYSTEM_INFORMATION_TAG:
      return checkSystemInformation(at);
    case LISTENING_PORTS_TAG:
      return checkTable(at, LISTENING_PORTS);
    case BASELINE_TAG:
      return checkTable(at, BASELINE);
    case PROCESS_TAG:
      return checkTable(at, PROCESS);
    case LOG_TAG:
      return checkTable(at, LOG);
    default:
      return 0; // A heartbeat has no fields; of a kind from a later schema the event is kept, the payload not read.
  }
}

function checkTable(at: number, layout: TableLayout): number {
  const table = reader.table(at);
  return table < 0 ? table : reader.fields(table, layout);
}

/** What `checkTable` would do, for the payload that every minute brings. */
function checkSystemInformation(at: number): number {
  const system = reader.table(at);
  if (system < 0) return system;
  const vtable = system - view.getInt32(system, true);
  const vtableBytes = view.getUint16(vtable, true);
  const room = view.getUint16(vtable + 2, true) - OFFSET_BYTES;
  const osInfo = fieldAt(vtable, vtableBytes, OS_INFO);
  const kernelInfo = fieldAt(vtable, vtableBytes, KERNEL_INFO);
  const hwInfo = fieldAt(vtable, vtableBytes, HW_INFO);
  if (((room - osInfo) | (room - kernelInfo) | (room - hwInfo)) < 0) return badVtable;
  const os = osInfo === 0 ? 0 : reader.text(system + osInfo);
  if (os < 0 || (kernelInfo | hwInfo) === 0) return os;
  const kernel = kernelInfo === 0 ? 0 : reader.text(system + kernelInfo);
  return kernel < 0 || hwInfo === 0 ? kernel : reader.text(system + hwInfo);
}

function readNetworkActivity(at: number, table: ConnectionTable, facts: MessageFacts): number {
  const activity = reader.table(at);
  if (activity < 0) return activity;
  const vtable = activity - view.getInt32(activity, true);
  const vtableBytes = view.getUint16(vtable, true);
  const room = view.getUint16(vtable + 2, true) - OFFSET_BYTES;
  const ipv4 = fieldAt(vtable, vtableBytes, IPV4_FLOWS);
  const ipv6 = fieldAt(vtable, vtableBytes, IPV6_FLOWS);
  if (((room - ipv4) | (room - ipv6)) < 0) return badVtable;
  if (ipv4 !== 0) {
    const rows = readFlows(activity + ipv4, 4, table);
    if (rows < 0) return rows;
    facts.ipv4Connections += rows;
  }
  if (ipv6 !== 0) {
    const rows = readFlows(activity + ipv6, 6, table);
    if (rows < 0) return rows;
    facts.ipv6Connections += rows;
  }
  return 0;
}

/** Returns the number of rows appended. */
function readFlows(at: number, family: 4 | 6, table: ConnectionTable): number {
  const isIpv4 = family === 4;
  const vector = reader.vector(
    at,
    OFFSET_BYTES,
    isIpv4 ? IPV4_FLOW_LEAST_BYTES : IPV6_FLOW_LEAST_BYTES,
  );
  if (vector < 0) return vector;
  const count = view.getInt32(vector, true);
  const { end } = reader;
  const located = locateRows(vector, count, end, 2 * (isIpv4 ? IPV4_BYTES : IPV6_BYTES));
  if (located < 0) return located;
  table.reserve(count);
  if (isIpv4) copyIpv4(count, table);
  else copyIpv6(count, table);
  const copied = copyCommons(count, end, table);
  if (copied < 0) return copied;
  table.count += count;
  return count;
}

function locateRows(vector: number, count: number, end: number, addressesBytes: number): number {
  const last = end - OFFSET_BYTES;
  let known = -1; // the vtable that the next three speak of
  let lastFlow = 0;
  let addresses = 0;
  let common = 0;
  let element = vector + OFFSET_BYTES;
  for (let i = 0; i < count; i++, element += OFFSET_BYTES) {
    const flow = (element + view.getInt32(element, true)) | 0;
    if (flow <= element || flow > last) return truncated;
    const vtable = (flow - view.getInt32(flow, true)) | 0;
    if (vtable !== known) {
      if (vtable < 0) return badVtable;
      if (vtable > last) return truncated;
      const vtableBytes = view.getUint16(vtable, true);
      const tableBytes = view.getUint16(vtable + 2, true);
      if (vtableBytes < VTABLE_HEADER_BYTES) return badVtable;
      if (vtableBytes > end - vtable) return truncated;
      addresses = fieldAt(vtable, vtableBytes, ADDRESSES);
      common = fieldAt(vtable, vtableBytes, COMMON);
      if (addresses === 0 || common === 0) return missingField;
      if (addresses + addressesBytes > tableBytes) return badVtable;
      if (common + OFFSET_BYTES > tableBytes) return badVtable;
      known = vtable;
      lastFlow = end - tableBytes;
    }
    if (flow > lastFlow) return truncated;
    const at = flow + common;
    const target = (at + view.getInt32(at, true)) | 0;
    if (target <= at || target > last) return truncated;
    addressesOfRow[i] = flow + addresses;
    commonOfRow[i] = target;
  }
  return 0;
}

function copyIpv4(count: number, table: ConnectionTable): void {
  const { family, local, remote, count: first } = table;
  let held = 0;
  for (let row = first; row < first + count; row++) {
    held |= family[row]!;
    family[row] = 4;
  }
  // Only rows that held IPv6 before have anything but zeros in words 1 to 3 (ConnectionTable).
  if ((held & 2) !== 0) {
    local.fill(0, 4 * first, 4 * (first + count));
    remote.fill(0, 4 * first, 4 * (first + count));
  }
  for (let i = 0; i < count; i++) {
    const at = addressesOfRow[i]!;
    local[4 * (first + i)] = view.getInt32(at, false);
    remote[4 * (first + i)] = view.getInt32(at + IPV4_BYTES, false);
  }
}

function copyIpv6(count: number, table: ConnectionTable): void {
  const { family, local, remote, count: first } = table;
  for (let i = 0; i < count; i++) {
    const at = addressesOfRow[i]!;
    family[first + i] = 6;
    const word = 4 * (first + i);
    for (let w = 0; w < 4; w++) {
      local[word + w] = view.getInt32(at + 4 * w, false);
      remote[word + w] = view.getInt32(at + IPV6_BYTES + 4 * w, false);
    }
  }
}

function copyCommons(count: number, end: number, table: ConnectionTable): number {
  const { localPort, remotePort, bytesIn, bytesOut, protocol } = table;
  const last = end - VTABLE_HEADER_BYTES;
  let row = table.count;
  let known = -1; // the vtable that the rest speaks of
  let lastCommon = 0;
  let local = 0;
  let remote = 0;
  let input = 0;
  let output = 0;
  let proto = 0;
  // All ones where the field is there: half the time of asking for each field of each row.
  let localMask = 0;
  let remoteMask = 0;
  let inputMask = 0;
  let outputMask = 0;
  let protoMask = 0;
  let beyond = 0; // negative once a table has slots for more than the RTOS agent writes
  for (let i = 0; i < count; i++, row++) {
    const common = commonOfRow[i]!;
    const vtable = (common - view.getInt32(common, true)) | 0;
    if (vtable !== known) {
      if (vtable < 0) return badVtable;
      if (vtable > last) return truncated;
      const vtableBytes = view.getUint16(vtable, true);
      const tableBytes = view.getUint16(vtable + 2, true);
      if (vtableBytes < VTABLE_HEADER_BYTES) return badVtable;
      if (vtableBytes > end - vtable) return truncated;
      local = fieldAt(vtable, vtableBytes, LOCAL_PORT);
      remote = fieldAt(vtable, vtableBytes, REMOTE_PORT);
      input = fieldAt(vtable, vtableBytes, BYTES_IN);
      output = fieldAt(vtable, vtableBytes, BYTES_OUT);
      proto = fieldAt(vtable, vtableBytes, PROTOCOL);
      const room = tableBytes - 4;
      if (
        ((room + 2 - local) |
          (room + 2 - remote) |
          (room - input) |
          (room - output) |
          (room + 3 - proto) |
          room) <
        0
      )
        return badVtable;
      localMask = -local >> 31;
      remoteMask = -remote >> 31;
      inputMask = -input >> 31;
      outputMask = -output >> 31;
      protoMask = -proto >> 31;
      known = vtable;
      lastCommon = end - tableBytes;
      beyond |= FLOW_COMMON_END - vtableBytes;
    }
    if (common > lastCommon) return truncated;
    localPort[row] = view.getUint16(common + local, true) & localMask;
    remotePort[row] = view.getUint16(common + remote, true) & remoteMask;
    bytesIn[row] = view.getInt32(common + input, true) & inputMask;
    bytesOut[row] = view.getInt32(common + output, true) & outputMask;
    protocol[row] = view.getInt8(common + proto) & protoMask;
  }
  return beyond < 0 ? checkProcessFields(count) : 0;
}

/** Who made the connections: for reading by people only, so they are checked and left. */
function checkProcessFields(count: number): number {
  for (let i = 0; i < count; i++) {
    const checked = reader.fields(commonOfRow[i]!, FLOW_PROCESS);
    if (checked < 0) return checked;
  }
  return 0;
}
