// Matching: the connections of one message against the indicator snapshot, each match a finding with its evidence.
import { type Address, formatAddress, ipv4, isMappedIpv4 } from '../../domain/address/address.ts';
import { MAX_INDICATORS } from '../../domain/alert/alert.ts';
import { SEVERITIES } from '../../domain/alert/severity.ts';
import { type AllowEntry, allowedBy, entriesFor } from '../../domain/indicator/allowlist.ts';
import { type Contact, constraintHolds } from '../../domain/indicator/constraint.ts';
import { boundsOf } from '../../domain/indicator/validity.ts';
import type { MatchedIndicator, WarningMatch } from '../../domain/indicator/indicator.ts';
import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import { type Direction, DIRECTIONS, directionOf } from '../../domain/telemetry/direction.ts';
import type { RemoteAddresses } from '../../format/activity-log/remote-addresses.ts';
import type { ActivityRows } from '../../format/activity-log/rows.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { listedPeer } from '../../rules/connection/listed-peer.ts';

/** What a message is held against: the published indicators, and the addresses that the operator vouches for. */
export interface Intelligence {
  readonly index: IndicatorSnapshot;
  readonly allowlist: readonly AllowEntry[];
}

/** Warning lists of one address that a finding shows. */
const MAX_WARNINGS = 8;

/** What is known of a listed address, asked for once a block. */
interface ListedAddress {
  readonly address: Address;
  readonly text: string;
  readonly indicators: readonly {
    readonly indicator: MatchedIndicator;
    readonly from: number;
    readonly until: number;
  }[];
  readonly warningLists: readonly WarningMatch[];
  /** Entries of the allowlist that cover the address at one time or another. */
  readonly allowlist: readonly AllowEntry[];
}

/** Evidence that several findings of a block share: one address, one set of indicators in force. Belongs to the block. */
export class FindingIndex {
  readonly #intelligence: Intelligence;
  readonly #listed = new Map<string, ListedAddress>();
  readonly #findings = new Map<string, number>();
  /** Connections that would have been findings, but for the allowlist. */
  allowed = 0;

  constructor(intelligence: Intelligence) {
    this.#intelligence = intelligence;
  }

  get snapshot(): IndicatorSnapshot {
    return this.#intelligence.index;
  }

  listed(address: Address): ListedAddress {
    const text = formatAddress(address);
    const known = this.#listed.get(text);
    if (known !== undefined) return known;
    const { index, allowlist: entries } = this.#intelligence;
    const indicators = index
      .matchesOf(address)
      .map((indicator) => ({ indicator, ...boundsOf(indicator) }));
    const warningLists = index.warningsOf(address).slice(0, MAX_WARNINGS);
    const allowlist = entriesFor(entries, address);
    const listed = { address, text, indicators, warningLists, allowlist };
    this.#listed.set(text, listed);
    return listed;
  }

  isAllowed({ address, allowlist }: ListedAddress, at: number): boolean {
    return allowedBy(allowlist, address, at) !== null;
  }

  /** The finding's place in the block's list; `inForce` are the indicators that hold, never none. */
  findingOf(
    rows: ActivityRows,
    { text, indicators, warningLists }: ListedAddress,
    inForce: readonly boolean[],
  ): number {
    const key = `${text} ${inForce.map(Number).join('')}`;
    const known = this.#findings.get(key);
    if (known !== undefined) return known;
    const finding =
      rows.findings.push({
        alertType: listedPeer.alertType,
        ruleType: null,
        address: text,
        indicators: indicators
          .filter((_, i) => inForce[i])
          .slice(0, MAX_INDICATORS)
          .map(({ indicator }) => indicator),
        warningLists,
      }) - 1;
    this.#findings.set(key, finding);
    return finding;
  }
}

/**
 * Adds to `rows` the findings of its row `row`, judged at the message's IoT Hub time. The loop reads typed arrays only;
 * strings are made on a hit.
 */
export function judgeRow(
  rows: ActivityRows,
  row: number,
  ephemeralPortFrom: number,
  index: FindingIndex,
): void {
  const { snapshot } = index;
  const end = rows.connectionStart[row + 1]!;
  for (let c = rows.connectionStart[row]!; c < end; c++) {
    const address = listedRemote(rows.connections, c, snapshot);
    if (address !== null) judgeConnection(rows, row, c, address, ephemeralPortFrom, index);
  }
}

export function directionAt(
  table: ConnectionTable,
  connection: number,
  ephemeralPortFrom: number,
): Direction {
  return directionOf(
    table.bytesIn[connection]!,
    table.bytesOut[connection]!,
    table.localPort[connection]!,
    table.remotePort[connection]!,
    ephemeralPortFrom,
  );
}

/** What indicators are held against beside the address. */
export function contactOf(
  table: ConnectionTable,
  connection: number,
  ephemeralPortFrom: number,
): Contact {
  return {
    direction: directionAt(table, connection, ephemeralPortFrom),
    remotePort: table.remotePort[connection]!,
    protocol: table.protocol[connection]!,
  };
}

/** The remote address of a connection if the snapshot lists it, an IPv4-mapped one as IPv4; else null. */
export function listedRemote(
  table: ConnectionTable,
  connection: number,
  snapshot: IndicatorSnapshot,
): Address | null {
  const at = 4 * connection;
  const w0 = table.remote[at]!;
  if (table.family[connection] === 4) return snapshot.hasIpv4(w0) ? ipv4(w0) : null;
  const [w1, w2, w3] = [table.remote[at + 1]!, table.remote[at + 2]!, table.remote[at + 3]!];
  if (isMappedIpv4(w0, w1, w2)) return snapshot.hasIpv4(w3) ? ipv4(w3) : null;
  return snapshot.hasIpv6(w0, w1, w2, w3) ? { family: 6, words: [w0, w1, w2, w3] } : null;
}

/** Whether the snapshot lists any of these addresses. */
export function listsAny(snapshot: IndicatorSnapshot, { ipv4, ipv6 }: RemoteAddresses): boolean {
  for (let i = 0; i < ipv4.length; i++) if (snapshot.hasIpv4(ipv4[i]!)) return true;
  for (let at = 0; at < ipv6.length; at += 4) {
    const [w0, w1, w2, w3] = [ipv6[at]!, ipv6[at + 1]!, ipv6[at + 2]!, ipv6[at + 3]!];
    const isMapped = isMappedIpv4(w0, w1, w2);
    if (isMapped ? snapshot.hasIpv4(w3) : snapshot.hasIpv6(w0, w1, w2, w3)) return true;
  }
  return false;
}

/** Adds the finding of one connection, if a listing of its remote `address` (a mapped one as IPv4) holds for it. */
export function judgeConnection(
  rows: ActivityRows,
  row: number,
  connection: number,
  address: Address,
  ephemeralPortFrom: number,
  index: FindingIndex,
): void {
  const listed = index.listed(address);
  const at = rows.hubTime[row]!;
  const contact = contactOf(rows.connections, connection, ephemeralPortFrom);
  const inForce = listed.indicators.map(
    ({ indicator, from, until }) =>
      at >= from && at < until && constraintHolds(indicator.constraint, contact),
  );
  if (!inForce.includes(true)) return;
  if (index.isAllowed(listed, at)) {
    index.allowed++;
    return;
  }
  const severity = listedPeer.severityOf(contact.direction, listed.warningLists.length > 0);
  rows.rowFindings.push({
    row,
    connection,
    finding: index.findingOf(rows, listed, inForce),
    direction: DIRECTIONS.indexOf(contact.direction),
    severity: SEVERITIES.indexOf(severity),
  });
}
