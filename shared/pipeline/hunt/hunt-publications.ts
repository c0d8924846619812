// Hunts for what each publication brought: its new indicators are looked for in blocks that were matched with an older snapshot.
import { crc32 } from 'node:zlib';
import type { Publication } from '../../domain/indicator/publication.ts';
import { parseInstant } from '../../domain/time/instant.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import { newIndicators } from '../../format/indicator-snapshot/difference.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { ActivityLog, PartitionRef } from '../../ports/activity-log.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import {
  type IndicatorSnapshots,
  SnapshotLostError,
  type SnapshotPointer,
} from '../../ports/indicator-snapshots.ts';
import {
  type CurrentSnapshot,
  type LoadedSnapshot,
  isRefusal,
} from '../ingest/current-snapshot.ts';
import type { LogPlace } from '../log/read-log.ts';
import { type SearchCost, addCost, noCost } from '../log/search-log.ts';
import { HuntDocument, HuntTakenError } from './hunt-document.ts';
import {
  type HuntPorts,
  type HuntStep,
  NOT_BEGUN,
  keyOf,
  type PartitionProgress,
  huntPartitions,
} from './hunt-partition.ts';
import type { HuntedIndicators } from './match-block.ts';

export interface HuntServices extends HuntPorts {
  readonly checkpoints: Checkpoints;
  readonly snapshots: IndicatorSnapshots;
  readonly intelligence: CurrentSnapshot;
  /** How far back a publication is hunted. */
  readonly lookbackMs: number;
}

export interface HuntSummary extends SearchCost {
  /** Passes that had something to read; a publication has up to fifteen, and none if it brought nothing new. */
  hunts: number;
  sightings: number;
  alerts: number;
  /** Publications that cannot be hunted for, because their snapshot is lost or damaged. */
  lost: number;
  /** Publications that are not done with: their time is not up, or this run's was. */
  waiting: number;
}

/** What is kept between runs. Publications up to `done` are hunted. */
interface HuntState {
  readonly done: number;
  readonly hunts: Readonly<Record<string, PublicationState>>;
}

interface PublicationState {
  readonly isDone: boolean;
  readonly partitions: Readonly<Record<string, PartitionProgress>>;
}

/** The checkpoint of how far publications are hunted. */
export const PUBLICATIONS = 'hunts/publications';
/** Damage stays until somebody restores the file: it is not looked at every minute, by every publication. */
const DAMAGE_PAUSE_MS = 60 * 60_000;
/** Nobody matches with an older snapshot after this: an instance asks for the pointer every minute. */
const STALE_MATCHING_MS = 15 * 60_000;

/**
 * Goes on with the hunt of every publication, the oldest first, until `giveUpAt`. Started from the pointer, so that a refresh that
 * dies after it has moved the pointer loses none. A publication is done with a pass that began a quarter of an hour after it:
 * until then a block with an older snapshot may come. What stops one of them is added to `errors` and stops no other.
 */
export async function huntPublications(
  services: HuntServices,
  giveUpAt: number,
  errors: unknown[],
): Promise<HuntSummary> {
  const { snapshots, checkpoints, clock, log } = services;
  const summary: HuntSummary = {
    ...noCost(),
    hunts: 0,
    sightings: 0,
    alerts: 0,
    lost: 0,
    waiting: 0,
  };
  const pointer = (await snapshots.current())?.pointer;
  if (pointer === undefined) return summary;
  const document = await HuntDocument.open<HuntState>(checkpoints, PUBLICATIONS, {
    done: 0,
    hunts: {},
  });
  const publications = publicationsOf(pointer);
  // In this order: what is appended after the look at the log was not before the time was up.
  const began = clock.now();
  const partitions = await partitionEnds(log);
  for (const publication of publications) {
    if (isDone(document.value, publication)) continue;
    const isLast = began >= parseInstant(publication.publishedAt)! + STALE_MATCHING_MS;
    const before = publications.find(({ ordinal }) => ordinal === publication.ordinal - 1) ?? null;
    let passed = false;
    try {
      passed =
        clock.now() < giveUpAt &&
        (await pass(services, document, publication, before, partitions, giveUpAt, summary));
    } catch (error) {
      if (error instanceof HuntTakenError) throw error;
      errors.push(error);
    }
    if (passed && isLast && !isDone(document.value, publication))
      await document.change((state) => withDone(state, publication.ordinal));
    else if (!isDone(document.value, publication)) summary.waiting++;
  }
  await document.change((state) => tidied(state, publications));
  return summary;
}

/** The snapshots that hunts still need: of publications not done with, and the one before each. */
export async function snapshotsInHunts(
  pointer: SnapshotPointer,
  checkpoints: Checkpoints,
): Promise<ReadonlySet<string>> {
  const stored = (await checkpoints.read(PUBLICATIONS))?.value as HuntState | undefined;
  const done = stored?.done ?? 0;
  const needed = publicationsOf(pointer).filter(({ ordinal }) => ordinal >= done);
  return new Set(needed.map(({ id }) => id));
}

function publicationsOf(pointer: SnapshotPointer): readonly Publication[] {
  return [...pointer.earlier, pointer];
}

