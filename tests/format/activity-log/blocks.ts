// Rows and blocks for the tests: what a row is made of as one plain value, and any row that can be.
import * as fc from 'fast-check';
import type { Address } from '../../../shared/domain/address/address.ts';
import type { AddressFinding } from '../../../shared/domain/alert/finding.ts';
import { type MatchedIndicator, NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';
import type { DataHeader } from '../../../shared/format/activity-log/header.ts';
import {
  ActivityRows,
  COUNTED,
  OTHER,
  QUARANTINED,
  type RowFields,
} from '../../../shared/format/activity-log/rows.ts';

export interface TestConnection {
  readonly local: Address;
  readonly remote: Address;
  readonly localPort: number;
  readonly remotePort: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly protocol: number;
}

export interface TestFinding {
  /** Which of the row's connections. */
  readonly connection: number;
  readonly finding: AddressFinding;
  readonly direction: number;
  readonly severity: number;
}

export interface TestRow extends RowFields {
  readonly connections: readonly TestConnection[];
  readonly findings: readonly TestFinding[];
  readonly refused: { readonly reason: string; readonly raw: readonly number[] } | null;
}

/** A counted message of one device without connections, unless told otherwise. */
export function testRow(fields: Partial<TestRow> = {}): TestRow {
  return {
    kind: COUNTED,
    repeat: false,
    enqueuedTime: 1_787_400_000_100,
    hubTime: 1_787_400_000_000,
    device: { deviceId: 'device-1', moduleId: null, securityGroup: 'default' },
    hashLow: 0x1234_5678,
    hashHigh: 0x9abc_def0,
    deviceTimeSeconds: 1_787_399_990,
    connections: [],
    findings: [],
    refused: null,
    ...fields,
  };
}

export function toRows(list: readonly TestRow[]): ActivityRows {
  const rows = new ActivityRows();
  const { connections: table } = rows;
  for (const one of list) {
    const first = table.count;
    table.reserve(one.connections.length);
    for (const c of one.connections) {
      const at = table.count++;
      table.family[at] = c.local.family;
      table.local.set(c.local.words, 4 * at);
      table.remote.set(c.remote.words, 4 * at);
      table.localPort[at] = c.localPort;
      table.remotePort[at] = c.remotePort;
      table.bytesIn[at] = c.bytesIn;
      table.bytesOut[at] = c.bytesOut;
      table.protocol[at] = c.protocol;
    }
    const row = rows.add(one);
    for (const { connection, finding, direction, severity } of one.findings) {
      const index = rows.findings.push(finding) - 1;
      rows.rowFindings.push({
        row,
        connection: first + connection,
        finding: index,
        direction,
        severity,
      });
    }
    if (one.refused !== null) {
      const { reason, raw } = one.refused;
      rows.quarantined.push({ row, reason, raw: Uint8Array.from(raw) });
    }
  }
  return rows;
}

/** The rows as plain values again. */
export function fromRows(rows: ActivityRows): TestRow[] {
  const { connections: table } = rows;
  const address = (words: Uint32Array, c: number): Address => ({
    family: table.family[c] as 4 | 6,
    words: [words[4 * c]!, words[4 * c + 1]!, words[4 * c + 2]!, words[4 * c + 3]!],
  });
  return Array.from({ length: rows.count }, (_, row) => {
    const start = rows.connectionStart[row]!;
    const refused = rows.quarantined.find((entry) => entry.row === row);
    return {
      kind: rows.kindOf(row),
      repeat: rows.isRepeat(row),
      enqueuedTime: rows.enqueuedTime[row]!,
      hubTime: rows.hubTime[row]!,
      device: { ...rows.deviceOf(row) },
      hashLow: rows.hashLow[row]!,
      hashHigh: rows.hashHigh[row]!,
      deviceTimeSeconds: rows.deviceTimeSeconds[row]!,
      connections: Array.from({ length: rows.connectionStart[row + 1]! - start }, (_, i) => ({
        local: address(table.local, start + i),
        remote: address(table.remote, start + i),
        localPort: table.localPort[start + i]!,
        remotePort: table.remotePort[start + i]!,
        bytesIn: table.bytesIn[start + i]!,
        bytesOut: table.bytesOut[start + i]!,
        protocol: table.protocol[start + i]!,
      })),
      findings: rows.rowFindings
        .filter((found) => found.row === row)
        .map(({ connection, finding, direction, severity }) => ({
          connection: connection - start,
          finding: rows.findings[finding]!,
          direction,
          severity,
        })),
      refused:
        refused === undefined ? null : { reason: refused.reason, raw: Array.from(refused.raw) },
    };
  });
}

/** The header that fits these rows. */
export function headerFor(list: readonly TestRow[], fields: Partial<DataHeader> = {}): DataHeader {
  const from = fields.fromSequence ?? 0;
  const hubTimes = list.map((row) => row.hubTime);
  return {
    kind: 'data',
    index: 0,
    hour: '20260822T12',
    writer: 'writer-1',
    stream: 'test~devices',
    partition: '0',
    epoch: 0,
    epochStart: 1_787_400_000_000,
    fromSequence: from,
    toSequence: from + list.length - 1,
    lost: null,
    firstEnqueuedTime: list[0]?.enqueuedTime ?? 0,
    lastEnqueuedTime: list.at(-1)?.enqueuedTime ?? 0,
    firstHubTime: Math.min(...hubTimes),
    lastHubTime: Math.max(...hubTimes),
    snapshot: { ordinal: 3, id: 'snapshot-3' },
    groupsRevision: 0,
    rows: {
      counted: list.filter((row) => row.kind === COUNTED && !row.repeat).length,
      repeats: list.filter((row) => row.repeat).length,
      quarantined: list.filter((row) => row.kind === QUARANTINED).length,
      other: list.filter((row) => row.kind === OTHER).length,
    },
    connections: list.reduce((sum, row) => sum + row.connections.length, 0),
    findings: list.reduce((sum, row) => sum + row.findings.length, 0),
    ...fields,
  };
}

export function indicator(fields: Partial<MatchedIndicator> = {}): MatchedIndicator {
  return {
    ...NO_DETAIL,
    value: '192.0.2.0/24',
    sources: ['test'],
    feed: 'test.txt',
    kind: 'threat',
    matchedPrefix: '192.0.2.0/24',
    ...fields,
  };
}

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.constantFrom(0, 1, 0xffff, 0x8000_0000, 0xffff_ffff),
);
const port = fc.oneof(fc.constantFrom(0, 443, 65_535), fc.integer({ min: 0, max: 65_535 }));
/** What four digits of year can write. */
const time = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1_787_400_000_000, max: 1_787_400_600_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -62_167_219_200_000, 253_402_300_799_999) },
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\0',
    '\u007f',
    'Gerät',
    '\u{1f4a1}',
    '\ud800',
    '","',
    '__proto__',
  ),
);

