// The operator's allowlist as a file: a JSON list of {network, reason, expiresAt, addedAt}, ASCII, in order of network.
import { formatPrefix, parsePrefix } from '../domain/address/prefix.ts';
import type { AllowEntry } from '../domain/indicator/allowlist.ts';
import { shownText } from '../domain/indicator/feed-entry.ts';
import { formatInstant, parseInstant } from '../domain/time/instant.ts';
import { asciiBytes, parseAsciiJson, toAsciiJson } from './ascii-json.ts';

/** The file is not an allowlist. What it allowed is unknown, so it must not be read as empty. */
export class AllowlistError extends Error {
  readonly code = 'ALLOWLIST';
}

/** An entry as files and the API show it. */
export interface AllowRecord {
  readonly network: string;
  readonly reason: string;
  readonly expiresAt: string | null;
  readonly addedAt: string | null;
}

export function writeAllowlist(entries: readonly AllowEntry[]): Uint8Array {
  const records = entries.map(allowRecord);
  records.sort((a, b) => (a.network < b.network ? -1 : 1));
  return asciiBytes(toAsciiJson(records));
}

export function readAllowlist(bytes: Uint8Array): AllowEntry[] {
  const records = parseAsciiJson(
    bytes,
    (cause) => new AllowlistError('the allowlist is not JSON', { cause }),
  );
  if (!Array.isArray(records)) throw new AllowlistError('the allowlist is not a JSON list');
  return records.map(entryOf);
}

export function allowRecord({ prefix, reason, expiresAt, addedAt }: AllowEntry): AllowRecord {
  return {
    network: formatPrefix(prefix),
    reason,
    expiresAt: expiresAt === null ? null : formatInstant(expiresAt),
    addedAt: addedAt === null ? null : formatInstant(addedAt),
  };
}

function entryOf(record: unknown): AllowEntry {
  const { network, reason, expiresAt, addedAt } = (record ?? {}) as Partial<
    Record<string, unknown>
  >;
  const prefix = typeof network === 'string' ? parsePrefix(network) : null;
  const added = typeof addedAt === 'string' ? parseInstant(addedAt) : null;
  const expires = typeof expiresAt === 'string' ? parseInstant(expiresAt) : null;
  const whole =
    prefix !== null &&
    typeof reason === 'string' &&
    (addedAt === null || added !== null) &&
    (expiresAt === null || expires !== null);
  if (!whole) {
    const shown = typeof network === 'string' ? shownText(network) : typeof network;
    throw new AllowlistError(`an entry of the allowlist lacks a field: ${shown}`);
  }
  return { prefix, reason, expiresAt: expires, addedAt: added };
}
