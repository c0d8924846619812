// The fold: reads the activity log from its own position and adds what it finds to the alerts. The position reached is
// stored in every alert that it changes, so a fold that died, or two at once, add the same rows once.
import { type Alert, type CountedSighting, countSightings } from '../domain/alert/alert.ts';
import { partitionKeyOf } from '../domain/alert/identity.ts';
import type { LogPosition } from '../domain/alert/position.ts';
import { type DataBlock, readRows } from '../format/activity-log/block.ts';
import type { BlockCodec } from '../format/activity-log/layout.ts';
import type { ActivityLog, PartitionRef } from '../ports/activity-log.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { Checkpoints } from '../ports/checkpoints.ts';
import type { Clock } from '../ports/clock.ts';
import { atOnce } from './at-once.ts';
import { ALERTS_AT_ONCE, alertIdOf, changeAlert, raisePlatformAlert } from './alerts.ts';
import { type LogPlace, placed, readForward } from './log/read-log.ts';
import { sightingsOf } from './sightings.ts';
import { streamGapFinding } from './stream-gap.ts';

export interface FoldServices {
  readonly log: ActivityLog;
  readonly alerts: AlertStore;
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly codec: BlockCodec;
  readonly hub: string;
}

export interface FoldSummary {
  blocks: number;
  sightings: number;
  alerts: number;
}

/** Blocks of one step: alerts are written and the position moves after each, so that little is read again after a crash. */
const STEP_BLOCKS = 256;
/** Of one step in memory: a flood of findings must not make it grow without end. */
const STEP_SIGHTINGS = 20_000;

/** Where the fold of a partition stands: the next block begins at `place`, and what was read ends at `position`. */
interface FoldPosition {
  readonly place: LogPlace;
  readonly position: LogPosition;
}

/** Sightings of one alert, gathered over the blocks of a step. */
type Gathered = Map<string, CountedSighting[]>;

export function foldCheckpoint({ stream, partition }: PartitionRef): string {
  return `fold/${stream}/${partition}`;
}

export async function foldPartition(
  services: FoldServices,
  partition: PartitionRef,
  summary: FoldSummary = { blocks: 0, sightings: 0, alerts: 0 },
): Promise<FoldSummary> {
  const { log, codec, checkpoints } = services;
  const name = foldCheckpoint(partition);
  const checkpoint = await checkpoints.read(name);
  let version = checkpoint?.version ?? null;
  let reached = checkpoint === null ? null : parsePosition(checkpoint.value, name);
  let gathered: Gathered = new Map();
  let blocks = 0;
  let held = 0;
  let next = reached;
  const flush = async (): Promise<boolean> => {
    if (next === reached || next === null) return true;
    await applySightings(services, partition, gathered, summary);
    const written = await checkpoints.write(name, next, version);
    if (written === null) return false; // Another fold is ahead.
    version = written;
    reached = next;
    gathered = new Map();
    blocks = 0;
    held = 0;
    return true;
  };
  for await (const { block, file, offset } of readForward(
    log,
    partition,
    reached?.place ?? null,
    codec,
  )) {
    const { header } = block;
    if (header.kind === 'close') continue;
    const position = { epoch: header.epoch, sequence: header.toSequence };
    next = { place: { file, offset: offset + block.lengthBytes }, position };
    summary.blocks++;
    const at = { file, offset };
    held += await foldBlock(services, partition, { ...block, header }, at, position, gathered);
    if ((++blocks >= STEP_BLOCKS || held >= STEP_SIGHTINGS) && !(await flush())) return summary;
  }
  await flush();
  return summary;
}

/** Returns how many sightings the block gave. */
async function foldBlock(
  { codec, alerts, clock, hub }: FoldServices,
  partition: PartitionRef,
  block: DataBlock,
  at: LogPlace,
  position: LogPosition,
  gathered: Gathered,
): Promise<number> {
  const { header } = block;
  if (header.lost !== null) {
    const finding = streamGapFinding(partition, header.epoch, header.lost, false);
    await raisePlatformAlert(alerts, hub, finding, clock.now());
  }
  if (header.findings === 0) return 0; // The rows stay packed: most blocks of a healthy fleet say nothing.
  const rows = placed(partition, at, () => readRows(block, codec));
  const sightings = sightingsOf(header, rows);
  for (const sighting of sightings) {
    const id = alertIdOf(hub, sighting.key);
    const known = gathered.get(id);
    if (known === undefined) gathered.set(id, [{ ...sighting, position }]);
    else known.push({ ...sighting, position });
  }
  return sightings.length;
}

async function applySightings(
  { alerts, clock }: FoldServices,
  { stream, partition }: PartitionRef,
  gathered: Gathered,
  summary: FoldSummary,
): Promise<void> {
  await atOnce([...gathered], ALERTS_AT_ONCE, async ([id, sightings]) => {
    const change = (alert: Alert | null) =>
      countSightings(alert, id, `${stream}/${partition}`, sightings, clock.now());
    await changeAlert(alerts, partitionKeyOf(sightings[0]!.key), id, change);
    summary.sightings += sightings.length;
    summary.alerts++;
  });
}

/** A checkpoint is our own writing, but it lies in a store that people can edit. */
function parsePosition(value: unknown, name: string): FoldPosition {
  const { place, position } = value as Partial<FoldPosition>;
  const whole =
    typeof place?.file === 'string' &&
    Number.isSafeInteger(place.offset) &&
    Number.isSafeInteger(position?.epoch) &&
    Number.isSafeInteger(position?.sequence);
  if (!whole) throw new Error(`checkpoint ${name} is not a position in the activity log`);
  return value as FoldPosition;
}
