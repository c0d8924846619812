// Which devices talked to an address lately: the log from its end back, as far as an answer may take.
import type { Address } from '../../domain/address/address.ts';
import { widthOf } from '../../domain/address/prefix.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import { decodeRemoteAddresses } from '../../format/activity-log/remote-addresses.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import { atOnce } from '../at-once.ts';
import type { LoadedSnapshot } from '../ingest/current-snapshot.ts';
import { listsAny } from '../ingest/judge.ts';
import { completeFiles, readBackward } from '../log/read-log.ts';
import { type SearchCost, closingOf, countingReads, noCost } from '../log/search-log.ts';
import { type ContactRecord, Contacts, contactRecord } from './contacts.ts';
import type { HuntPorts } from './hunt-partition.ts';
import { type HuntedIndicators, huntBlock } from './match-block.ts';

export interface RecentContacts {
  /** How far back was looked, by IoT Hub time. */
  readonly since: string;
  /** False: the log of that time was too much for an answer, and its older part was not read. A hunt reads it all. */
  readonly complete: boolean;
  readonly devices: readonly Omit<ContactRecord, 'address' | 'raised'>[];
  readonly devicesLeftOut: number;
}

const LOOK_BACK_MS = 24 * 60 * 60_000;
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_MS = 10_000;
const MAX_DEVICES = 100;
const PARTITIONS_AT_ONCE = 8;

export async function recentContacts(
  ports: HuntPorts,
  intelligence: LoadedSnapshot,
  address: Address,
): Promise<RecentContacts> {
  const { log, clock } = ports;
  const prefix = { ...address, bits: widthOf(address.family) };
  const indicators = [{ prefix, detail: null }];
  const targets = openSnapshot(buildSnapshot([{ name: 'asked', kind: 'threat', indicators }]));
  const now = clock.now();
  const since = now - LOOK_BACK_MS;
  const contacts = new Contacts();
  const cost = noCost();
  const isSpent = () => cost.bytesRead >= MAX_BYTES || clock.now() - now >= MAX_MS;
  let complete = true;
  await atOnce(await log.partitions(), PARTITIONS_AT_ONCE, async (partition) => {
    const hunted = { targets, intelligence };
    const isAll = await lookBack(ports, partition, hunted, since, contacts, cost, isSpent);
    complete &&= isAll;
  });
  const devices = contacts.list();
  return {
    since: formatInstant(since),
    complete,
    devices: devices.slice(0, MAX_DEVICES).map((contact) => {
      const { address: _, raised: __, ...device } = contactRecord(contact);
      return device;
    }),
    devicesLeftOut: Math.max(0, devices.length - MAX_DEVICES),
  };
}

/** False: it was too much. */
async function lookBack(
  { log: port, codec, ephemeralPortFrom }: HuntPorts,
  partition: PartitionRef,
  hunted: HuntedIndicators,
  since: number,
  contacts: Contacts,
  cost: SearchCost,
  isSpent: () => boolean,
): Promise<boolean> {
  const log = countingReads(port, cost);
  const files = await completeFiles(log, partition);
  for (const [i, file] of files.toReversed().entries()) {
    if (isSpent()) return false;
    const closing = i === 0 ? null : await closingOf(log, partition, file, codec);
    if (closing !== null && closing.summary.lastHubTime < since) return true;
    if (closing !== null && !listsAny(hunted.targets, closing.remotes)) continue;
    for await (const { block } of readBackward(log, partition, [file], codec)) {
      const { header, remotes } = block;
      if (header.kind === 'close') continue;
      if (header.lastEnqueuedTime < since) return true;
      if (isSpent()) return false;
      if (remotes !== null && !listsAny(hunted.targets, decodeRemoteAddresses(remotes))) continue;
      huntBlock(
        { ...block, header },
        hunted,
        ephemeralPortFrom,
        codec,
        (rows, row, c, remote, raises) => {
          if (rows.hubTime[row]! >= since) contacts.add(rows, row, c, remote, raises);
        },
      );
    }
  }
  return true;
}
