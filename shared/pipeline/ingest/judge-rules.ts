// Group rules: the connections of one message against the lists of the device's security group, each breach a finding.
import { type Address, formatAddress, ipv4, isMappedIpv4 } from '../../domain/address/address.ts';
import { SEVERITIES } from '../../domain/alert/severity.ts';
import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import { DIRECTIONS } from '../../domain/telemetry/direction.ts';
import type { ActivityRows } from '../../format/activity-log/rows.ts';
import type { AddressRule } from '../../rules/connection/address-rule.ts';
import type { AddressCheck, CompiledGroups } from './compiled-groups.ts';
import { directionAt } from './judge.ts';

/** What the findings of a block share: one rule, one address. Belongs to the block. */
export class RuleFindings {
  readonly #groups: CompiledGroups;
  readonly #findings = new Map<string, number>();

  constructor(groups: CompiledGroups) {
    this.#groups = groups;
  }

  checksOf(stamped: string): readonly AddressCheck[] {
    return this.#groups.checksOf(stamped);
  }

  /** The finding's place in the block's list. */
  findingOf(rows: ActivityRows, { alertType, ruleType }: AddressRule, address: string): number {
    const key = `${alertType} ${address}`;
    const known = this.#findings.get(key);
    if (known !== undefined) return known;
    const finding = { alertType, ruleType, address, indicators: [], warningLists: [] };
    const place = rows.findings.push(finding) - 1;
    this.#findings.set(key, place);
    return place;
  }
}

/** Adds to `rows` what its row `row` breaks. The loop reads typed arrays only; strings are made on a breach. */
export function judgeRules(
  rows: ActivityRows,
  row: number,
  ephemeralPortFrom: number,
  findings: RuleFindings,
): void {
  const checks = findings.checksOf(rows.deviceOf(row).securityGroup);
  if (checks.length === 0) return;
  const { connections: table } = rows;
  const end = rows.connectionStart[row + 1]!;
  for (let c = rows.connectionStart[row]!; c < end; c++) {
    const direction = directionAt(table, c, ephemeralPortFrom);
    for (const { rule, addresses } of checks) {
      if (!rule.directions.includes(direction)) continue;
      const at = 4 * c;
      const isListed = addresses.has(
        table.family[c]!,
        table.remote[at]!,
        table.remote[at + 1]!,
        table.remote[at + 2]!,
        table.remote[at + 3]!,
      );
      if (isListed !== (rule.list === 'deny')) continue;
      rows.rowFindings.push({
        row,
        connection: c,
        finding: findings.findingOf(rows, rule, formatAddress(remoteOf(table, c))),
        direction: DIRECTIONS.indexOf(direction),
        severity: SEVERITIES.indexOf(rule.severityOf(direction)),
      });
    }
  }
}

/** The remote address of a connection, an IPv4-mapped one as IPv4. */
function remoteOf(table: ConnectionTable, connection: number): Address {
  const at = 4 * connection;
  const [w0, w1, w2, w3] = table.remote.subarray(at, at + 4) as unknown as Address['words'];
  if (table.family[connection] === 4) return ipv4(w0);
  return isMappedIpv4(w0, w1, w2) ? ipv4(w3) : { family: 6, words: [w0, w1, w2, w3] };
}
