// Hunts through partitions of the log: a second fold, which adds what the first one could not know. What was read and by which
// conditions is stored in every alert that it changes, so a hunt that died, two at once, or a later one count the same row once.
import { type HuntedSighting, countHunted } from '../../domain/alert/hunted.ts';
import { partitionKeyOf } from '../../domain/alert/identity.ts';
import type { LogPosition, LogRange } from '../../domain/alert/position.ts';
import type { BlockCodec } from '../../format/activity-log/layout.ts';
import type { ActivityLog, PartitionRef } from '../../ports/activity-log.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { ALERTS_AT_ONCE, alertIdOf, changeAlert } from '../alerts.ts';
import { atOnce } from '../at-once.ts';
import { listsAny } from '../ingest/judge.ts';
import { LogDamagedError, type LogPlace, placed } from '../log/read-log.ts';
import { type SearchCost, noCost, searchLog } from '../log/search-log.ts';
import { Contacts } from './contacts.ts';
import { HuntTakenError } from './hunt-document.ts';
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
  /** Whether a block that reaches `since` was met: every one behind it is considered. */
  readonly begun: boolean;
  /** Nothing in this partition is left for the hunt, whatever is appended. */
  readonly ended: boolean;
  /** When damage was met at `place`, epoch milliseconds: it is looked at again later on. */
  readonly damagedAt: number | null;
}

/** How a partition is called in what is stored of hunts. */
export function keyOf({ stream, partition }: PartitionRef): string {
  return `${stream}/${partition}`;
}

export const NOT_BEGUN: PartitionProgress = {
  place: null,
  begun: false,
  ended: false,
  damagedAt: null,
};

/** What one step of a hunt adds to what was saved before. */
export interface HuntStep {
  readonly progress: PartitionProgress;
  readonly cost: SearchCost;
  readonly contacts: Contacts;
  readonly sightings: number;
  readonly alerts: number;
}

/** Each reads 4 MB at a time. */
const PARTITIONS_AT_ONCE = 8;
/** Unpacked blocks of one step: so much is done again after a crash. */
const STEP_BLOCKS = 256;
const STEP_STRETCHES = 4096;
/** Of one step in memory: a flood must not make it grow without end. */
const STEP_CONTACTS = 50_000;

/**
 * Hunts through partitions side by side, each from where it is. True: each was read to its end; false: time was up. What stops
 * one partition stops no other, and is thrown when they are done: damage, which stays, only if nothing else is left to do.
 */
export async function huntPartitions(
  ports: HuntPorts,
  partitions: readonly PartitionRef[],
  hunt: Hunt,
  progressOf: (partition: PartitionRef) => PartitionProgress,
  giveUpAt: number,
  save: (partition: PartitionRef, step: HuntStep) => Promise<void>,
): Promise<boolean> {
  let isWhole = true;
  const errors: Error[] = [];
  await atOnce(partitions, PARTITIONS_AT_ONCE, async (partition) => {
    const before = progressOf(partition);
    const saveStep = (step: HuntStep) => save(partition, step);
    try {
      const ended = await huntPartition(ports, partition, hunt, before, giveUpAt, saveStep);
      isWhole &&= ended;
    } catch (error) {
      errors.push(error as Error);
    }
  });
  const isDamage = (error: Error) => error instanceof LogDamagedError;
  const taken = errors.find((error) => error instanceof HuntTakenError);
  const passing = taken ?? errors.find((error) => !isDamage(error));
  if (passing !== undefined) throw passing;
  if (!isWhole) return false;
  const [damage] = errors;
  if (damage !== undefined) throw damage;
  return true;
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
  const { log, codec, clock, ephemeralPortFrom } = ports;
  const { targets, since, beforeSnapshot, countsContacts } = hunt;
  if (clock.now() >= giveUpAt) return false;
  const cost = noCost();
  let { place, begun } = before;
  // What this run has read with what it knows. An earlier run of the same hunt may have known less.
  let range = null as LogRange | null;
  let step = new Step();
  const flush = async (ended: boolean, damagedAt: number | null = null) => {
    if (range !== null) await apply(ports, partition, step.sightings, range);
    const { contacts, sightings } = step;
    await save({
      progress: { place, begun, ended, damagedAt },
      cost: { ...cost },
      contacts,
      sightings: sightings.length,
      alerts: new Set(sightings.map(({ key }) => JSON.stringify(key))).size,
    });
    Object.assign(cost, noCost());
    step = new Step();
  };

  const search = { mayHold: listsAny.bind(null, targets), since, beforeSnapshot };
  const stretches = searchLog(log, partition, before, search, cost, codec);
  /** Null where the log goes on. */
  const readOn = async (): Promise<boolean | null> => {
    const next = await stretches.next();
    if (next.done === true) {
      const ended = next.value.metNewer || beforeSnapshot === null;
      if (ended || step.stretches > 0) await flush(ended);
      return true;
    }
    const { range: read, at, block } = next.value;
    if (block !== null) {
      const onContact = countsContacts
        ? step.contacts.addSince.bind(step.contacts, since)
        : undefined;
      const found = placed(partition, at, () =>
        huntBlock(block, hunt, ephemeralPortFrom, codec, onContact),
      );
      step.add(found);
    }
    place = next.value.place;
    step.stretches++;
    if (read !== null) {
      begun = true;
      range = { from: (range ?? read).from, to: read.to };
    }
    const isLate = clock.now() >= giveUpAt;
    if (step.isFull || isLate) await flush(false);
    if (!isLate) return null;
    await stretches.return({ metNewer: false });
    return false;
  };
  try {
    for (;;) {
      const done = await readOn();
      if (done !== null) return done;
    }
  } catch (error) {
    // What stands before the damage counts.
    if (error instanceof LogDamagedError) await flush(false, clock.now());
    throw error;
  }
}

/** What was read since the last save. */
class Step {
  readonly sightings: HuntedSighting[] = [];
  readonly contacts = new Contacts();
  stretches = 0;
  #blocks = 0;
  #contacts = 0;

  add(found: readonly HuntedSighting[]): void {
    this.#blocks++;
    for (const sighting of found) {
      this.sightings.push(sighting);
      for (const { contacts } of sighting.rows) this.#contacts += contacts.length;
    }
  }

  get isFull(): boolean {
    return (
      this.#blocks >= STEP_BLOCKS ||
      this.stretches >= STEP_STRETCHES ||
      this.#contacts >= STEP_CONTACTS
    );
  }
}

async function apply(
  { alerts, clock, hub }: HuntPorts,
  partition: PartitionRef,
  sightings: readonly HuntedSighting[],
  range: { readonly from: LogPosition; readonly to: LogPosition },
): Promise<void> {
  const byAlert = Map.groupBy(sightings, ({ key }) => alertIdOf(hub, key));
  await atOnce([...byAlert], ALERTS_AT_ONCE, async ([id, of]) => {
    await changeAlert(alerts, partitionKeyOf(of[0]!.key), id, (alert) =>
      countHunted(alert, id, keyOf(partition), of, range, clock.now()),
    );
  });
}