/** One pass over all partitions; true when each was read to its end. */
async function pass(
  services: HuntServices,
  document: HuntDocument<HuntState>,
  publication: Publication,
  before: Publication | null,
  partitions: readonly PartitionEnd[],
  giveUpAt: number,
  summary: HuntSummary,
): Promise<boolean> {
  const { ordinal } = publication;
  const progressOf = (partition: PartitionRef) =>
    document.value.hunts[ordinal]?.partitions[keyOf(partition)] ?? NOT_BEGUN;
  const now = services.clock.now();
  const isDamaged = ({ ref }: PartitionEnd) => {
    const { damagedAt } = progressOf(ref);
    return damagedAt !== null && now - damagedAt < DAMAGE_PAUSE_MS;
  };
  const open = partitions.filter((partition) => {
    const { ended, place } = progressOf(partition.ref);
    return !ended && isBefore(place, partition.end) && !isDamaged(partition);
  });
  // Most passes end here: no snapshot is read for a log that nobody wrote to.
  if (open.length === 0) return !partitions.some(isDamaged);
  const hunted = await huntedIn(services, publication, before);
  if (typeof hunted === 'string') {
    if (hunted === 'lost') summary.lost++;
    await document.change((state) => withDone(state, ordinal));
    return true;
  }
  summary.hunts++;
  const since = parseInstant(publication.publishedAt)! - services.lookbackMs;
  const hunt = { ...hunted, since, beforeSnapshot: ordinal, countsContacts: false };
  const refs = open.map(({ ref }) => ref);
  const save = async (partition: PartitionRef, step: HuntStep) => {
    addStep(summary, step);
    await document.change((state) => withProgress(state, ordinal, partition, step.progress));
  };
  const isWhole = await huntPartitions(services, refs, hunt, progressOf, giveUpAt, save);
  return isWhole && !partitions.some(isDamaged);
}

/** A partition, and where its log ended when the run began. */
interface PartitionEnd {
  readonly ref: PartitionRef;
  readonly end: LogPlace | null;
}

async function partitionEnds(log: ActivityLog): Promise<readonly PartitionEnd[]> {
  const ends: PartitionEnd[] = [];
  for (const ref of await log.partitions()) {
    const last = (await log.files(ref)).at(-1);
    ends.push({
      ref,
      end: last === undefined ? null : { file: last.name, offset: last.sizeBytes },
    });
  }
  return ends;
}

function isBefore(place: LogPlace | null, end: LogPlace | null): boolean {
  if (place === null || end === null) return end !== null;
  return place.file === end.file ? place.offset < end.offset : place.file < end.file;
}

/** `nothing` where the publication brought nothing new: something was removed, or the allowlist changed. */
async function huntedIn(
  services: HuntServices,
  publication: Publication,
  before: Publication | null,
): Promise<HuntedIndicators | 'nothing' | 'lost'> {
  if (before?.id === publication.id) return 'nothing';
  // The allowlist is that of today: what the operator vouches for by now raises nothing any more.
  const current = await services.intelligence.refresh();
  const index = await opened(services, current, publication);
  if (index === null) return 'lost';
  const { ordinal, id } = publication;
  const intelligence = { ...current, ref: { ordinal, id }, index };
  const beforeIndex = before === null ? null : await opened(services, current, before);
  // Of the first publication, or where what stood before is forgotten or lost: everything.
  const targets =
    beforeIndex === null
      ? index
      : openSnapshot(buildSnapshot(newIndicators(index, beforeIndex), { checksum: crc32 }), crc32);
  return isEmpty(targets) ? 'nothing' : { targets, intelligence };
}

/** Null where the snapshot is lost or damaged: asking again would not help, and other hunts wait. */
async function opened(
  { snapshots }: HuntServices,
  current: LoadedSnapshot,
  { id }: Publication,
): Promise<IndicatorSnapshot | null> {
  if (id === current.ref.id) return current.index;
  try {
    return openSnapshot(await snapshots.read(id), crc32);
  } catch (error) {
    if (error instanceof SnapshotLostError || isRefusal(error)) return null;
    throw error;
  }
}

function isEmpty({ stat }: IndicatorSnapshot): boolean {
  const { ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = stat;
  return ipv4Addresses + ipv4Prefixes + ipv6Addresses + ipv6Prefixes === 0;
}

function addStep(summary: HuntSummary, { cost, sightings, alerts }: HuntStep): void {
  Object.assign(summary, addCost(summary, cost));
  summary.sightings += sightings;
  summary.alerts += alerts;
}

function isDone(state: HuntState, { ordinal }: Publication): boolean {
  return ordinal <= state.done || state.hunts[ordinal]?.isDone === true;
}

function withProgress(
  state: HuntState,
  ordinal: number,
  partition: PartitionRef,
  progress: PartitionProgress,
): HuntState {
  const before = state.hunts[ordinal]?.partitions ?? {};
  const partitions = { ...before, [keyOf(partition)]: progress };
  return { ...state, hunts: { ...state.hunts, [ordinal]: { isDone: false, partitions } } };
}

function withDone(state: HuntState, ordinal: number): HuntState {
  return { ...state, hunts: { ...state.hunts, [ordinal]: { isDone: true, partitions: {} } } };
}

/** Drops what stands below the first publication that is not done. */
function tidied(state: HuntState, publications: readonly Publication[]): HuntState {
  const open = publications.find((publication) => !isDone(state, publication));
  const done = open === undefined ? publications.at(-1)!.ordinal : open.ordinal - 1;
  const hunts = Object.entries(state.hunts).filter(([ordinal]) => Number(ordinal) > done);
  const isTidy = done === state.done && hunts.length === Object.keys(state.hunts).length;
  return isTidy ? state : { done, hunts: Object.fromEntries(hunts) };
}
