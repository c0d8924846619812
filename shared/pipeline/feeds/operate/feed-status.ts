// A feed as people see it: the API and the command line give the same object.
import type {
  FeedCounts,
  FeedRecord,
  FeedState,
  HoldReason,
} from '../../../domain/indicator/feed.ts';
import type { FeedKind } from '../../../domain/indicator/feed-kind.ts';
import { formatInstant } from '../../../domain/time/instant.ts';
import {
  type ConfiguredFeed,
  type FeedConfiguration,
  kindOf,
} from '../configuration/feed-configuration.ts';
import { problemOf } from '../refresh/feed-health.ts';
import { expiresAt, isDue, isFeedExpired } from '../refresh/refresh-feed.ts';

/** `held`, `expired` and `failing` as `TW_FeedHealth` means them; a feed without any state fails from its first failure on. */
export type FeedStatusState = 'current' | 'held' | 'failing' | 'expired' | 'waiting' | 'disabled';

export interface FeedStatus {
  readonly name: string;
  /** Values of the query, which may be keys, are left out. */
  readonly address: string;
  readonly format: string;
  /** Null as long as only the content can tell. */
  readonly kind: FeedKind | null;
  readonly enabled: boolean;
  readonly state: FeedStatusState;
  /** Of the state in use. */
  readonly counts: FeedCounts | null;
  readonly inUse: {
    readonly state: string;
    readonly fetchedAt: string;
    readonly confirmedAt: string;
    readonly expiresAt: string;
  } | null;
  readonly held: {
    readonly state: string;
    readonly reason: HoldReason;
    readonly explanation: string;
    readonly since: string;
    readonly counts: FeedCounts;
  } | null;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly since: string;
    readonly at: string;
    readonly times: number;
  } | null;
  readonly lastAttempt: string | null;
  readonly lastSuccess: string | null;
  /** Null for a disabled feed; a feed that is due is tried within a minute. */
  readonly nextAttempt: string | null;
  readonly licence: string | null;
  readonly attribution: string | null;
  readonly terms: string | null;
  /** The name of the app setting, never what it holds. */
  readonly credential: string | null;
}

export interface PastState {
  readonly state: string;
  readonly fetchedAt: string;
  readonly counts: FeedCounts;
}

export function feedStatus(
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord | null,
  now: number,
): FeedStatus {
  const { name, address, format, enabled, licence, attribution, terms, credential } = feed;
  return {
    name,
    address: shownAddress(address),
    format,
    kind: record?.current ? kindOf(feed, record.current.counts.format) : (feed.kind ?? null),
    enabled,
    state: stateOf(configuration, feed, record, now),
    counts: record?.current?.counts ?? null,
    inUse: record === null ? null : inUseOf(configuration, feed, record),
    held: record === null ? null : heldOf(record),
    failure: record === null ? null : failureOf(record),
    lastAttempt: instantOrNull(record?.lastAttemptAt),
    lastSuccess: instantOrNull(record?.lastSuccessAt),
    nextAttempt: enabled ? formatInstant(nextAttemptOf(feed, record, now)) : null,
    licence: licence ?? null,
    attribution: attribution ?? null,
    terms: terms ?? null,
    credential: credential?.setting ?? null,
  };
}

/** The states that an operator can go back to, the latest first. */
export function feedHistory(record: FeedRecord | null): readonly PastState[] {
  return (record?.history ?? []).map((state) => ({
    state: shortId(state),
    fetchedAt: formatInstant(state.fetchedAt),
    counts: state.counts,
  }));
}

function stateOf(
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord | null,
  now: number,
): FeedStatusState {
  if (!feed.enabled) return 'disabled';
  if (record === null) return 'waiting';
  if (record.held !== null) return 'held';
  if (isFeedExpired(configuration, feed, record, now)) return 'expired';
  if (record.current === null) return record.failure === null ? 'waiting' : 'failing';
  return problemOf(record, false) === null ? 'current' : 'failing';
}

function inUseOf(
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord,
): FeedStatus['inUse'] {
  const { current, confirmedAt } = record;
  if (current === null) return null;
  return {
    state: shortId(current),
    fetchedAt: formatInstant(current.fetchedAt),
    confirmedAt: formatInstant(confirmedAt ?? current.fetchedAt),
    expiresAt: formatInstant(expiresAt(configuration, feed, record)),
  };
}

function heldOf({ held }: FeedRecord): FeedStatus['held'] {
  if (held === null) return null;
  const { state, reason, explanation, since } = held;
  return {
    state: shortId(state),
    reason,
    explanation,
    since: formatInstant(since),
    counts: state.counts,
  };
}

function failureOf({ failure }: FeedRecord): FeedStatus['failure'] {
  if (failure === null) return null;
  const { code, message, since, at, times } = failure;
  return { code, message, since: formatInstant(since), at: formatInstant(at), times };
}

function nextAttemptOf(feed: ConfiguredFeed, record: FeedRecord | null, now: number): number {
  return record === null || isDue(feed, record, now) ? now : record.nextAttemptAt;
}

/** Enough of the hash to tell states apart, and to name one. */
function shortId({ id }: FeedState): string {
  return id.slice(0, 12);
}

function instantOrNull(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : formatInstant(at);
}

/** An address without the values of its query: they may be keys, and so may text that has no name. */
export function shownAddress(address: string): string {
  const url = URL.parse(address);
  if (url === null) return '';
  const parts = url.search === '' ? [] : url.search.slice(1).split('&');
  const shown = parts.map((part) => (part.includes('=') ? `${part.split('=', 1)[0]}=…` : '…'));
  return `${url.origin}${url.pathname}${parts.length === 0 ? '' : `?${shown.join('&')}`}`;
}
