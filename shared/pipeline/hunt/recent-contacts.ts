// Which devices talked to an address lately: the log from its end back, as far as an answer may take.
import type { Address } from '../../domain/address/address.ts';
import { widthOf } from '../../domain/address/prefix.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import { decodeRemoteAddresses } from '../../format/activity-log/remote-addresses.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import { LogFileGoneError, type PartitionRef } from '../../ports/activity-log.ts';
import { atOnce } from '../at-once.ts';
import type { LoadedSnapshot } from '../ingest/current-snapshot.ts';
import { listsAny } from '../ingest/judge.ts';
import { LogDamagedError, completeFiles, placed, readBackward } from '../log/read-log.ts';
import { CLOCK_MARGIN_MS } from '../log/read-tail.ts';
import { type SearchCost, closingOf, countingReads, noCost } from '../log/search-log.ts';
import { type ContactRecord, Contacts, contactRecord } from './contacts.ts';
import type { HuntPorts } from './hunt-partition.ts';
import { type HuntedIndicators, huntBlock } from './match-block.ts';

export interface RecentContacts {
  /** How far back was looked, by IoT Hub time. */
  readonly since: string;
  /** False: some of the log of that time was not read, and `devices` may lack some. A hunt reads it all. */
  readonly complete: boolean;
  /** Why a part of the log cannot be read at all; null if all of it can. */
  readonly problem: string | null;
  readonly devices: readonly Omit<ContactRecord, 'address' | 'raised'>[];
  readonly devicesLeftOut: number;
}

const LOOK_BACK_MS = 24 * 60 * 60_000;
/** An instance that answers may ingest at the same time. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_MS = 5000;
const MAX_DEVICES = 100;
const PARTITIONS_AT_ONCE = 8;

interface Look extends HuntedIndicators {
  readonly since: number;
  readonly contacts: Contacts;
  readonly cost: SearchCost;
  readonly isSpent: () => boolean;
}

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
  const cost = noCost();
  const isSpent = () => cost.bytesRead >= MAX_BYTES || clock.now() - now >= MAX_MS;
  const look: Look = { targets, intelligence, since, contacts: new Contacts(), cost, isSpent };
  let complete = true;
  let problem: string | null = null;
  await atOnce(await log.partitions(), PARTITIONS_AT_ONCE, async (partition) => {
    try {
      const isAll = await lookBack(ports, partition, look);
      complete &&= isAll;
    } catch (error) {
      // The other partitions, and who lists the address, are worth an answer.
      if (!(error instanceof LogDamagedError)) throw error;
      complete = false;
      problem = error.message;
    }
  });
  const devices = look.contacts.list();
  return {
    since: formatInstant(since),
    complete: complete && look.contacts.connectionsLeftOut === 0,
    problem,
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
  look: Look,
): Promise<boolean> {
  const { targets, since, contacts, cost, isSpent } = look;
  const log = countingReads(port, cost);
  const files = await completeFiles(log, partition);
  const onContact = contacts.addSince.bind(contacts, since);
  for (const [i, file] of files.toReversed().entries()) {
    if (isSpent()) return false;
    try {
      const closing = i === 0 ? null : await closingOf(log, partition, file, codec);
      if (closing !== null && closing.summary.lastHubTime < since - CLOCK_MARGIN_MS) return true;
      if (closing !== null && !listsAny(targets, closing.remotes)) continue;
      for await (const { block, offset } of readBackward(log, partition, [file], codec)) {
        const { header, remotes } = block;
        if (header.kind === 'close') continue;
        if (header.lastEnqueuedTime < since - CLOCK_MARGIN_MS) return true;
        if (isSpent()) return false;
        placed(partition, { file: file.name, offset }, () => {
          if (remotes !== null && !listsAny(targets, decodeRemoteAddresses(remotes))) return;
          huntBlock({ ...block, header }, look, ephemeralPortFrom, codec, onContact);
        });
      }
    } catch (error) {
      // Retention took the file, and every one before it.
      if (!(error instanceof LogFileGoneError)) throw error;
      return true;
    }
  }
  return true;
}
