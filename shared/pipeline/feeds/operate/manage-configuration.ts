// The file of the feeds over HTTP: read with its ETag, written only over what was read (RFC 9110 13.1).
import { RequestError } from '../../../format/http-problem.ts';
import type { Configuration } from '../../../ports/configuration.ts';
import {
  ConfigurationError,
  FEEDS_FILE,
  parseFeedConfiguration,
} from '../configuration/feed-configuration.ts';

export interface ConfigurationFile {
  /** As it was written, not as it is read: durations are text, defaults are absent. */
  readonly value: unknown;
  /** Null when there is no file yet. */
  readonly etag: string | null;
}

/** The two headers of a PUT, null where absent. */
export interface Preconditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

export async function showConfiguration(files: Configuration): Promise<ConfigurationFile> {
  const stored = await files.read(FEEDS_FILE);
  if (stored === null) return { value: { version: 1, feeds: [] }, etag: null };
  return { value: stored.value, etag: etagOf(stored.version) };
}

/** Checks and writes the file; a change that came between is refused. */
export async function replaceConfiguration(
  files: Configuration,
  value: unknown,
  conditions: Preconditions,
): Promise<{ readonly etag: string; readonly created: boolean }> {
  if (conditions.ifMatch === null && conditions.ifNoneMatch === null) {
    throw new RequestError(
      'PreconditionRequired',
      'send If-Match with the ETag of the file that is replaced, or If-None-Match: * for a first one',
    );
  }
  asRequest(() => parseFeedConfiguration(value));
  const version = (await files.read(FEEDS_FILE))?.version ?? null;
  const written = isMet(conditions, version) ? await files.write(FEEDS_FILE, value, version) : null;
  if (written === null) {
    throw new RequestError('PreconditionFailed', 'the file has changed; read it again');
  }
  return { etag: etagOf(written), created: version === null };
}

/** What a request says, as against what a file of ours holds: the caller is told each problem. */
export function asRequest<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const message = 'the request is not what it must be';
    throw new RequestError('InvalidRequest', message, error.problems);
  }
}

function isMet({ ifMatch, ifNoneMatch }: Preconditions, version: string | null): boolean {
  const etag = version === null ? null : etagOf(version);
  return (
    (ifMatch === null || names(ifMatch, etag)) &&
    (ifNoneMatch === null || !names(ifNoneMatch, etag))
  );
}

/** Whether a list of ETags, or `*`, names the one that there is. Strong comparison: `W/"…"` never does. */
function names(header: string, etag: string | null): boolean {
  if (etag === null) return false;
  return header.split(',').some((part) => part.trim() === '*' || part.trim() === etag);
}

/** Stores give versions that are ETags already, or bare words. */
function etagOf(version: string): string {
  return version.startsWith('"') ? version : `"${version}"`;
}
