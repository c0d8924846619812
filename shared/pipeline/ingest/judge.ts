// Matching: the connections of one message against the indicator snapshot, each match a finding with its evidence.
import { formatIpv4, formatIpv6, isMappedIpv4 } from '../../domain/address/address.ts';
import { MAX_INDICATORS } from '../../domain/alert/alert.ts';
import { SEVERITIES } from '../../domain/alert/severity.ts';
import { isValidAt } from '../../domain/indicator/validity.ts';
import type { MatchedIndicator } from '../../domain/indicator/indicator.ts';
import { DIRECTIONS, directionOf } from '../../domain/telemetry/direction.ts';
import type { ActivityRows } from '../../format/activity-log/rows.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { listedPeer } from '../../rules/connection/listed-peer.ts';

/** Evidence that several findings of a block share: one address, one set of indicators in force. */
export type FindingIndex = Map<string, number>;

/**
 * Adds to `rows` the findings of its row `row`, judged at the message's IoT Hub time. `index` belongs to the block.
 * The loop reads typed arrays only; strings are made on a hit.
 */
export function judgeRow(
  rows: ActivityRows,
  row: number,
  snapshot: IndicatorSnapshot,
  ephemeralPortFrom: number,
  index: FindingIndex,
): void {
  const { connections: table } = rows;
  const end = rows.connectionStart[row + 1]!;
  for (let c = rows.connectionStart[row]!; c < end; c++) {
    const at = 4 * c;
    const w0 = table.remote[at]!;
    let asIpv4 = w0;
    let isIpv4 = table.family[c] === 4;
    if (!isIpv4) {
      const [w1, w2, w3] = [table.remote[at + 1]!, table.remote[at + 2]!, table.remote[at + 3]!];
      if (isMappedIpv4(w0, w1, w2)) {
        isIpv4 = true;
        asIpv4 = w3;
      } else if (!snapshot.hasIpv6(w0, w1, w2, w3)) continue;
    }
    if (isIpv4 && !snapshot.hasIpv4(asIpv4)) continue;
    const finding = isIpv4
      ? findingAt(rows, row, index, formatIpv4(asIpv4), snapshot.matchesOfIpv4(asIpv4))
      : findingAt(rows, row, index, ...ipv6At(table.remote, at, snapshot));
    if (finding === null) continue;
    const direction = directionOf(
      table.bytesIn[c]!,
      table.bytesOut[c]!,
      table.localPort[c]!,
      table.remotePort[c]!,
      ephemeralPortFrom,
    );
    rows.rowFindings.push({
      row,
      connection: c,
      finding,
      direction: DIRECTIONS.indexOf(direction),
      severity: SEVERITIES.indexOf(listedPeer.severityOf(direction)),
    });
  }
}

function ipv6At(
  words: Uint32Array,
  at: number,
  snapshot: IndicatorSnapshot,
): [string, readonly MatchedIndicator[]] {
  const [w0, w1, w2, w3] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!];
  return [formatIpv6(w0, w1, w2, w3), snapshot.matchesOfIpv6(w0, w1, w2, w3)];
}

/** The finding's place in the block's list; null when no indicator is in force at the message's time. */
function findingAt(
  rows: ActivityRows,
  row: number,
  index: FindingIndex,
  address: string,
  matches: readonly MatchedIndicator[],
): number | null {
  const at = rows.hubTime[row]!;
  const inForce = matches.map((match) => isValidAt(match, at));
  if (!inForce.includes(true)) return null;
  const key = `${address} ${inForce.map(Number).join('')}`;
  const known = index.get(key);
  if (known !== undefined) return known;
  const finding =
    rows.findings.push({
      alertType: listedPeer.alertType,
      ruleType: null,
      address,
      indicators: matches.filter((_, i) => inForce[i]).slice(0, MAX_INDICATORS),
    }) - 1;
  index.set(key, finding);
  return finding;
}
