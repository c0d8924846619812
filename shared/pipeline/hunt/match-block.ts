// One block of the log against what a hunt looks for.
import { type Address, formatAddress } from '../../domain/address/address.ts';
import type { Sighting } from '../../domain/alert/alert.ts';
import { type DataBlock, readRows } from '../../format/activity-log/block.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import { type ActivityRows, COUNTED } from '../../format/activity-log/rows.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { listedPeer } from '../../rules/connection/listed-peer.ts';
import type { LoadedSnapshot } from '../ingest/current-snapshot.ts';
import { FindingIndex, judgeConnection, listedRemote } from '../ingest/judge.ts';
import { sightingsOf } from '../sightings.ts';

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

/**
 * What a block of the past gives alerts: the contacts with addresses that are looked for, in rows without a finding for that
 * address (those were counted live), each judged by what is known now at the time that it had. `onContact` hears of every
 * contact, whether it was found live, gives a sighting, or neither.
 */
export function huntBlock(
  block: DataBlock,
  { targets, intelligence }: HuntedIndicators,
  ephemeralPortFrom: number,
  codec: BlockCodec,
  onContact: OnContact = () => {},
): Sighting[] {
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
  for (let row = 0; row < rows.count; row++) {
    if (rows.kindOf(row) !== COUNTED || rows.isRepeat(row)) continue;
    const end = rows.connectionStart[row + 1]!;
    for (let c = rows.connectionStart[row]!; c < end; c++) {
      const address = listedRemote(rows.connections, c, targets);
      if (address === null) continue;
      const before = rows.rowFindings.length;
      const isFound = found.has(`${row} ${formatAddress(address)}`);
      if (!isFound) judgeConnection(rows, row, c, address, ephemeralPortFrom, index);
      onContact(rows, row, c, address, isFound || rows.rowFindings.length > before);
    }
  }
  return sightingsOf({ ...block.header, snapshot: intelligence.ref }, rows);
}
