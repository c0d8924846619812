// The operator's allowlist: a file of its own beside the feeds', `configuration/allowlist.json`.
import * as z from 'zod';
import { formatPrefix, parsePrefix } from '../../../domain/address/prefix.ts';
import { isTooBroad } from '../../../domain/indicator/breadth.ts';
import type { AllowEntry } from '../../../domain/indicator/allowlist.ts';
import { formatInstant, parseInstant } from '../../../domain/time/instant.ts';
import { allowRecord } from '../../../format/allowlist.ts';
import type { Configuration } from '../../../ports/configuration.ts';
import { ConfigurationError } from './feed-configuration.ts';

export const ALLOWLIST_FILE = 'allowlist';
export const MAX_ALLOW_ENTRIES = 10_000;

/** It would silence everything. */
const TOO_BROAD = 'a network broader than an IPv4 /8 or an IPv6 /16 cannot be allowed';

const network = z.string().transform((text, context) => {
  const prefix = parsePrefix(text);
  if (prefix !== null && !isTooBroad(prefix)) return prefix;
  context.addIssue(
    prefix === null
      ? 'an IPv4 or IPv6 address, or a network as 192.0.2.0/24, is expected'
      : TOO_BROAD,
  );
  return z.NEVER;
});
const instant = z.string().transform((text, context) => {
  const at = parseInstant(text);
  if (at !== null) return at;
  context.addIssue('an ISO 8601 time is expected, as 2026-12-31T00:00:00Z');
  return z.NEVER;
});
const reason = z.string().trim().min(3, { error: 'say why, in three letters at least' }).max(500);

const Entry = z.strictObject({
  network,
  reason,
  expiresAt: instant.nullable().default(null),
  addedAt: instant.nullable().default(null),
});
const File = z.array(Entry).max(MAX_ALLOW_ENTRIES);

/** One entry without its network, as the API takes it. */
const Body = z.strictObject({ reason, expiresAt: instant.nullable().default(null) });

/** The entries of the file; each network once. Throws a `ConfigurationError` that names each problem. */
export function parseAllowlist(value: unknown): AllowEntry[] {
  const parsed = File.safeParse(value);
  if (!parsed.success) throw refused(parsed.error);
  const entries = parsed.data.map(({ network, reason, expiresAt, addedAt }): AllowEntry => ({
    prefix: network,
    reason,
    expiresAt,
    addedAt,
  }));
  const seen = new Set<string>();
  for (const { prefix } of entries) {
    const text = formatPrefix(prefix);
    if (seen.has(text)) throw new ConfigurationError([`${text} stands twice`]);
    seen.add(text);
  }
  return entries;
}

export function parseAllowEntry(networkText: string, body: unknown, now: number): AllowEntry {
  const prefix = parsePrefix(networkText);
  if (prefix === null) {
    throw new ConfigurationError([
      `network: ${JSON.stringify(networkText)} is no address or network`,
    ]);
  }
  if (isTooBroad(prefix)) throw new ConfigurationError([`network: ${TOO_BROAD}`]);
  const parsed = Body.safeParse(body);
  if (!parsed.success) throw refused(parsed.error);
  const { reason, expiresAt } = parsed.data;
  if (expiresAt !== null && expiresAt <= now) {
    throw new ConfigurationError([`expiresAt: ${formatInstant(expiresAt)} has passed`]);
  }
  return { prefix, reason, expiresAt, addedAt: now };
}

export async function readAllowlistFile(
  configuration: Configuration,
): Promise<{ entries: AllowEntry[]; version: string | null }> {
  const stored = await configuration.read(ALLOWLIST_FILE);
  if (stored === null) return { entries: [], version: null };
  return { entries: parseAllowlist(stored.value), version: stored.version };
}

const MAX_CONFLICTS = 5;

/** Changes the file under its version; gives the entries as they stand afterwards. `change` gives null for "as it is". */
export async function changeAllowlist(
  configuration: Configuration,
  change: (entries: readonly AllowEntry[]) => readonly AllowEntry[] | null,
): Promise<readonly AllowEntry[]> {
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const { entries, version } = await readAllowlistFile(configuration);
    const changed = change(entries);
    if (changed === null) return entries;
    const value = changed.map(allowRecord);
    if ((await configuration.write(ALLOWLIST_FILE, value, version)) !== null) return changed;
  }
  throw new Error(`the allowlist changed ${MAX_CONFLICTS} times while it was being written`);
}

function refused(error: z.ZodError): ConfigurationError {
  return new ConfigurationError(
    error.issues.map(({ path, message }) => `${path.join('.') || 'the allowlist'}: ${message}`),
  );
}
