import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import { BodyReader, MAX_BODY_BYTES } from './body-reader.ts';
import {
  BASELINE,
  EVENT_LEAST_BYTES,
  FLOW_COMMON,
  IPV4_FLOW_LEAST_BYTES,
  IPV6_FLOW_LEAST_BYTES,
  LISTENING_PORTS,
  LOG,
  PROCESS,
  type TableLayout,
} from './layout.ts';
import { type MessageRefusal, REFUSED, refusalOf } from './refusal.ts';

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

/**
 * Checks a whole message and appends its connections to `table`, from `table.count` on: events in order, IPv4 before
 * IPv6. Returns null, or why the message is refused; then `table.count` is as before.
 */
export const readConnections = createReader();

// The hot path. What earned its manner, each measured with bench/decode.ts on Node 24:
// - all of it stands in one function: a bundler turns a module's constants into variables, which costs a third more;
// - slots are the numbers of layout.ts beside the name of what they find, and 4 is also the size of an offset and of a
//   vtable's head: imported names are loaded at every use (a tenth);
// - rows are gone over three times with few columns at hand, not once with all of them: registers (a third);
// - the last vtable is remembered, and absent fields are masked, not asked for (half of the last pass);
// - a refusal is returned, never stored inside a loop (half of it).
function createReader() {
  const { truncated, badVtable, badPayload, missingField } = REFUSED;
  const reader = new BodyReader();
  const { view } = reader;

  /** Where the rows of the vector in hand have their addresses, and their common tables. */
  const MAX_ROWS = MAX_BODY_BYTES / 4;
  const addressesOfRow = new Int32Array(MAX_ROWS);
  const commonOfRow = new Int32Array(MAX_ROWS);

  function readConnections(
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
    const room = view.getUint16(vtable + 2, true) - 4; // a field of four bytes may begin here at the latest
    const id = fieldAt(vtable, vtableBytes, 0);
    const version = fieldAt(vtable, vtableBytes, 1);
    const timezone = fieldAt(vtable, vtableBytes, 2);
    const events = fieldAt(vtable, vtableBytes, 3);
    if (((room - id) | (room - version) | (room + 3 - timezone) | (room - events)) < 0) {
      return badVtable;
    }
    if (id === 0 || events === 0) return missingField;
    facts.agentVersion = version === 0 ? 0 : view.getUint32(message + version, true);
    const text = reader.text(message + id);
    return text < 0 ? text : readEvents(message + events, table, facts);
  }

  /** Where the field of a slot lies in its table, 0 if absent. */
  function fieldAt(vtable: number, vtableBytes: number, slot: number): number {
    const at = 4 + 2 * slot;
    // Below 0, so all ones behind the shift, if the vtable reaches over the slot.
    return view.getUint16(vtable + at, true) & ((at + 1 - vtableBytes) >> 31);
  }

  function readEvents(at: number, table: ConnectionTable, facts: MessageFacts): number {
    const { end } = reader;
    const vector = reader.vector(at, 4, EVENT_LEAST_BYTES);
    if (vector < 0) return vector;
    const count = view.getInt32(vector, true);
    facts.events = count;
    facts.deviceTimeSeconds = 0;
    facts.ipv4Connections = 0;
    facts.ipv6Connections = 0;
    let kinds = 0;
    let known = -1; // the vtable that the next four speak of
    let lastEvent = 0;
    let time = 0;
    let payloadType = 0;
    let payload = 0;
    let element = vector + 4;
    for (let i = 0; i < count; i++, element += 4) {
      const event = (element + view.getInt32(element, true)) | 0;
      if (event <= element || event > end - 4) return truncated;
      const vtable = (event - view.getInt32(event, true)) | 0;
      if (vtable !== known) {
        if (vtable < 0) return badVtable;
        if (vtable > end - 4) return truncated;
        const vtableBytes = view.getUint16(vtable, true);
        const tableBytes = view.getUint16(vtable + 2, true);
        if (vtableBytes < 4) return badVtable;
        if (vtableBytes > end - vtable) return truncated;
        const id = fieldAt(vtable, vtableBytes, 0);
        time = fieldAt(vtable, vtableBytes, 1);
        const interval = fieldAt(vtable, vtableBytes, 2);
        payloadType = fieldAt(vtable, vtableBytes, 3);
        payload = fieldAt(vtable, vtableBytes, 4);
        const room = tableBytes - 4;
        if (((room - time) | (room - interval) | (room + 3 - payloadType) | (room - payload)) < 0) {
          return badVtable;
        }
        if (id === 0 || payload === 0) return missingField;
        if (id + 16 > tableBytes) return badVtable;
        if (payloadType === 0) return badPayload;
        known = vtable;
        lastEvent = end - tableBytes;
      }
      if (event > lastEvent) return truncated;
      const tag = view.getUint8(event + payloadType);
      if (tag === 0) return badPayload;
      kinds |= 1 << (tag > 7 ? 0 : tag);
      if (i === 0 && time !== 0) facts.deviceTimeSeconds = view.getUint32(event + time, true);
      const read = readPayload(tag, event + payload, table, facts);
      if (read < 0) return read;
    }
    facts.payloadKinds = kinds;
    return 0;
  }

  function readPayload(
    tag: number,
    at: number,
    table: ConnectionTable,
    facts: MessageFacts,
  ): number {
    switch (tag) {
      case 1:
        return readNetworkActivity(at, table, facts);
      case 2:
        return checkSystemInformation(at);
      case 3:
        return checkTable(at, LISTENING_PORTS);
      case 5:
        return checkTable(at, BASELINE);
      case 6:
        return checkTable(at, PROCESS);
      case 7:
        return checkTable(at, LOG);
      default:
        return 0; // A heartbeat has no fields. Of a kind from a later schema the event is kept, the payload not read.
    }
  }

  function checkTable(at: number, layout: TableLayout): number {
    const table = reader.table(at);
    return table < 0 ? table : reader.fields(table, layout);
  }

  /** What `checkTable` would do, for the payload that comes every minute. */
  function checkSystemInformation(at: number): number {
    const system = reader.table(at);
    if (system < 0) return system;
    const vtable = system - view.getInt32(system, true);
    const vtableBytes = view.getUint16(vtable, true);
    const room = view.getUint16(vtable + 2, true) - 4;
    const osInfo = fieldAt(vtable, vtableBytes, 0);
    const kernelInfo = fieldAt(vtable, vtableBytes, 1);
    const hwInfo = fieldAt(vtable, vtableBytes, 2);
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
    const room = view.getUint16(vtable + 2, true) - 4;
    const ipv4 = fieldAt(vtable, vtableBytes, 0);
    const ipv6 = fieldAt(vtable, vtableBytes, 1);
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
    const { end } = reader;
    const leastBytes = family === 4 ? IPV4_FLOW_LEAST_BYTES : IPV6_FLOW_LEAST_BYTES;
    const vector = reader.vector(at, 4, leastBytes);
    if (vector < 0) return vector;
    const count = view.getInt32(vector, true);
    const located = locateRows(end, vector, count, family === 4 ? 8 : 32);
    if (located < 0) return located;
    table.reserve(count);
    if (family === 4) copyIpv4(count, table);
    else copyIpv6(count, table);
    const copied = copyCommons(end, count, table);
    if (copied < 0) return copied;
    table.count += count;
    return count;
  }

  function locateRows(end: number, vector: number, count: number, addressesBytes: number): number {
    let known = -1; // the vtable that the next three speak of
    let lastFlow = 0;
    let addresses = 0;
    let common = 0;
    let element = vector + 4;
    for (let i = 0; i < count; i++, element += 4) {
      const flow = (element + view.getInt32(element, true)) | 0;
      if (flow <= element || flow > end - 4) return truncated;
      const vtable = (flow - view.getInt32(flow, true)) | 0;
      if (vtable !== known) {
        if (vtable < 0) return badVtable;
        if (vtable > end - 4) return truncated;
        const vtableBytes = view.getUint16(vtable, true);
        const tableBytes = view.getUint16(vtable + 2, true);
        if (vtableBytes < 4) return badVtable;
        if (vtableBytes > end - vtable) return truncated;
        addresses = fieldAt(vtable, vtableBytes, 0);
        common = fieldAt(vtable, vtableBytes, 1);
        if (addresses === 0 || common === 0) return missingField;
        if (addresses + addressesBytes > tableBytes || common + 4 > tableBytes) return badVtable;
        known = vtable;
        lastFlow = end - tableBytes;
      }
      if (flow > lastFlow) return truncated;
      const at = flow + common;
      const target = (at + view.getInt32(at, true)) | 0;
      if (target <= at || target > end - 4) return truncated;
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
      remote[4 * (first + i)] = view.getInt32(at + 4, false);
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
        remote[word + w] = view.getInt32(at + 16 + 4 * w, false);
      }
    }
  }

  function copyCommons(end: number, count: number, table: ConnectionTable): number {
    const { localPort, remotePort, bytesIn, bytesOut, protocol } = table;
    let row = table.count;
    let known = -1; // the vtable that all the next speak of
    let lastCommon = 0;
    let local = 0;
    let remote = 0;
    let input = 0;
    let output = 0;
    let transport = 0;
    let localMask = 0; // all ones if the field is there
    let remoteMask = 0;
    let inputMask = 0;
    let outputMask = 0;
    let transportMask = 0;
    let beyond = 0; // below 0 once a vtable has slots that the RTOS agent never writes
    for (let i = 0; i < count; i++, row++) {
      const common = commonOfRow[i]!;
      const vtable = (common - view.getInt32(common, true)) | 0;
      if (vtable !== known) {
        if (vtable < 0) return badVtable;
        if (vtable > end - 4) return truncated;
        const vtableBytes = view.getUint16(vtable, true);
        const tableBytes = view.getUint16(vtable + 2, true);
        if (vtableBytes < 4) return badVtable;
        if (vtableBytes > end - vtable) return truncated;
        local = fieldAt(vtable, vtableBytes, 0);
        remote = fieldAt(vtable, vtableBytes, 1);
        input = fieldAt(vtable, vtableBytes, 2);
        output = fieldAt(vtable, vtableBytes, 3);
        transport = fieldAt(vtable, vtableBytes, 4);
        const room = tableBytes - 4;
        const ports = (room + 2 - local) | (room + 2 - remote);
        if ((ports | (room - input) | (room - output) | (room + 3 - transport) | room) < 0) {
          return badVtable;
        }
        localMask = -local >> 31;
        remoteMask = -remote >> 31;
        inputMask = -input >> 31;
        outputMask = -output >> 31;
        transportMask = -transport >> 31;
        known = vtable;
        lastCommon = end - tableBytes;
        beyond |= 15 - vtableBytes;
      }
      if (common > lastCommon) return truncated;
      localPort[row] = view.getUint16(common + local, true) & localMask;
      remotePort[row] = view.getUint16(common + remote, true) & remoteMask;
      bytesIn[row] = view.getInt32(common + input, true) & inputMask;
      bytesOut[row] = view.getInt32(common + output, true) & outputMask;
      protocol[row] = view.getInt8(common + transport) & transportMask;
    }
    return beyond < 0 ? checkProcessFields(count) : 0;
  }

  /** Who made the connections: for people only (`decodeMessage`), so it is checked and left. */
  function checkProcessFields(count: number): number {
    for (let i = 0; i < count; i++) {
      const checked = reader.fields(commonOfRow[i]!, FLOW_COMMON);
      if (checked < 0) return checked;
    }
    return 0;
  }

  return readConnections;
}
