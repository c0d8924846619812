// The file of the feeds over HTTP: read with its ETag, written only over what was read.
import { type Preconditions, areMet, etagOf } from '../../../format/http-precondition.ts';
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
  const written = areMet(conditions, version)
    ? await files.write(FEEDS_FILE, value, version)
    : null;
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
