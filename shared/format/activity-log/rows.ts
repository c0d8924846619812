// The rows of a block: one per sequence number, the connections of the counted ones, and what matching found in them.
//
// The body of a block, unpacked, is these columns one after the other. n rows, c connections, f findings:
//
//   JSON      varint length, then ASCII bytes: {devices: [[deviceId, moduleId, securityGroup], …], reasons: [text, …],
//             evidence: [[MatchedIndicator, …], …], findings: [[alertType, ruleType, address, index into evidence,
//             and where there are any: warning lists as {list, matchedPrefix}], …]};
//             rows and findings point into these lists by index
//   locals    varint count a; then a × (u8 family, 4 or 16 address bytes in network order): the devices' own addresses
//   n         varint
//   mark      n × u8: bits 0-1 kind (0 counted, 1 quarantined, 2 not a security message); bit 2 marks a repeat, which
//             has kind 0, is not decoded and counts nowhere; bits 3-4 of kind 2 say what it is instead (0 anything, 1 a
//             change of the device's twin, 2 the end of its identity)
//   enqueued  n × zigzag, Event Hubs time in ms, difference to the row before (the first: to the epoch)
//   hub       n × zigzag, IoT Hub time in ms minus the row's Event Hubs time
//   device    n × varint index into devices
//   hash      8 bytes for each row of kind 0 or 1: first 8 bytes of SHA-256(device id, NUL, body)
//   clock     zigzag for each counted row: device clock in s minus IoT Hub time in whole s
//   conns     varint for each counted row: how many connections
//   c         varint
//   family    c × u8 (4 or 6)       protocol  c × u8 (as i8)
//   local     c × varint index into locals
//   remote    c × varint index into the block's remote addresses (remote-addresses.ts), which stand before the rows
//   ports     c × u16 local         c × u16 remote
//   bytes     c × varint in         c × varint out
//   f         varint; then f × (varint row minus the row of the finding before, varint connection within the row,
//             varint index into findings, u8 direction, u8 severity), in order of row
//   refused   for each quarantined row: varint index into reasons, varint length, raw bytes
//
// In version 1 the remote addresses stood among the locals.
import type { AddressFinding } from '../../domain/alert/finding.ts';
import type { MatchedIndicator, WarningMatch } from '../../domain/indicator/indicator.ts';
import { SEVERITIES } from '../../domain/alert/severity.ts';
import { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import type { EventTopic } from '../../domain/telemetry/device-event.ts';
import { DIRECTIONS } from '../../domain/telemetry/direction.ts';
import { widened } from '../../domain/telemetry/widened.ts';
import { asciiBytes, parseAsciiJson, toAsciiJson } from '../ascii-json.ts';
import { type AddressColumns, AddressDictionary } from './address-dictionary.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { BlockFormatError, notJson } from './layout.ts';
import {
  decodeRemoteAddresses,
  encodeRemoteAddresses,
  remoteAddressesOf,
  toColumns,
} from './remote-addresses.ts';

export const COUNTED = 0;
export const QUARANTINED = 1;
export const OTHER = 2;
const KIND_BITS = 3;
const REPEAT_BIT = 4;
const TOPIC_SHIFT = 3;
const KNOWN_BITS = KIND_BITS | REPEAT_BIT | (3 << TOPIC_SHIFT);
/** By number, in rows that are no security message. */
const TOPICS: readonly EventTopic[] = ['telemetry', 'twinUpdate', 'deviceDeleted'];

export type RowKind = typeof COUNTED | typeof QUARANTINED | typeof OTHER;

export interface DeviceRef {
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly securityGroup: string;
}

export interface Quarantined {
  readonly row: number;
  readonly reason: string;
  /** The message's bytes as they came. */
  readonly raw: Uint8Array;
}

/** A match in one connection record; direction and severity by number (`DIRECTIONS`, `SEVERITIES`). */
export interface RowFinding {
  readonly row: number;
  /** Index into `connections`. */
  readonly connection: number;
  /** Index into `findings`. */
  readonly finding: number;
  readonly direction: number;
  readonly severity: number;
}

/** What a row is made of beside its connections. Hash words are unsigned; times epoch milliseconds. */
export interface RowFields {
  readonly kind: RowKind;
  readonly repeat: boolean;
  /** What an event that is no security message tells; `telemetry` when left out. */
  readonly topic?: EventTopic;
  readonly enqueuedTime: number;
  readonly hubTime: number;
  readonly device: DeviceRef;
  readonly hashLow: number;
  readonly hashHigh: number;
  readonly deviceTimeSeconds: number;
}

/** Rows as bytes: the columns, and the remote addresses that they name, which a search reads alone. */
export interface EncodedRows {
  readonly columns: Uint8Array;
  /** Null in a block of version 1. */
  readonly remotes: Uint8Array | null;
}

export class ActivityRows {
  count = 0;
  mark = new Uint8Array(64);
  enqueuedTime = new Float64Array(64);
  hubTime = new Float64Array(64);
  /** Index into `devices`. */
  device = new Uint32Array(64);
  hashLow = new Uint32Array(64);
  hashHigh = new Uint32Array(64);
  deviceTimeSeconds = new Float64Array(64);
  /** Row i owns the connections from `connectionStart[i]` to `connectionStart[i + 1]`. */
  connectionStart = new Uint32Array(65);
  readonly connections: ConnectionTable;
  readonly devices: DeviceRef[] = [];
  readonly findings: AddressFinding[] = [];
  readonly rowFindings: RowFinding[] = [];
  readonly quarantined: Quarantined[] = [];
  /** Connections that the allowlist kept from being findings; told in the log line, not kept in the block. */
  allowed = 0;
  readonly #deviceIndex = new Map<string, number[]>();

  constructor(connections: ConnectionTable = new ConnectionTable()) {
    connections.count = 0;
    this.connections = connections;
  }

  /** Adds a row that owns the connections appended to the table since the last row. Returns its index. */
  add(row: RowFields): number {
    const i = this.count;
    if (i === this.mark.length) this.#grow();
    const topic = row.kind === OTHER ? TOPICS.indexOf(row.topic ?? 'telemetry') : 0;
    this.mark[i] = row.kind | (row.repeat ? REPEAT_BIT : 0) | (topic << TOPIC_SHIFT);
    this.enqueuedTime[i] = row.enqueuedTime;
    this.hubTime[i] = row.hubTime;
    this.device[i] = this.#indexOf(row.device);
    this.hashLow[i] = row.hashLow;
    this.hashHigh[i] = row.hashHigh;
    this.deviceTimeSeconds[i] = row.deviceTimeSeconds;
    this.count = i + 1;
    this.connectionStart[i + 1] = this.connections.count;
    return i;
  }

  kindOf(row: number): RowKind {
    return (this.mark[row]! & KIND_BITS) as RowKind;
  }

  topicOf(row: number): EventTopic {
    return TOPICS[this.mark[row]! >>> TOPIC_SHIFT]!;
  }

  isRepeat(row: number): boolean {
    return (this.mark[row]! & REPEAT_BIT) !== 0;
  }

  deviceOf(row: number): DeviceRef {
    return this.devices[this.device[row]!]!;
  }

  encode(): EncodedRows {
    const { count, connections: table } = this;
    const out = new ByteWriter(256 + count * 48 + table.count * 24);
    const reasons = [...new Set(this.quarantined.map((entry) => entry.reason))];
    const json = this.#encodeLists(reasons);
    out.varint(json.length);
    out.raw(json);
    const locals = new AddressDictionary();
    const local = locals.indicesOf(table, table.local);
    const { addresses: remotes, indices: remote } = remoteAddressesOf(table);
    locals.writeTo(out);
    out.varint(count);
    out.raw(this.mark.subarray(0, count));
    for (let i = 0, before = 0; i < count; i++) {
      out.zigzag(this.enqueuedTime[i]! - before);
      before = this.enqueuedTime[i]!;
    }
    for (let i = 0; i < count; i++) out.zigzag(this.hubTime[i]! - this.enqueuedTime[i]!);
    for (let i = 0; i < count; i++) out.varint(this.device[i]!);
    for (let i = 0; i < count; i++) {
      if (this.kindOf(i) === OTHER) continue;
      out.u32(this.hashLow[i]!);
      out.u32(this.hashHigh[i]!);
    }
    for (let i = 0; i < count; i++) {
      if (this.kindOf(i) !== COUNTED) continue;
      out.zigzag(this.deviceTimeSeconds[i]! - Math.floor(this.hubTime[i]! / 1000));
    }
    for (let i = 0; i < count; i++) {
      if (this.kindOf(i) !== COUNTED) continue;
      out.varint(this.connectionStart[i + 1]! - this.connectionStart[i]!);
    }
    out.varint(table.count);
    out.raw(table.family.subarray(0, table.count));
    for (let c = 0; c < table.count; c++) out.u8(table.protocol[c]! & 255);
    for (let c = 0; c < table.count; c++) out.varint(local[c]!);
    for (let c = 0; c < table.count; c++) out.varint(remote[c]!);
    for (let c = 0; c < table.count; c++) out.u16(table.localPort[c]!);
    for (let c = 0; c < table.count; c++) out.u16(table.remotePort[c]!);
    for (let c = 0; c < table.count; c++) out.varint(table.bytesIn[c]!);
    for (let c = 0; c < table.count; c++) out.varint(table.bytesOut[c]!);
    out.varint(this.rowFindings.length);
    let rowBefore = 0;
    for (const found of this.rowFindings) {
      out.varint(found.row - rowBefore);
      rowBefore = found.row;
      out.varint(found.connection - this.connectionStart[found.row]!);
      out.varint(found.finding);
      out.u8(found.direction);
      out.u8(found.severity);
    }
    for (const entry of this.quarantined) {
      out.varint(reasons.indexOf(entry.reason));
      out.varint(entry.raw.length);
      out.raw(entry.raw);
    }
    return { columns: out.written(), remotes: encodeRemoteAddresses(remotes) };
  }

  static decode({ columns: bytes, remotes }: EncodedRows): ActivityRows {
    const input = new ByteReader(bytes);
    const { devices, reasons, findings } = readLists(input.raw(input.varint()));
    const local = AddressDictionary.read(input);
    const remote = remotes === null ? local : toColumns(decodeRemoteAddresses(remotes));
    const count = input.count(4);
    const rows = new ActivityRows(new ConnectionTable(Math.min(count * 2 + 1, bytes.length)));
    for (const device of devices) rows.devices.push(device);
    for (const finding of findings) rows.findings.push(finding);
    rows.#reserve(count);
    rows.count = count;
    for (let i = 0; i < count; i++) {
      rows.mark[i] = input.u8();
      const mark = rows.mark[i]!;
      const topic = mark >>> TOPIC_SHIFT;
      const hasTopic = topic === 0 || (rows.kindOf(i) === OTHER && topic < TOPICS.length);
      if (rows.kindOf(i) > OTHER || mark > KNOWN_BITS || !hasTopic) {
        throw new BlockFormatError(`row ${i} has the unknown mark ${rows.mark[i]}`);
      }
    }
    for (let i = 0, before = 0; i < count; i++) rows.enqueuedTime[i] = before += input.zigzag();
    for (let i = 0; i < count; i++) rows.hubTime[i] = rows.enqueuedTime[i]! + input.zigzag();
    for (let i = 0; i < count; i++) rows.device[i] = input.index(devices.length);
    for (let i = 0; i < count; i++) {
      if (rows.kindOf(i) === OTHER) continue;
      rows.hashLow[i] = input.u32();
      rows.hashHigh[i] = input.u32();
    }
    for (let i = 0; i < count; i++) {
      if (rows.kindOf(i) !== COUNTED) continue;
      rows.deviceTimeSeconds[i] = Math.floor(rows.hubTime[i]! / 1000) + input.zigzag();
    }
    let total = 0;
    for (let i = 0; i < count; i++) {
      if (rows.kindOf(i) === COUNTED) total += input.varint();
      rows.connectionStart[i + 1] = total;
    }
    readConnectionColumns(input, rows.connections, { local, remote }, total);
    readRowFindings(input, rows);
    for (let i = 0; i < count; i++) {
      if (rows.kindOf(i) !== QUARANTINED) continue;
      const reason = reasons[input.index(reasons.length)]!;
      rows.quarantined.push({ row: i, reason, raw: input.raw(input.varint()) });
    }
    if (input.remaining !== 0) {
      throw new BlockFormatError(`${input.remaining} bytes stand behind the last column`);
    }
    return rows;
  }

  /** Each list of indicators once: many addresses of one listed prefix share it, and a device chooses how many. */
  #encodeLists(reasons: readonly string[]): Uint8Array {
    const evidence = new Map<string, number>();
    const findings = this.findings.map((finding) => {
      const { alertType, ruleType, address, indicators, warningLists } = finding;
      const text = toAsciiJson(indicators);
      const index = evidence.get(text) ?? evidence.size;
      evidence.set(text, index);
      const warnings = warningLists.length === 0 ? [] : [warningLists];
      return [alertType, ruleType, address, index, ...warnings];
    });
    const devices = this.devices.map((d) => [d.deviceId, d.moduleId, d.securityGroup]);
    const lists = toAsciiJson({ devices, reasons, findings }).slice(0, -1);
    return asciiBytes(`${lists},"evidence":[${[...evidence.keys()].join(',')}]}`);
  }

  #indexOf(device: DeviceRef): number {
    const known = this.#deviceIndex.get(device.deviceId);
    for (const index of known ?? []) {
      const { moduleId, securityGroup } = this.devices[index]!;
      if (moduleId === device.moduleId && securityGroup === device.securityGroup) return index;
    }
    const index = this.devices.push(device) - 1;
    if (known === undefined) this.#deviceIndex.set(device.deviceId, [index]);
    else known.push(index);
    return index;
  }

  #grow(): void {
    this.#reserve(this.mark.length * 2);
  }

  #reserve(capacity: number): void {
    if (capacity <= this.mark.length) return;
    this.mark = widened(this.mark, new Uint8Array(capacity));
    this.enqueuedTime = widened(this.enqueuedTime, new Float64Array(capacity));
    this.hubTime = widened(this.hubTime, new Float64Array(capacity));
    this.device = widened(this.device, new Uint32Array(capacity));
    this.hashLow = widened(this.hashLow, new Uint32Array(capacity));
    this.hashHigh = widened(this.hashHigh, new Uint32Array(capacity));
    this.deviceTimeSeconds = widened(this.deviceTimeSeconds, new Float64Array(capacity));
    this.connectionStart = widened(this.connectionStart, new Uint32Array(capacity + 1));
  }
}

