// Hunts that somebody asked for: addresses and networks, listed or not, in the log since a time.
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { formatAddress } from '../../domain/address/address.ts';
import { formatPrefix, isSingle, parsePrefix } from '../../domain/address/prefix.ts';
import { isTooBroad } from '../../domain/indicator/breadth.ts';
import { parseDuration } from '../../domain/time/duration.ts';
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import { RequestError } from '../../format/http-problem.ts';
import type { PartitionRef } from '../../ports/activity-log.ts';
import { listedPeer } from '../../rules/connection/listed-peer.ts';
import { alertIdOf } from '../alerts.ts';
import { LogDamagedError } from '../log/read-log.ts';
import { type SearchCost, addCost, noCost } from '../log/search-log.ts';
import { type Contact, type ContactRecord, Contacts, contactRecord } from './contacts.ts';
import { type HuntDocument, HuntTakenError } from './hunt-document.ts';
import { type HuntStep, NOT_BEGUN, huntPartitions, keyOf } from './hunt-partition.ts';
import type { HuntServices } from './hunt-publications.ts';
import {
  type RequestedHunt,
  addRequest,
  closeRequest,
  latestRequests,
  openRequest,
  openRequests,
  readRequest,
  targetsOf,
} from './hunt-requests.ts';

/** A device that talked to an address; `alertId` where that is an alert, because a feed in use lists the address. */
export interface HuntContact extends Omit<ContactRecord, 'raised'> {
  readonly alertId: string | null;
}

/** A hunt as the API shows it. */
export interface HuntRecord {
  readonly id: string;
  readonly status: 'waiting' | 'running' | 'done' | 'failed';
  /** Why it failed. */
  readonly failure: string | null;
  readonly requestedAt: string;
  readonly finishedAt: string | null;
  readonly since: string;
  readonly networks: number;
  readonly progress: SearchCost & { readonly partitions: number; readonly partitionsDone: number };
  readonly contacts: readonly HuntContact[];
  /** Connections of devices and addresses beyond the first thousand pairs. */
  readonly connectionsLeftOut: number;
}

/** Real lists have a hundred thousand. */
const MAX_NETWORKS = 250_000;
const MAX_SHOWN = 20;

const HuntBody = z.strictObject({
  addresses: z
    .array(z.string().max(64))
    .min(1, 'at least one address or network')
    .max(MAX_NETWORKS, `at most ${MAX_NETWORKS} addresses and networks`),
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
  const networks = networksOf(parsed.data.addresses);
  const hunt: RequestedHunt = {
    id: randomUUID(),
    requestedAt: now,
    since: sinceOf(parsed.data.since, now, services.lookbackMs),
    networks: networks.length,
    begunAt: null,
    finishedAt: null,
    failure: null,
    partitionCount: 0,
    partitions: {},
    cost: noCost(),
    contacts: [],
    connectionsLeftOut: 0,
  };
  await addRequest(services.checkpoints, hunt, networks);
  return recordOf(hunt, services.hub);
}

export async function showHunt(
  { checkpoints, hub }: HuntServices,
  id: string,
): Promise<HuntRecord> {
  const hunt = await readRequest(checkpoints, id);
  if (hunt !== null) return recordOf(hunt, hub);
  const shown = JSON.stringify(id.slice(0, 64));
  throw new RequestError('UnknownHunt', `no hunt is called ${shown}`);
}

/** The latest twenty, the latest first, without their contacts. */
export async function listHunts({
  checkpoints,
  hub,
}: HuntServices): Promise<readonly Omit<HuntRecord, 'contacts'>[]> {
  const hunts = await latestRequests(checkpoints, MAX_SHOWN);
  return hunts.map((hunt) => {
    const { contacts: _, ...record } = recordOf(hunt, hub);
    return record;
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
  for (const id of await openRequests(checkpoints)) {
    if (clock.now() >= giveUpAt) break;
    try {
      const document = await openRequest(checkpoints, id);
      if (document !== null && !(await goOn(services, document, giveUpAt))) continue;
      await closeRequest(checkpoints, id);
      finished++;
    } catch (error) {
      if (error instanceof HuntTakenError) throw error;
      errors.push(error);
    }
  }
  return finished;
}

/** True when nothing is left to do for it. */
async function goOn(
  services: HuntServices,
  document: HuntDocument<RequestedHunt>,
  giveUpAt: number,
): Promise<boolean> {
  const { log, clock, checkpoints, intelligence } = services;
  const { id, since, finishedAt } = document.value;
  if (finishedAt !== null) return true;
  const partitions = await log.partitions();
  await document.change((hunt) => ({
    ...hunt,
    begunAt: hunt.begunAt ?? clock.now(),
    partitionCount: partitions.length,
  }));
  const hunt = {
    targets: await targetsOf(checkpoints, id),
    // Not `fresh()`: who has just added a feed asks what that finds.
    intelligence: await intelligence.refresh(),
    since,
    beforeSnapshot: null,
    countsContacts: true,
  };
  const progressOf = (partition: PartitionRef) =>
    document.value.partitions[keyOf(partition)] ?? NOT_BEGUN;
  const open = partitions.filter((partition) => !progressOf(partition).ended);
  const save = async (partition: PartitionRef, step: HuntStep) =>
    document.change((state) => withStep(state, partition, step));
  let failure: string | null = null;
  try {
    if (!(await huntPartitions(services, open, hunt, progressOf, giveUpAt, save))) return false;
  } catch (error) {
    // Trying again would not help, and others wait.
    if (!(error instanceof LogDamagedError)) throw error;
    failure = error.message;
  }
  await document.change((state) => ({ ...state, finishedAt: clock.now(), failure }));
  return true;
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
  if (wrong.length > 0) throw notTaken(wrong.slice(0, MAX_SHOWN));
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
    failure: hunt.failure,
    requestedAt: formatInstant(hunt.requestedAt),
    finishedAt: hunt.finishedAt === null ? null : formatInstant(hunt.finishedAt),
    since: formatInstant(hunt.since),
    networks: hunt.networks,
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

function statusOf({ begunAt, finishedAt, failure }: RequestedHunt): HuntRecord['status'] {
  if (failure !== null) return 'failed';
  if (finishedAt !== null) return 'done';
  return begunAt === null ? 'waiting' : 'running';
}
