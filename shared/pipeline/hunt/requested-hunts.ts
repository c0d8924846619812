// Hunts that somebody asked for: addresses and networks, listed or not, in the log since a time. Each is a document that says how
// far it is and what it has found; the timer works through them.
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { formatPrefix, isSingle, parsePrefix } from '../../domain/address/prefix.ts';
import { formatAddress } from '../../domain/address/address.ts';
import { isTooBroad } from '../../domain/indicator/breadth.ts';
import { parseDuration } from '../../domain/time/duration.ts';
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import { RequestError } from '../../format/http-problem.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import type { Checkpoints } from '../../ports/checkpoints.ts';
import { listedPeer } from '../../rules/connection/listed-peer.ts';
import { alertIdOf } from '../alerts.ts';
import { type SearchCost, addCost, noCost } from '../log/search-log.ts';
import { type Contact, type ContactRecord, Contacts, contactRecord } from './contacts.ts';
import { HuntDocument, HuntTakenError } from './hunt-document.ts';
import {
  type HuntStep,
  NOT_BEGUN,
  keyOf,
  type PartitionProgress,
  huntPartitions,
} from './hunt-partition.ts';
import type { HuntServices } from './hunt-publications.ts';

/** One hunt as it is kept. Times are epoch milliseconds. */
interface RequestedHunt {
  readonly id: string;
  readonly requestedAt: number;
  readonly since: number;
  readonly networks: readonly string[];
  readonly begunAt: number | null;
  readonly finishedAt: number | null;
  /** Partitions of the log when the last run began. */
  readonly partitionCount: number;
  readonly partitions: Readonly<Record<string, PartitionProgress>>;
  readonly cost: SearchCost;
  readonly contacts: readonly Contact[];
  readonly connectionsLeftOut: number;
}

/** A device that talked to an address; `alertId` where that is an alert, because a feed in use lists the address. */
export interface HuntContact extends Omit<ContactRecord, 'raised'> {
  readonly alertId: string | null;
}

/** A hunt as the API shows it. */
export interface HuntRecord {
  readonly id: string;
  readonly status: 'waiting' | 'running' | 'done';
  readonly requestedAt: string;
  readonly finishedAt: string | null;
  readonly since: string;
  readonly networks: number;
  readonly progress: SearchCost & { readonly partitions: number; readonly partitionsDone: number };
  readonly contacts: readonly HuntContact[];
  /** Connections of devices and addresses beyond the first thousand pairs. */
  readonly connectionsLeftOut: number;
}

const LIST = 'hunts/requests';
/** The oldest are forgotten beyond this. */
const MAX_HUNTS = 100;
const MAX_NETWORKS = 10_000;
const MAX_CONFLICTS = 5;

const HuntBody = z.strictObject({
  addresses: z
    .array(z.string().max(64))
    .min(1, 'at least one address or network')
    .max(MAX_NETWORKS, `at most ${MAX_NETWORKS} addresses and networks; ask twice`),
  since: z.string().max(64).optional(),
});