function readConnectionColumns(
  input: ByteReader,
  table: ConnectionTable,
  addresses: { local: AddressColumns; remote: AddressColumns },
  expected: number,
): void {
  const count = input.count(10);
  if (count !== expected) {
    throw new BlockFormatError(`${count} connections, but the rows own ${expected}`);
  }
  table.reserve(count);
  table.count = count;
  for (let c = 0; c < count; c++) table.family[c] = input.u8();
  for (let c = 0; c < count; c++) table.protocol[c] = input.u8();
  for (const side of ['local', 'remote'] as const) {
    const { families, words } = addresses[side];
    const column = table[side];
    for (let c = 0; c < count; c++) {
      const index = input.index(families.length);
      if (families[index] !== table.family[c]) {
        throw new BlockFormatError(`connection ${c} names an address of the other family`);
      }
      for (let word = 0; word < 4; word++) column[4 * c + word] = words[4 * index + word]!;
    }
  }
  for (let c = 0; c < count; c++) table.localPort[c] = input.u16();
  for (let c = 0; c < count; c++) table.remotePort[c] = input.u16();
  for (let c = 0; c < count; c++) table.bytesIn[c] = input.varint();
  for (let c = 0; c < count; c++) table.bytesOut[c] = input.varint();
}

function readRowFindings(input: ByteReader, rows: ActivityRows): void {
  const count = input.count(5);
  for (let i = 0, row = 0; i < count; i++) {
    row += input.varint();
    if (row >= rows.count)
      throw new BlockFormatError(`a finding names row ${row} of ${rows.count}`);
    const start = rows.connectionStart[row]!;
    const connection = start + input.index(rows.connectionStart[row + 1]! - start);
    const finding = input.index(rows.findings.length);
    const direction = input.u8();
    const severity = input.u8();
    if (direction >= DIRECTIONS.length || severity >= SEVERITIES.length) {
      throw new BlockFormatError(`a finding has direction ${direction}, severity ${severity}`);
    }
    rows.rowFindings.push({ row, connection, finding, direction, severity });
  }
}

