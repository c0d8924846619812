import type { FetchMemory } from '../../../domain/indicator/feed.ts';
import type { Web, WebLimits, WebResponse } from '../../../ports/web.ts';
import type { ConfiguredFeed } from '../configuration/feed-configuration.ts';
import type { Pieces } from './pieces.ts';

/** What a source needs to fetch one feed. */
export interface SourceContext {
  readonly web: Web;
  readonly feed: ConfiguredFeed;
  /** Headers with the feed's credential; empty where it needs none. */
  readonly secretHeaders: Readonly<Record<string, string>>;
  readonly limits: WebLimits;
  readonly memory: FetchMemory;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What a source of pieces gives; null instead says that nothing changed. */
export interface ReadPieces {
  readonly pieces: Pieces;
  readonly memory: FetchMemory;
  /** Pieces that could not be had, in words; what they held before stays. */
  readonly problems?: readonly string[];
  /** True where each of them is something that the source names and does not have: asking again is no remedy. */
  readonly areMissing?: boolean;
}

/** The feed could not be had; its last good state stays in use. The message is for an operator and holds no credential. */
export class FetchError extends Error {
  readonly code: string;
  /** Epoch milliseconds before which the server does not want to be asked again (Retry-After). */
  readonly retryAt: number | null;
  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { readonly retryAt?: number | null } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAt = options.retryAt ?? null;
  }
}

/** GET with the feed's credential and limits. Every answer but those in `accepted` is a `FetchError`. */
export async function fetchFrom(
  context: Pick<SourceContext, 'web' | 'feed' | 'secretHeaders' | 'limits' | 'now'>,
  url: string,
  headers: Readonly<Record<string, string>>,
  accepted: readonly number[] = [200],
): Promise<WebResponse> {
  const { web, feed, secretHeaders, limits, now } = context;
  const { allowPrivate } = feed;
  const response = await web.get({ url, headers, secretHeaders, allowPrivate, limits });
  if (accepted.includes(response.status)) return response;
  response.discard();
  throw new FetchError(
    `http${response.status}`,
    `${hostOf(response)} answered ${statusText(response.status)}`,
    {
      retryAt: retryAtOf(response.headers['retry-after'], now),
    },
  );
}

/** Gets a document under the validators of last time; null where it did not change since. */
export async function fetchIfChanged(
  context: Pick<SourceContext, 'web' | 'feed' | 'secretHeaders' | 'limits' | 'now'>,
  url: string,
  { etag, lastModified }: Validators,
  headers: Readonly<Record<string, string>> = {},
): Promise<WebResponse | null> {
  const conditions = {
    ...(etag === null ? {} : { 'if-none-match': etag }),
    ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
  };
  // 304 to who named nothing says nothing.
  const accepted = Object.keys(conditions).length > 0 ? [200, 304] : [200];
  const response = await fetchFrom(context, url, { ...headers, ...conditions }, accepted);
  if (response.status !== 304) return response;
  response.discard();
  return null;
}

export type Validators = Pick<FetchMemory, 'etag' | 'lastModified'>;

export function validatorsOf({ headers }: WebResponse): Validators {
  return { etag: headers['etag'] ?? null, lastModified: headers['last-modified'] ?? null };
}

/** For messages: paths and queries may hold secrets. */
export function hostOf({ url }: Pick<WebResponse, 'url'>): string {
  return URL.parse(url)?.host ?? 'the server';
}

/** A login page, a captive portal or an error page comes with 200 too; it must not count as an empty feed. */
export function refuseHtml(response: WebResponse): void {
  const type = response.headers['content-type'] ?? '';
  if (!/^\s*(?:text\/html|application\/xhtml)/i.test(type)) return;
  response.discard();
  throw new FetchError('html', `${hostOf(response)} answered with a web page instead of a feed`);
}

const MAX_RETRY_MS = 24 * 60 * 60_000;

/** Retry-After in seconds or as a date (RFC 9110 10.2.3), bounded by a day; null if there is none. */
function retryAtOf(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  const at = /^\d{1,9}$/.test(value.trim()) ? now + Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(at) ? null : Math.min(Math.max(at, now), now + MAX_RETRY_MS);
}

function statusText(status: number): string {
  const meanings: Readonly<Record<number, string>> = {
    401: '401: the credential is missing or wrong',
    403: '403: the credential does not allow this',
    404: '404: there is nothing at this address',
    406: '406: it does not speak the media type that was asked for',
    429: '429: it was asked too often',
  };
  return meanings[status] ?? String(status);
}
