// The allowlist over HTTP: one network at a time, in force as soon as the answer is given.
import { type Prefix, formatPrefix, parsePrefix } from '../../../domain/address/prefix.ts';
import type { AllowEntry } from '../../../domain/indicator/allowlist.ts';
import { type AllowRecord, allowRecord } from '../../../format/allowlist.ts';
import { RequestError } from '../../../format/http-problem.ts';
import type { Configuration } from '../../../ports/configuration.ts';
import {
  MAX_ALLOW_ENTRIES,
  changeAllowlist,
  parseAllowEntry,
  readAllowlistFile,
} from '../configuration/allowlist.ts';
import { readFeedConfiguration } from '../configuration/feed-configuration.ts';
import { asRequest } from './manage-configuration.ts';
import { publishFeeds } from '../refresh/publish-feeds.ts';
import type { RefreshServices } from '../refresh/refresh-feeds.ts';

export interface ShownAllowEntry extends AllowRecord {
  /** Its time has passed: it has no effect any more. */
  readonly expired?: true;
}

export async function listAllowlist(
  files: Configuration,
  now: number,
): Promise<readonly ShownAllowEntry[]> {
  const { entries } = await readAllowlistFile(files);
  return entries.map((entry) => shownEntry(entry, now));
}

/** Adds the network or changes its entry, which keeps the time at which it was added. */
export async function putAllowEntry(
  services: RefreshServices,
  network: string,
  body: unknown,
): Promise<{ readonly entry: ShownAllowEntry; readonly created: boolean }> {
  const now = services.clock.now();
  const wanted = asRequest(() => parseAllowEntry(decoded(network), body, now));
  let created = false;
  const entries = await changed(services, (entries) => {
    const known = entries.find(sameNetworkAs(wanted.prefix));
    created = known === undefined;
    if (known === undefined) return [...roomIn(entries), wanted];
    if (known.reason === wanted.reason && known.expiresAt === wanted.expiresAt) return null;
    const entry = { ...wanted, addedAt: known.addedAt };
    return entries.map((one) => (one === known ? entry : one));
  });
  const entry = entries.find(sameNetworkAs(wanted.prefix)) ?? wanted;
  return { entry: shownEntry(entry, now), created };
}

export async function removeAllowEntry(services: RefreshServices, network: string): Promise<void> {
  const text = decoded(network);
  const prefix = parsePrefix(text);
  if (prefix === null) {
    throw new RequestError(
      'InvalidRequest',
      `${JSON.stringify(text.slice(0, 64))} is no address or network`,
    );
  }
  await changed(services, (entries) => {
    const isIt = sameNetworkAs(prefix);
    const left = entries.filter((entry) => !isIt(entry));
    if (left.length < entries.length) return left;
    const message = `${formatPrefix(prefix)} is not on the allowlist`;
    throw new RequestError('UnknownNetwork', message);
  });
}

/** Changes the file and publishes. Feeds that cannot be read are found out before anything is written. */
async function changed(
  services: RefreshServices,
  change: (entries: readonly AllowEntry[]) => readonly AllowEntry[] | null,
): Promise<readonly AllowEntry[]> {
  await readFeedConfiguration(services.configuration);
  const entries = await changeAllowlist(services.configuration, change);
  await publishFeeds(services);
  return entries;
}

function roomIn(entries: readonly AllowEntry[]): readonly AllowEntry[] {
  if (entries.length < MAX_ALLOW_ENTRIES) return entries;
  throw new RequestError(
    'InvalidRequest',
    `the allowlist has ${MAX_ALLOW_ENTRIES} entries already`,
  );
}

function sameNetworkAs(prefix: Prefix): (entry: AllowEntry) => boolean {
  const text = formatPrefix(prefix);
  return (entry) => formatPrefix(entry.prefix) === text;
}

/** The host leaves an encoded slash of a path as it is. */
function decoded(network: string): string {
  return network.replace(/%2f/gi, '/');
}

function shownEntry(entry: AllowEntry, now: number): ShownAllowEntry {
  const isExpired = entry.expiresAt !== null && entry.expiresAt <= now;
  return { ...allowRecord(entry), ...(isExpired ? { expired: true } : {}) };
}
