import { formatIpv4, formatIpv6 } from '../domain/address/address.ts';
import {
  type AlertKey,
  type FlowSample,
  MAX_FLOWS,
  type Sighting,
  mergeIndicators,
  mergeWarnings,
} from '../domain/alert/alert.ts';
import { SEVERITIES, isGraver } from '../domain/alert/severity.ts';
import { type Totals, addTotals } from '../domain/alert/totals.ts';
import { type Direction, DIRECTIONS } from '../domain/telemetry/direction.ts';
import type { DataHeader } from '../format/activity-log/header.ts';
import type { ActivityRows, RowFinding } from '../format/activity-log/rows.ts';

const PROTOCOLS = ['TCP', 'UDP', 'ICMP'];

/**
 * What the findings of a block say of each alert: one sighting a (device, rule, address), its messages and connections
 * added up. Ingest and fold both read a block through this, so they cannot disagree.
 */
export function sightingsOf(header: DataHeader, rows: ActivityRows): Sighting[] {
  const sightings = new Map<string, Sighting>();
  const lastRow = new Map<string, number>();
  for (const found of rows.rowFindings) {
    const finding = rows.findings[found.finding]!;
    const device = rows.deviceOf(found.row);
    const key: AlertKey = {
      alertType: finding.alertType,
      ruleType: finding.ruleType,
      deviceId: device.deviceId,
      subject: { kind: 'address', address: finding.address },
    };
    const name = JSON.stringify([key.alertType, key.ruleType, key.deviceId, finding.address]);
    const one: Sighting = {
      key,
      moduleId: device.moduleId,
      securityGroup: device.securityGroup,
      severity: SEVERITIES[found.severity]!,
      direction: DIRECTIONS[found.direction]!,
      indicators: finding.indicators,
      warningLists: finding.warningLists,
      snapshot: header.snapshot.id,
      ...(finding.ruleType === null ? {} : { groupsRevision: header.groupsRevision }),
      totals: totalsOf(rows, found, lastRow.get(name) === found.row ? 0 : 1),
      flows: [flowOf(rows, found.row, found.connection, DIRECTIONS[found.direction]!)],
    };
    lastRow.set(name, found.row);
    const before = sightings.get(name);
    sightings.set(name, before === undefined ? one : joined(before, one));
  }
  return [...sightings.values()];
}

function joined(before: Sighting, one: Sighting): Sighting {
  const graver = isGraver(one.severity, before.severity);
  return {
    ...one,
    severity: graver ? one.severity : before.severity,
    direction: graver ? one.direction : before.direction,
    indicators:
      one.indicators === before.indicators
        ? before.indicators
        : mergeIndicators(before.indicators, one.indicators),
    warningLists: mergeWarnings(before.warningLists, one.warningLists),
    totals: addTotals(before.totals, one.totals),
    flows: before.flows.length < MAX_FLOWS ? [...before.flows, ...one.flows] : before.flows,
  };
}

function totalsOf(rows: ActivityRows, found: RowFinding, messages: number): Totals {
  const time = rows.hubTime[found.row]!;
  return {
    messages,
    connections: 1,
    bytesIn: rows.connections.bytesIn[found.connection]!,
    bytesOut: rows.connections.bytesOut[found.connection]!,
    firstSeen: time,
    lastSeen: time,
  };
}

/** A connection as alerts show it. */
export function flowOf(
  rows: ActivityRows,
  row: number,
  c: number,
  direction: Direction,
): FlowSample {
  const { connections: table } = rows;
  const [w0, w1, w2, w3] = table.local.subarray(4 * c, 4 * c + 4) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const protocol = table.protocol[c]!;
  return {
    time: rows.hubTime[row]!,
    protocol: PROTOCOLS[protocol] ?? protocol,
    localAddress: table.family[c] === 4 ? formatIpv4(w0) : formatIpv6(w0, w1, w2, w3),
    localPort: table.localPort[c]!,
    remotePort: table.remotePort[c]!,
    bytesIn: table.bytesIn[c]!,
    bytesOut: table.bytesOut[c]!,
    direction,
  };
}
