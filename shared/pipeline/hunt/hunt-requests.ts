// Hunts that somebody asked for, as they are kept: a list, and of each what was asked (written once) and how far it is.
import { parsePrefix } from '../../domain/address/prefix.ts';
import { RequestError } from '../../format/http-problem.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import type { SearchCost } from '../log/search-log.ts';
import type { Contact } from './contacts.ts';
import { HuntDocument } from './hunt-document.ts';
import type { PartitionProgress } from './hunt-partition.ts';

/** Times are epoch milliseconds. */
export interface RequestedHunt {
  readonly id: string;
  readonly requestedAt: number;
  readonly since: number;
  /** How many addresses and networks are looked for. */
  readonly networks: number;
  readonly begunAt: number | null;
  readonly finishedAt: number | null;
  /** Why it cannot be finished. */
  readonly failure: string | null;
  /** Partitions of the log when the last run began. */
  readonly partitionCount: number;
  readonly partitions: Readonly<Record<string, PartitionProgress>>;
  readonly cost: SearchCost;
  readonly contacts: readonly Contact[];
  readonly connectionsLeftOut: number;
}

interface Listed {
  readonly id: string;
  readonly isDone: boolean;
}

const LIST = 'hunts/requests';
/** Of these the oldest that are done make room for new ones. */
const MAX_HUNTS = 100;
const MAX_CONFLICTS = 5;

/** Stores a hunt for the timer. Throws a `RequestError` where a hundred others are waiting. */
export async function addRequest(
  checkpoints: Checkpoints,
  hunt: RequestedHunt,
  networks: readonly string[],
): Promise<void> {
  const names = namesOf(hunt.id);
  await checkpoints.write(names.networks, networks, null);
  await checkpoints.write(names.hunt, hunt, null);
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const { listed, version } = await readList(checkpoints);
    // A write whose answer was lost may have been done.
    if (listed.some(({ id }) => id === hunt.id)) return;
    const gone = listed
      .filter(({ isDone }) => isDone)
      .slice(0, Math.max(0, listed.length - MAX_HUNTS + 1));
    if (listed.length - gone.length >= MAX_HUNTS) {
      await remove(checkpoints, hunt.id);
      throw new RequestError(
        'TooManyHunts',
        `${MAX_HUNTS} hunts are waiting; try again when some are done`,
      );
    }
    const next = [...listed.filter((one) => !gone.includes(one)), { id: hunt.id, isDone: false }];
    if ((await checkpoints.write(LIST, next, version)) === null) continue;
    for (const { id } of gone) await remove(checkpoints, id);
    return;
  }
  await remove(checkpoints, hunt.id);
  throw new RequestError('Conflict', 'many hunts are being asked for; try again');
}

/** Null where none is called so. An id is part of a blob's name: only ours are looked up. */
export async function readRequest(
  checkpoints: Checkpoints,
  id: string,
): Promise<RequestedHunt | null> {
  const { listed } = await readList(checkpoints);
  return listed.some((one) => one.id === id) ? readHunt(checkpoints, id) : null;
}

/** The latest first, at most so many. */
export async function latestRequests(
  checkpoints: Checkpoints,
  most: number,
): Promise<readonly RequestedHunt[]> {
  const { listed } = await readList(checkpoints);
  const latest = listed.toReversed().slice(0, most);
  const hunts = await Promise.all(latest.map(({ id }) => readHunt(checkpoints, id)));
  return hunts.filter((hunt) => hunt !== null);
}

/** Those that are not done, the oldest first. */
export async function openRequests(checkpoints: Checkpoints): Promise<readonly string[]> {
  const { listed } = await readList(checkpoints);
  return listed.filter(({ isDone }) => !isDone).map(({ id }) => id);
}

/** Null where it was removed meanwhile. */
export async function openRequest(
  checkpoints: Checkpoints,
  id: string,
): Promise<HuntDocument<RequestedHunt> | null> {
  const hunt = await readHunt(checkpoints, id);
  return hunt === null ? null : HuntDocument.open(checkpoints, namesOf(id).hunt, hunt);
}

/** What a hunt looks for. */
export async function targetsOf(checkpoints: Checkpoints, id: string): Promise<IndicatorSnapshot> {
  const stored = await checkpoints.read(namesOf(id).networks);
  const texts = (stored?.value ?? []) as readonly string[];
  const indicators = texts.map((text) => ({ prefix: parsePrefix(text)!, detail: null }));
  return openSnapshot(buildSnapshot([{ name: 'hunt', kind: 'threat', indicators }]));
}

/** No run looks at it any more. */
export async function closeRequest(checkpoints: Checkpoints, id: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const { listed, version } = await readList(checkpoints);
    const next = listed.map((one) => (one.id === id ? { ...one, isDone: true } : one));
    if ((await checkpoints.write(LIST, next, version)) !== null) return;
  }
  // Its document says that it is done: the next run closes it.
}

async function readList(
  checkpoints: Checkpoints,
): Promise<{ listed: readonly Listed[]; version: string | null }> {
  const stored = await checkpoints.read(LIST);
  return { listed: (stored?.value ?? []) as readonly Listed[], version: stored?.version ?? null };
}

async function readHunt(checkpoints: Checkpoints, id: string): Promise<RequestedHunt | null> {
  return ((await checkpoints.read(namesOf(id).hunt))?.value ?? null) as RequestedHunt | null;
}

async function remove(checkpoints: Checkpoints, id: string): Promise<void> {
  const names = namesOf(id);
  await checkpoints.remove(names.hunt);
  await checkpoints.remove(names.networks);
}

function namesOf(id: string): { readonly hunt: string; readonly networks: string } {
  return { hunt: `${LIST}/${id}`, networks: `${LIST}/${id}/networks` };
}
