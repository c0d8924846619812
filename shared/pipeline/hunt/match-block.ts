// One block of the log against what a hunt looks for.
import { type Address, formatAddress } from '../../domain/address/address.ts';
import type { AlertKey } from '../../domain/alert/alert.ts';
import type { HuntedContact, HuntedRow, HuntedSighting } from '../../domain/alert/hunted.ts';
import { SEVERITIES } from '../../domain/alert/severity.ts';
import { type DataBlock, readRows } from '../../format/activity-log/block.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import { type ActivityRows, COUNTED } from '../../format/activity-log/rows.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { listedPeer } from '../../rules/connection/listed-peer.ts';
import type { LoadedSnapshot } from '../ingest/current-snapshot.ts';
import { FindingIndex, contactOf, judgeConnection, listedRemote } from '../ingest/judge.ts';
import { flowOf } from '../sightings.ts';

/** What is looked for, and what a contact with it is judged by. */
export interface HuntedIndicators {
  readonly targets: IndicatorSnapshot;
  readonly intelligence: LoadedSnapshot;
}

/** A connection of a counted row with an address that is looked for; `raises`: it is in an alert, or will be. */
export type OnContact = (
  rows: ActivityRows,
  row: number,
  connection: number,
  address: Address,
  raises: boolean,
) => void;

/** The same as `HuntedSighting`, while it grows. */
interface Growing extends HuntedSighting {
  readonly rows: (HuntedRow & { readonly contacts: HuntedContact[] })[];
  matches: boolean;
}

/**
 * What a block of the past gives alerts, one for each device and address: the contacts with addresses that are looked for, in
 * rows without a threat finding for that address (those were counted live), each judged by what is known now at the time that it
 * had. What ingest judged by newer knowledge than this stays as it judged it. `onContact` hears of every contact, whether it was found
 * live, matches, or neither.
 */
export function huntBlock(
  block: Pick<DataBlock, 'header' | 'remotes' | 'packedRows'>,
  { targets, intelligence }: HuntedIndicators,
  ephemeralPortFrom: number,
  codec: BlockCodec,
  onContact: OnContact = () => {},
): HuntedSighting[] {
  const rows = readRows(block, codec);
  const found = new Set(
    rows.rowFindings
      .map(({ row, finding }) => ({ row, finding: rows.findings[finding]! }))
      .filter(({ finding }) => finding.alertType === listedPeer.alertType)
      .map(({ row, finding }) => `${row} ${finding.address}`),
  );
  rows.rowFindings.length = 0;
  rows.findings.length = 0;
  const index = new FindingIndex(intelligence);
  const { epoch, fromSequence, snapshot } = block.header;
  const isOutdated = intelligence.ref.ordinal < snapshot.ordinal;
  const sightings = new Map<string, Growing>();
  for (let row = 0; row < rows.count; row++) {
    if (rows.kindOf(row) !== COUNTED || rows.isRepeat(row)) continue;
    const end = rows.connectionStart[row + 1]!;
    for (let c = rows.connectionStart[row]!; c < end; c++) {
      const address = listedRemote(rows.connections, c, targets);
      if (address === null) continue;
      const text = formatAddress(address);
      if (found.has(`${row} ${text}`)) {
        onContact(rows, row, c, address, true);
        continue;
      }
      const match = isOutdated ? null : matchOf(rows, row, c, address, ephemeralPortFrom, index);
      onContact(rows, row, c, address, match !== null);
      const name = JSON.stringify([rows.deviceOf(row).deviceId, text]);
      let sighting = sightings.get(name);
      if (sighting === undefined) {
        sighting = newSighting(rows, row, address, intelligence, index);
        sightings.set(name, sighting);
      }
      sighting.matches ||= match !== null;
      const position = { epoch, sequence: fromSequence + row };
      if (sighting.rows.at(-1)?.position.sequence !== position.sequence) {
        const { moduleId, securityGroup } = rows.deviceOf(row);
        const at = rows.hubTime[row]!;
        sighting.rows.push({ position, at, moduleId, securityGroup, contacts: [] });
      }
      const contact = contactOf(rows.connections, c, ephemeralPortFrom);
      const flow = flowOf(rows, row, c, contact.direction);
      sighting.rows.at(-1)!.contacts.push({ ...contact, flow, match });
    }
  }
  return [...sightings.values()].filter(({ matches }) => matches);
}

/** Judged as ingest does, with what is known now. */
function matchOf(
  rows: ActivityRows,
  row: number,
  connection: number,
  address: Address,
  ephemeralPortFrom: number,
  index: FindingIndex,
): HuntedContact['match'] {
  const before = rows.rowFindings.length;
  judgeConnection(rows, row, connection, address, ephemeralPortFrom, index);
  const added = rows.rowFindings[before];
  if (added === undefined) return null;
  const { indicators } = rows.findings[added.finding]!;
  return { severity: SEVERITIES[added.severity]!, indicators };
}

function newSighting(
  rows: ActivityRows,
  row: number,
  address: Address,
  { ref }: LoadedSnapshot,
  index: FindingIndex,
): Growing {
  const { deviceId } = rows.deviceOf(row);
  const { alertType } = listedPeer;
  const subject: AlertKey['subject'] = { kind: 'address', address: formatAddress(address) };
  const { indicators, warningLists } = index.listed(address);
  return {
    key: { alertType, ruleType: null, deviceId, subject },
    warningLists,
    snapshot: ref.id,
    conditions: indicators.map(({ indicator }) => indicator),
    rows: [],
    matches: false,
  };
}