/** Stores a hunt for the timer, which begins with it within a minute. `body` as `POST /api/hunts` takes it. */
export async function requestHunt(services: HuntServices, body: unknown): Promise<HuntRecord> {
  const parsed = HuntBody.safeParse(body ?? {});
  if (!parsed.success) {
    throw notTaken(
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`),
    );
  }
  const now = services.clock.now();
  const hunt: RequestedHunt = {
    id: randomUUID(),
    requestedAt: now,
    since: sinceOf(parsed.data.since, now, services.lookbackMs),
    networks: networksOf(parsed.data.addresses),
    begunAt: null,
    finishedAt: null,
    partitionCount: 0,
    partitions: {},
    cost: noCost(),
    contacts: [],
    connectionsLeftOut: 0,
  };
  const { checkpoints } = services;
  await checkpoints.write(nameOf(hunt.id), hunt, null);
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const { ids, version } = await readList(checkpoints);
    if (await checkpoints.write(LIST, [...ids, hunt.id].slice(-MAX_HUNTS), version)) {
      return recordOf(hunt, services.hub);
    }
  }
  throw new RequestError('Conflict', 'many hunts are being asked for; try again');
}

export async function showHunt(
  { checkpoints, hub }: HuntServices,
  id: string,
): Promise<HuntRecord> {
  // An id is ours, and part of a blob's name: nothing else is looked up.
  const { ids } = await readList(checkpoints);
  const hunt = ids.includes(id) ? await read(checkpoints, id) : null;
  if (hunt !== null) return recordOf(hunt, hub);
  const shown = JSON.stringify(id.slice(0, 64));
  throw new RequestError('UnknownHunt', `no hunt is called ${shown}`);
}

/** The latest first, without their contacts. */
export async function listHunts({
  checkpoints,
  hub,
}: HuntServices): Promise<readonly Omit<HuntRecord, 'contacts'>[]> {
  const { ids } = await readList(checkpoints);
  const hunts = await Promise.all(ids.toReversed().map((id) => read(checkpoints, id)));
  return hunts.flatMap((hunt) => {
    if (hunt === null) return [];
    const { contacts: _, ...record } = recordOf(hunt, hub);
    return [record];
  });
}

/**
 * Goes on with every hunt that is not done, the oldest first, until `giveUpAt`. Gives how many it finished; what stops one of
 * them is added to `errors` and stops no other.
 */
export async function huntRequested(
  services: HuntServices,
  giveUpAt: number,
  errors: unknown[],
): Promise<number> {
  const { checkpoints, clock } = services;
  let finished = 0;
  for (const id of (await readList(checkpoints)).ids) {
    if (clock.now() >= giveUpAt) break;
    const hunt = await read(checkpoints, id);
    if (hunt === null || hunt.finishedAt !== null) continue;
    const document = await HuntDocument.open(checkpoints, nameOf(id), hunt);
    try {
      if (await goOn(services, document, giveUpAt)) finished++;
    } catch (error) {
      if (error instanceof HuntTakenError) throw error;
      errors.push(error);
    }
  }
  return finished;
}

async function goOn(
  services: HuntServices,
  document: HuntDocument<RequestedHunt>,
  giveUpAt: number,
): Promise<boolean> {
  const { log, clock, intelligence } = services;
  const partitions = await log.partitions();
  await document.change((hunt) => ({
    ...hunt,
    begunAt: hunt.begunAt ?? clock.now(),
    partitionCount: partitions.length,
  }));
  const { since, networks } = document.value;
  const hunt = {
    targets: targetsOf(networks),
    // Not `fresh()`: who has just added a feed asks what that finds.
    intelligence: await intelligence.refresh(),
    since,
    beforeSnapshot: null,
    countsContacts: true,
  };
  const progressOf = (partition: PartitionRef) =>
    document.value.partitions[keyOf(partition)] ?? NOT_BEGUN;
  const open = partitions.filter((partition) => !progressOf(partition).ended);
  const isWhole = await huntPartitions(
    services,
    open,
    hunt,
    progressOf,
    giveUpAt,
    async (partition, step) => document.change((state) => withStep(state, partition, step)),
  );
  if (isWhole) await document.change((state) => ({ ...state, finishedAt: clock.now() }));
  return isWhole;
}

function targetsOf(networks: readonly string[]): IndicatorSnapshot {
  const indicators = networks.map((text) => ({ prefix: parsePrefix(text)!, detail: null }));
  return openSnapshot(buildSnapshot([{ name: 'hunt', kind: 'threat', indicators }]));
}

/** In one write: what is found with how far it was searched, so that a step that is done again counts once. */
function withStep(hunt: RequestedHunt, partition: PartitionRef, step: HuntStep): RequestedHunt {
  const contacts = new Contacts(hunt.contacts, hunt.connectionsLeftOut);
  contacts.addAll(step.contacts);
  return {
    ...hunt,
    partitions: { ...hunt.partitions, [keyOf(partition)]: step.progress },
    cost: addCost(hunt.cost, step.cost),
    contacts: contacts.list(),
    connectionsLeftOut: contacts.connectionsLeftOut,
  };
}

function sinceOf(text: string | undefined, now: number, lookbackMs: number): number {
  if (text === undefined) return now - lookbackMs;
  const duration = parseDuration(text);
  const since = duration === null ? parseInstant(text) : now - duration;
  if (since === null || since < 0) {
    throw notTaken(['since: an ISO 8601 time, or a duration as P7D or PT12H']);
  }
  if (since > now) throw notTaken([`since: ${formatInstant(since)} is still to come`]);
  return since;
}

function networksOf(texts: readonly string[]): readonly string[] {
  const networks = new Set<string>();
  const wrong: string[] = [];
  for (const [i, text] of texts.entries()) {
    const prefix = parsePrefix(text.trim());
    if (prefix === null) {
      wrong.push(`addresses.${i}: ${JSON.stringify(text)} is neither an address nor a network`);
    } else if (isTooBroad(prefix)) {
      wrong.push(`addresses.${i}: ${text.trim()} is broader than an IPv4 /8 or an IPv6 /16`);
    } else networks.add(isSingle(prefix) ? formatAddress(prefix) : formatPrefix(prefix));
  }
  if (wrong.length > 0) throw notTaken(wrong.slice(0, 20));
  return [...networks];
}

function notTaken(details: readonly string[]): RequestError {
  return new RequestError('InvalidRequest', 'the body is not what it must be', details);
}

function recordOf(hunt: RequestedHunt, hub: string): HuntRecord {
  const partitionsDone = Object.values(hunt.partitions).filter(({ ended }) => ended).length;
  return {
    id: hunt.id,
    status: statusOf(hunt),
    requestedAt: formatInstant(hunt.requestedAt),
    finishedAt: hunt.finishedAt === null ? null : formatInstant(hunt.finishedAt),
    since: formatInstant(hunt.since),
    networks: hunt.networks.length,
    progress: { ...hunt.cost, partitions: hunt.partitionCount, partitionsDone },
    contacts: hunt.contacts.map((contact) => huntContact(hub, contact)),
    connectionsLeftOut: hunt.connectionsLeftOut,
  };
}

function huntContact(hub: string, contact: Contact): HuntContact {
  const { raised, ...record } = contactRecord(contact);
  const { deviceId, address } = contact;
  const { alertType } = listedPeer;
  const key = {
    alertType,
    ruleType: null,
    deviceId,
    subject: { kind: 'address', address },
  } as const;
  return { ...record, alertId: raised ? alertIdOf(hub, key) : null };
}

function statusOf({ begunAt, finishedAt }: RequestedHunt): HuntRecord['status'] {
  if (finishedAt !== null) return 'done';
  return begunAt === null ? 'waiting' : 'running';
}

async function readList(
  checkpoints: Checkpoints,
): Promise<{ ids: readonly string[]; version: string | null }> {
  const stored = await checkpoints.read(LIST);
  return { ids: (stored?.value ?? []) as readonly string[], version: stored?.version ?? null };
}

async function read(checkpoints: Checkpoints, id: string): Promise<RequestedHunt | null> {
  return ((await checkpoints.read(nameOf(id)))?.value ?? null) as RequestedHunt | null;
}

function nameOf(id: string): string {
  return `${LIST}/${id}`;
}
