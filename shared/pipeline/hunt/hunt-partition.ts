// A hunt through one partition's log: a second fold, which adds what the first one could not know. The stretch that was read is
// stored in every alert that it changes, so a hunt that died, two at once, or a later one add the same rows once.
import { countHunted } from '../../domain/alert/alert.ts';
import type { LogPosition } from '../../domain/alert/position.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import type { ActivityLog, PartitionRef } from '../../ports/activity-log.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { atOnce } from '../at-once.ts';
import { type Gathered, changeGathered, gather } from '../alerts.ts';
import { listsAny } from '../ingest/judge.ts';
import type { LogPlace } from '../log/read-log.ts';
import { type SearchCost, noCost, searchLog } from '../log/search-log.ts';
import { Contacts } from './contacts.ts';
import { type HuntedIndicators, huntBlock } from './match-block.ts';

export interface HuntPorts {
  readonly log: ActivityLog;
  readonly alerts: AlertStore;
  readonly clock: Clock;
  readonly codec: BlockCodec;
  readonly hub: string;
  readonly ephemeralPortFrom: number;
}

export interface Hunt extends HuntedIndicators {
  /** IoT Hub time, epoch milliseconds: to the block, see `LogSearch`. */
  readonly since: number;
  readonly beforeSnapshot: number | null;
  /** Whether the contacts themselves are asked for, beside the alerts. */
  readonly countsContacts: boolean;
}

/** How far a hunt has come in a partition. */
export interface PartitionProgress {
  readonly place: LogPlace | null;
  /** The first row of the first block that was considered. */
  readonly from: LogPosition | null;
  /** Nothing in this partition is left for the hunt, whatever is appended. */
  readonly ended: boolean;
}

/** How a partition is called in what is stored of hunts. */
export function keyOf({ stream, partition }: PartitionRef): string {
  return `${stream}/${partition}`;
}

export const NOT_BEGUN: PartitionProgress = { place: null, from: null, ended: false };

/** What one step of a hunt adds to what was saved before. */
export interface HuntStep {
  readonly progress: PartitionProgress;
  readonly cost: SearchCost;
  readonly contacts: Contacts;
  readonly sightings: number;
  readonly alerts: number;
}

/** Each reads 4 MB at a time. */
const PARTITIONS_AT_ONCE = 4;
/** Unpacked blocks of one step: so much is done again after a crash. */
const STEP_BLOCKS = 256;
const STEP_STRETCHES = 4096;
/** Of one step in memory: a flood must not make it grow without end. */
const STEP_SIGHTINGS = 20_000;

/** Hunts through partitions side by side, each from where it is. True: each was read to its end; false: time was up. */
export async function huntPartitions(
  ports: HuntPorts,
  partitions: readonly PartitionRef[],
  hunt: Hunt,
  progressOf: (partition: PartitionRef) => PartitionProgress,
  giveUpAt: number,
  save: (partition: PartitionRef, step: HuntStep) => Promise<void>,
): Promise<boolean> {
  let isWhole = true;
  await atOnce(partitions, PARTITIONS_AT_ONCE, async (partition) => {
    const before = progressOf(partition);
    const saveStep = (step: HuntStep) => save(partition, step);
    const ended = await huntPartition(ports, partition, hunt, before, giveUpAt, saveStep);
    isWhole &&= ended;
  });
  return isWhole;
}

/**
 * Goes on from `before` until the log ends, a block is too new, or `giveUpAt` (of the clock) has passed. Alerts are written and
 * then `save` is awaited after every step; it throws where somebody else has taken the hunt over. False: time was up.
 */
async function huntPartition(
  ports: HuntPorts,
  partition: PartitionRef,
  hunt: Hunt,
  before: PartitionProgress,
  giveUpAt: number,
  save: (step: HuntStep) => Promise<void>,
): Promise<boolean> {
  const { log, codec, clock, hub, ephemeralPortFrom } = ports;
  const { targets, since, beforeSnapshot, countsContacts } = hunt;
  const cost = noCost();
  let { place, from } = before;
  let to: LogPosition | null = null;
  let [stretches, blocks, sightings] = [0, 0, 0];
  let gathered: Gathered = new Map();
  let contacts = new Contacts();
  const flush = async (ended: boolean) => {
    if (to === null && !ended && cost.bytesRead === 0) return;
    if (from !== null && to !== null) await apply(ports, partition, gathered, { from, to });
    const progress = { place, from, ended };
    await save({ progress, cost: { ...cost }, contacts, sightings, alerts: gathered.size });
    Object.assign(cost, noCost());
    [stretches, blocks, sightings] = [0, 0, 0];
    gathered = new Map();
    contacts = new Contacts();
  };

  const search = { mayHold: listsAny.bind(null, targets), since, beforeSnapshot };
  const stretchesOfLog = searchLog(log, partition, place, search, cost, codec);
  for (;;) {
    const next = await stretchesOfLog.next();
    if (next.done === true) {
      await flush(next.value.metNewer || beforeSnapshot === null);
      return true;
    }
    const { range, place: behind, block } = next.value;
    from ??= range.from;
    to = range.to;
    place = behind;
    stretches++;
    if (block !== null) {
      const onContact = countsContacts ? contacts.add.bind(contacts) : undefined;
      const found = huntBlock(block, hunt, ephemeralPortFrom, codec, onContact);
      gather(gathered, hub, found, range.to);
      blocks++;
      sightings += found.length;
    }
    const isLate = clock.now() >= giveUpAt;
    const isFull =
      blocks >= STEP_BLOCKS || stretches >= STEP_STRETCHES || sightings >= STEP_SIGHTINGS;
    if (isFull || isLate) await flush(false);
    if (isLate) {
      await stretchesOfLog.return({ metNewer: false });
      return false;
    }
  }
}

async function apply(
  { alerts, clock }: HuntPorts,
  partition: PartitionRef,
  gathered: Gathered,
  range: { from: LogPosition; to: LogPosition },
): Promise<void> {
  await changeGathered(alerts, gathered, (alert, id, sightings) =>
    countHunted(alert, id, keyOf(partition), sightings, range, clock.now()),
  );
}
