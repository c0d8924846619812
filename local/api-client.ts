// The management API as commands ask it: of the Threadwatch that --url names, else of the one that runs on a data folder.
import { resolve } from 'node:path';
import { type CommandIo, UsageError } from './commands/command.ts';
import { printable } from './feeds/printable.ts';
import { findRunning } from './running.ts';

/** The options of every command that talks to a running Threadwatch, for `parseArgs`. */
export const API_OPTIONS = {
  url: { type: 'string' },
  key: { type: 'string' },
  data: { type: 'string' },
} as const;

export const API_USAGE = `  --url URL    of a Threadwatch in Azure, as https://NAME.azurewebsites.net (default: THREADWATCH_URL)
  --key KEY    its function key (default: THREADWATCH_KEY, which no list of processes shows)
  --data DIR   the Threadwatch that runs on this folder of this machine (default: .threadwatch)`;

export interface ApiValues {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  readonly data?: string | undefined;
}

export interface ApiAnswer<T> {
  readonly status: number;
  readonly etag: string | null;
  readonly body: T;
}

/** The API said no; the message is fit for a terminal. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(printable(message));
    this.status = status;
    this.code = code;
  }
}

/** Publishing a large snapshot takes its time. */
const ANSWER_MS = 120_000;

export class ApiClient {
  readonly #base: URL;
  readonly #key: string | null;
  readonly #signal: AbortSignal;

  constructor(base: URL, key: string | null, signal: AbortSignal) {
    this.#base = base;
    this.#key = key;
    this.#signal = signal;
  }

  async get<T>(path: string): Promise<ApiAnswer<T>> {
    return this.#ask('GET', path);
  }

  async post<T>(path: string, body: unknown = {}): Promise<ApiAnswer<T>> {
    return this.#ask('POST', path, body);
  }

  async put<T>(
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer<T>> {
    return this.#ask('PUT', path, body, headers);
  }

  async delete(path: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#ask('DELETE', path, undefined, headers);
  }

  async #ask<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer<T>> {
    const url = new URL(path, this.#base);
    const response = await this.#fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#key === null ? {} : { 'x-functions-key': this.#key }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The key must not follow a redirect to somewhere else.
      redirect: 'manual',
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    const { status } = response;
    const json = parseJson(await response.text());
    if (status < 200 || status > 299) throw refusal(url, status, json);
    // What is deleted has no body to answer with.
    if (json === undefined && status !== 204 && method !== 'DELETE') {
      throw noThreadwatch(url, status);
    }
    return { status, etag: response.headers.get('etag'), body: json as T };
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (this.#signal.aborted) throw new Error('stopped', { cause: error });
      const { cause, message } = error as Error;
      const reason = cause instanceof Error && cause.message !== '' ? cause.message : message;
      throw new Error(`${url.origin} cannot be reached: ${reason}`, { cause: error });
    }
  }
}

/** A path of the API from segments that are not yet encoded. */
export function apiPath(...segments: readonly string[]): string {
  return segments.map(encodeURIComponent).join('/');
}

/** `--data` means this machine also where the environment names a URL. */
export function openApi({ url, key, data }: ApiValues, io: CommandIo): ApiClient {
  const named = url ?? (data === undefined ? io.env['THREADWATCH_URL'] : undefined);
  const givenKey = (key ?? io.env['THREADWATCH_KEY']) || null;
  if (named !== undefined && named !== '') {
    return new ApiClient(baseOf(named, givenKey), givenKey, io.signal);
  }
  const origin = runningOrigin(resolve(io.cwd, data ?? '.threadwatch'), data ?? '.threadwatch');
  return new ApiClient(new URL('/api/', origin), null, io.signal);
}

function baseOf(text: string, key: string | null): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError('--url: an https:// address was expected');
  }
  const isLoopback = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (key !== null && url.protocol === 'http:' && !isLoopback) {
    throw new UsageError('--url: a key is sent over https only');
  }
  const path = url.pathname.replace(/\/+$/, '');
  return new URL(path.endsWith('/api') ? `${path}/` : `${path}/api/`, url.origin);
}

function runningOrigin(directory: string, shown: string): string {
  const running = findRunning(directory);
  if (running === null) {
    throw new Error(
      `no Threadwatch runs on ${shown}; run "threadwatch start", or name one with --url or --data`,
    );
  }
  if (running.platform === null) {
    throw new Error(`Threadwatch is starting on ${shown}; try again when it is up`);
  }
  return running.platform.httpAddress;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // An empty body, or a page of something in between: the status tells.
  }
}

function refusal(url: URL, status: number, json: unknown): ApiError {
  const { error } = (json ?? {}) as {
    error?: { code?: string; message?: string; details?: unknown };
  };
  if (typeof error?.message === 'string') {
    const { message } = error;
    const details = Array.isArray(error.details) ? error.details.map(detailText) : [];
    const untold = details.filter((detail) => !message.includes(detail));
    const reasons = untold.length === 0 ? '' : `: ${untold.join('; ')}`;
    return new ApiError(status, String(error.code ?? status), `${message}${reasons}`);
  }
  if (status === 401 || status === 403) {
    const message = `${url.origin} asks for a key: --key, or THREADWATCH_KEY`;
    return new ApiError(status, 'Unauthorized', message);
  }
  return noThreadwatch(url, status);
}

/** A line, or a field of ARM's resources. */
function detailText(detail: unknown): string {
  const { target, message } = Object(detail) as { target?: unknown; message?: unknown };
  return typeof message === 'string' ? `${String(target)}: ${message}` : String(detail);
}

function noThreadwatch(url: URL, status: number): ApiError {
  const message = `${url.origin}${url.pathname} answered ${status}, and not as Threadwatch does`;
  return new ApiError(status, 'NoThreadwatch', message);
}