interface Lists {
  readonly devices: readonly DeviceRef[];
  readonly reasons: readonly string[];
  readonly findings: readonly AddressFinding[];
}

/** Indices are checked as in the columns; a list that `encode` cannot have written is refused. */
function readLists(bytes: Uint8Array): Lists {
  const raw = parseAsciiJson(bytes, notJson) as Partial<Record<string, unknown>> | null;
  const evidence = listOf(raw?.['evidence'], 'evidence', isEvidence);
  const findings = listOf(raw?.['findings'], 'findings', isFinding);
  return {
    devices: listOf(raw?.['devices'], 'devices', isDevice).map(
      ([deviceId, moduleId, securityGroup]) => ({ deviceId, moduleId, securityGroup }),
    ),
    reasons: listOf(raw?.['reasons'], 'reasons', isText),
    findings: findings.map(([alertType, ruleType, address, index, warningLists = []]) => {
      const indicators = evidence[index];
      if (indicators === undefined) {
        throw new BlockFormatError(`evidence ${index} of ${evidence.length}`);
      }
      return { alertType, ruleType, address, indicators, warningLists };
    }),
  };
}

function listOf<Entry>(
  value: unknown,
  name: string,
  isEntry: (entry: unknown) => entry is Entry,
): readonly Entry[] {
  if (Array.isArray(value) && value.every(isEntry)) return value;
  throw new BlockFormatError(`the JSON section has no list ${name} of the right shape`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** What a feed says is shown, never judged again: its inner shape is the writer's matter. */
function isEvidence(value: unknown): value is readonly MatchedIndicator[] {
  return Array.isArray(value);
}

function isDevice(value: unknown): value is [string, string | null, string] {
  if (!Array.isArray(value)) return false;
  const [deviceId, moduleId, securityGroup] = value as unknown[];
  return isText(deviceId) && (moduleId === null || isText(moduleId)) && isText(securityGroup);
}

type ListedFinding = [string, string | null, string, number, (readonly WarningMatch[])?];

function isFinding(value: unknown): value is ListedFinding {
  if (!Array.isArray(value)) return false;
  const [alertType, ruleType, address, index, warningLists = []] = value as unknown[];
  return (
    isText(alertType) &&
    (ruleType === null || isText(ruleType)) &&
    isText(address) &&
    typeof index === 'number' &&
    Array.isArray(warningLists)
  );
}
