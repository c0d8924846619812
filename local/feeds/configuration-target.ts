// The feeds of a configuration, to be edited: those of a running Threadwatch, or of a file.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseFeedConfiguration } from '../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { ApiError, type ApiClient, type ApiValues, openApi } from '../api-client.ts';
import type { CommandIo } from '../commands/command.ts';

/** A feed as it is written: defaults are absent, durations are text. */
export type WrittenFeed = Readonly<Record<string, unknown>> & { readonly name: string };

interface Read {
  readonly value: Readonly<Record<string, unknown>>;
  /** Null when there is none yet. */
  readonly version: string | null;
}

export interface ConfigurationTarget {
  read(): Promise<Read>;
  /** False when it changed since `version` was read. */
  write(value: unknown, version: string | null): Promise<boolean>;
}

const EMPTY = { version: 1, feeds: [] };
const MAX_CONFLICTS = 5;

export function openTarget(
  values: ApiValues & { readonly file?: string | undefined },
  io: CommandIo,
): ConfigurationTarget {
  if (values.file !== undefined) return new FileTarget(resolve(io.cwd, values.file));
  return new ApiTarget(openApi(values, io));
}

export async function readFeeds(target: ConfigurationTarget): Promise<readonly WrittenFeed[]> {
  return feedsOf((await target.read()).value);
}

/** Changes the feeds; `change` gives null for "as they are". Everything else in the file stays. */
export async function editFeeds(
  target: ConfigurationTarget,
  change: (feeds: readonly WrittenFeed[]) => readonly WrittenFeed[] | null,
): Promise<void> {
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const { value, version } = await target.read();
    const feeds = change(feedsOf(value));
    if (feeds === null || (await target.write({ ...value, feeds }, version))) return;
  }
  throw new Error('the configuration is being changed by somebody else; try again');
}

/** Feeds from a file: a configuration, or a list of feeds alone. */
export function parseFeeds(text: string, from: string): readonly WrittenFeed[] {
  const value = parseJson(text, from);
  return feedsOf(Array.isArray(value) ? { feeds: value } : value);
}

class ApiTarget implements ConfigurationTarget {
  readonly #api: ApiClient;
  constructor(api: ApiClient) {
    this.#api = api;
  }

  async read(): Promise<Read> {
    const { body, etag } = await this.#api.get<Read['value']>('feed-configuration');
    return { value: body, version: etag };
  }

  async write(value: unknown, version: string | null): Promise<boolean> {
    const condition = version === null ? { 'if-none-match': '*' } : { 'if-match': version };
    try {
      await this.#api.put('feed-configuration', value, condition);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) return false;
      throw error;
    }
  }
}

class FileTarget implements ConfigurationTarget {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<Read> {
    const text = await this.#text();
    if (text === null) return { value: EMPTY, version: null };
    return { value: parseJson(text, this.#path), version: text };
  }

  async write(value: unknown, version: string | null): Promise<boolean> {
    parseFeedConfiguration(value);
    if ((await this.#text()) !== version) return false;
    // A reader sees the old file or the new one, never half of one.
    const besides = `${this.#path}.${process.pid}.tmp`;
    await writeFile(besides, `${JSON.stringify(value, null, 2)}\n`);
    await rename(besides, this.#path);
    return true;
  }

  async #text(): Promise<string | null> {
    try {
      return await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}

function parseJson(text: string, from: string): Read['value'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${from} is not JSON`, { cause: error });
  }
  if (typeof value === 'object' && value !== null) return value as Read['value'];
  throw new Error(`${from} is no configuration of feeds`);
}

function feedsOf({ feeds }: Read['value']): readonly WrittenFeed[] {
  if (Array.isArray(feeds) && feeds.every(isNamed)) return feeds;
  throw new Error('a list "feeds" was expected, of feeds that have a name');
}

function isNamed(feed: unknown): feed is WrittenFeed {
  return typeof (feed as Partial<WrittenFeed> | null)?.name === 'string';
}
