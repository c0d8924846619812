// Whether a new state of a feed may be used by itself. Real feeds turn empty at midnight, or into the four addresses of an
// error page, and come back an hour later: using that would silence, or flood, every device.
import { formatInstant } from '../time/instant.ts';
import type { FeedCounts, FeedRecord, FeedState, HoldReason } from './feed.ts';
import { NO_MEMORY } from './feed.ts';
import type { RefusalReason } from './feed-entry.ts';

export interface Hold {
  readonly reason: HoldReason;
  /** In words, with the figures that decided. */
  readonly explanation: string;
}

/** Lists of a few entries may change in any way: Feodo's whole list had five in 2026. */
const SMALL = 20;
/** Lists that were measured grew by at most 13 % between two fetches. */
const GROWN_BY = 100;
/** Below this share of common entries it is another list: 113,288 addresses and the 4 after them shared none. */
const LEAST_OVERLAP = 0.02;
/** What no reader of the format can read, as against what is only no address for us. */
const UNREADABLE: readonly RefusalReason[] = [
  'notAnAddress',
  'encoding',
  'tooLong',
  'malformed',
  'badPattern',
];

/** Null: take it. `last` is the state in use, null if there is none (any more); `shared` counts what both list. */
export function holdOf(next: FeedCounts, last: FeedCounts | null, shared: number): Hold | null {
  const { entries, indicators, promised } = next;
  if (promised !== null && entries < promised) {
    return { reason: 'cut', explanation: `${entries} entries came, the feed says ${promised}` };
  }
  if (indicators === 0) {
    const before = last === null ? '' : `; ${last.indicators} before`;
    return { reason: 'empty', explanation: `none of ${entries} entries is an indicator${before}` };
  }
  return unreadable(next, last) ?? (last === null ? null : changeOf(next, last, shared));
}

function unreadable(next: FeedCounts, last: FeedCounts | null): Hold | null {
  const [share, before] = [unreadableShare(next), last === null ? 0 : unreadableShare(last)];
  const limit = last === null ? 0.9 : Math.max(0.5, 2 * before);
  if (share <= limit) return null;
  const explanation = `${percent(share)} of ${next.entries} entries do not read; ${percent(before)} before`;
  return { reason: 'unreadable', explanation };
}

function changeOf(next: FeedCounts, last: FeedCounts, shared: number): Hold | null {
  const figures = `${next.indicators} indicators after ${last.indicators}`;
  if (isShrunk(next.indicators, last.indicators)) return { reason: 'shrunk', explanation: figures };
  // As many entries as ever, but ended, or the same over and over.
  const listed = `${next.listed} networks in force after ${last.listed}`;
  if (next.listed === 0 && last.listed > 0) return { reason: 'empty', explanation: listed };
  if (isShrunk(next.listed, last.listed)) return { reason: 'shrunk', explanation: listed };
  if (next.indicators > last.indicators * 2 && next.indicators - last.indicators >= GROWN_BY) {
    return { reason: 'grown', explanation: figures };
  }
  const smaller = Math.min(next.listed, last.listed);
  if (smaller >= SMALL && shared < smaller * LEAST_OVERLAP) {
    return { reason: 'replaced', explanation: `${figures}, of which ${shared} are the same` };
  }
  return null;
}

function isShrunk(next: number, last: number): boolean {
  return next < last / 2 && last - next >= SMALL;
}

function unreadableShare({ entries, refused }: FeedCounts): number {
  if (entries === 0) return 0;
  const unread = UNREADABLE.reduce((sum, reason) => sum + (refused[reason] ?? 0), 0);
  return unread / entries;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Earlier states that an operator can go back to. */
const MAX_HISTORY = 5;

/** The record with a new state in use; the one before becomes the latest of the history. */
export function withState(feed: FeedRecord, state: FeedState): FeedRecord {
  const history =
    feed.current === null ? feed.history : [feed.current, ...feed.history].slice(0, MAX_HISTORY);
  return { ...feed, current: state, history, held: null, confirmedAt: state.fetchedAt };
}

/** The operator says that a held state is right, as of now; null when nothing is held. */
export function withHeldAccepted(feed: FeedRecord, at: number): FeedRecord | null {
  if (feed.held === null) return null;
  return { ...withState(feed, feed.held.state), isPinned: false, confirmedAt: at };
}

/**
 * The operator goes back to an earlier state, the latest one unless `id` (or its beginning) names another; null when there
 * is none. The feed stays there: the next list of the source has most likely the same fault, and a changed line in it.
 */
export function withRollback(feed: FeedRecord, id: string | null, at: number): FeedRecord | null {
  const to = feed.history.find((state) => id === null || state.id.startsWith(id));
  if (to === undefined || feed.current === null) return null;
  // The latest comes first: what lies between is left behind with the state in use.
  const history = feed.history.slice(feed.history.indexOf(to) + 1);
  return {
    ...feed,
    current: to,
    history,
    held: {
      state: feed.current,
      reason: 'rolledBack',
      explanation: `the operator went back to the state of ${formatInstant(to.fetchedAt)}`,
      since: at,
    },
    isPinned: true,
    memory: NO_MEMORY,
    confirmedAt: at,
  };
}
