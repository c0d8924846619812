// The refresh on memory stores, with a web that answers as a test likes.
import { MemoryAlertStore } from '../../shared/adapters/memory/alert-store.ts';
import { MemoryCheckpoints } from '../../shared/adapters/memory/checkpoints.ts';
import { MemoryConfiguration } from '../../shared/adapters/memory/configuration.ts';
import { MemoryFeedFiles } from '../../shared/adapters/memory/feed-files.ts';
import { MemoryFeedStore } from '../../shared/adapters/memory/feed-store.ts';
import { MemoryIndicatorSnapshots } from '../../shared/adapters/memory/indicator-snapshots.ts';
import { parseAddress } from '../../shared/domain/address/address.ts';
import { formatPrefix } from '../../shared/domain/address/prefix.ts';
import type { Alert } from '../../shared/domain/alert/alert.ts';
import type { FeedRecord } from '../../shared/domain/indicator/feed.ts';
import type { IndicatorSnapshot } from '../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../shared/format/indicator-snapshot/open-snapshot.ts';
import { FEEDS_FILE } from '../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import {
  type RefreshServices,
  refreshFeeds,
} from '../../shared/pipeline/feeds/refresh/refresh-feeds.ts';
import type { Web, WebRequest, WebResponse } from '../../shared/ports/web.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** 2026-08-22T11:00:00Z. */
export const START = 1_787_396_400_000;

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Thrown instead of an answer, or after the body. */
  readonly error?: Error;
}

/** Answers by address; what has no answer is 404. */
export class FakeWeb implements Web {
  readonly requests: WebRequest[] = [];
  readonly answers = new Map<string, Answer | ((request: WebRequest) => Answer)>();

  async get(request: WebRequest): Promise<WebResponse> {
    this.requests.push(request);
    const given = this.answers.get(request.url) ?? { status: 404 };
    const {
      status = 200,
      headers = {},
      body = '',
      error,
    } = typeof given === 'function' ? given(request) : given;
    if (error !== undefined && body === '') throw error;
    async function* bytes() {
      yield Buffer.from(body as string);
      if (error !== undefined) throw error;
    }
    return { status, headers, url: request.url, body: bytes(), discard: () => {} };
  }
}

export const addressOf = (name: string) => `https://feeds.example.com/${name}`;

export class FeedWorld {
  now = START;
  readonly web = new FakeWeb();
  readonly secrets = new Map<string, string>();
  readonly alerts = new MemoryAlertStore();
  readonly services: RefreshServices;

  constructor() {
    const clock = { now: () => this.now };
    this.services = {
      web: this.web,
      secrets: { read: (name) => this.secrets.get(name) ?? null },
      files: new MemoryFeedFiles(clock.now),
      feeds: new MemoryFeedStore(),
      snapshots: new MemoryIndicatorSnapshots(clock.now),
      checkpoints: new MemoryCheckpoints(),
      configuration: new MemoryConfiguration(),
      alerts: this.alerts,
      clock,
      storeClock: clock,
      hub: 'test-hub',
    };
  }

  /** Replaces the configuration: feeds by name, each at `addressOf(name)` unless it says otherwise. */
  async configure(
    feeds: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const list = Object.entries(feeds).map(([name, fields]) => ({
      name,
      address: addressOf(name),
      ...fields,
    }));
    await this.write(FEEDS_FILE, { version: 1, feeds: list, ...more });
  }

  async write(file: string, value: unknown): Promise<void> {
    const { configuration } = this.services;
    const stored = await configuration.read(file);
    await configuration.write(file, value, stored?.version ?? null);
  }

  serve(name: string, answer: Answer | string | ((request: WebRequest) => Answer)): void {
    this.web.answers.set(addressOf(name), typeof answer === 'string' ? { body: answer } : answer);
  }

  refresh(services: Partial<RefreshServices> = {}) {
    return refreshFeeds({ ...this.services, ...services });
  }

  /** Lets time pass until every feed is due, and refreshes. */
  async later(milliseconds: number) {
    this.now += milliseconds;
    return this.refresh();
  }

  async record(name: string): Promise<FeedRecord> {
    return (await this.services.feeds.read(name))!.feed;
  }

  async snapshot(): Promise<IndicatorSnapshot> {
    const { pointer } = (await this.services.snapshots.current())!;
    return openSnapshot(await this.services.snapshots.read(pointer.id));
  }

  async ordinal(): Promise<number> {
    return (await this.services.snapshots.current())?.pointer.ordinal ?? 0;
  }

  /** What the current snapshot lists, `feed prefix` each. */
  async listed(): Promise<string[]> {
    const snapshot = await this.snapshot();
    return [...snapshot.indicators()]
      .map(({ feed, prefix }) => `${feed} ${formatPrefix(prefix)}`)
      .sort();
  }

  async matches(address: string) {
    return (await this.snapshot()).matchesOf(parseAddress(address)!);
  }

  async health(): Promise<
    (Pick<Alert, 'status'> & { feed: unknown; problem: unknown; reason: unknown })[]
  > {
    const found = [];
    for await (const { alertType, status, facts } of this.alerts.list()) {
      if (alertType !== 'TW_FeedHealth') continue;
      found.push({
        status,
        feed: facts!['feed'],
        problem: facts!['problem'],
        reason: facts!['reason'],
      });
    }
    return found.sort((a, b) => (String(a.feed) < String(b.feed) ? -1 : 1));
  }
}

/** A list of so many addresses, from 45.66.0.0 on. */
export function listOf(count: number, from = 0): string {
  return Array.from({ length: count }, (_, i) => {
    const n = i + from;
    return `45.${66 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}\n`;
  }).join('');
}