function addressOf(family: 4 | 6): fc.Arbitrary<Address> {
  return family === 4
    ? word.map((w) => ({ family, words: [w, 0, 0, 0] }))
    : fc.tuple(word, word, word, word).map((words) => ({ family, words }));
}

const connection: fc.Arbitrary<TestConnection> = fc
  .constantFrom(4 as const, 6 as const)
  .chain((family) =>
    record({
      local: addressOf(family),
      remote: addressOf(family),
      localPort: port,
      remotePort: port,
      bytesIn: word,
      bytesOut: word,
      protocol: fc.integer({ min: -128, max: 127 }),
    }),
  );

const finding: fc.Arbitrary<AddressFinding> = record({
  alertType: fc.constantFrom('IoT_TiConnection', 'other'),
  ruleType: fc.option(text),
  address: fc.constantFrom('192.0.2.1', '2001:db8::1'),
  indicators: fc.array(
    record({ value: text, feed: text, confidence: fc.option(fc.nat(100)) }).map(indicator),
    { maxLength: 3 },
  ),
  warningLists: fc.array(record({ list: text, matchedPrefix: text }), { maxLength: 2 }),
});

const device = record({
  deviceId: fc.oneof(fc.constantFrom('device-1', 'device-2'), text),
  moduleId: fc.option(text),
  securityGroup: fc.constantFrom('default', 'pumps'),
});
const common = { enqueuedTime: time, hubTime: time, device };
const hash = { hashLow: word, hashHigh: word };

const counted = fc.array(connection, { maxLength: 5 }).chain((connections) =>
  record({
    ...common,
    ...hash,
    deviceTimeSeconds: fc.oneof(word, fc.constant(1_787_400_000)),
    findings: fc.array(
      record({
        connection: fc.nat(Math.max(0, connections.length - 1)),
        finding,
        direction: fc.nat(3),
        severity: fc.nat(3),
      }),
      { maxLength: connections.length === 0 ? 0 : 4 },
    ),
  }).map((fields) => testRow({ ...fields, connections })),
);
const repeat = record({ ...common, ...hash }).map((fields) =>
  testRow({ ...fields, repeat: true, deviceTimeSeconds: 0 }),
);
const quarantined = record({
  ...common,
  ...hash,
  refused: record({
    reason: fc.constantFrom('empty', 'truncated', 'legacyJson'),
    raw: fc.array(fc.nat(255), { maxLength: 40 }),
  }),
}).map((fields) => testRow({ ...fields, kind: QUARANTINED, deviceTimeSeconds: 0 }));
const other = record(common).map((fields) =>
  testRow({ ...fields, kind: OTHER, hashLow: 0, hashHigh: 0, deviceTimeSeconds: 0 }),
);

/** Rows of every mark, both families, repeats of devices and addresses, extreme numbers. */
export const testRows: fc.Arbitrary<TestRow[]> = fc.array(
  fc.oneof({ weight: 4, arbitrary: counted }, repeat, quarantined, other),
  { maxLength: 80 },
);
