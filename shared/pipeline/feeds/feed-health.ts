import { platformKey, resolveAlert, type PlatformFinding } from '../../domain/alert/alert.ts';
import { partitionKeyOf } from '../../domain/alert/identity.ts';
import type { FeedRecord } from '../../domain/indicator/feed.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { FeedStore, StoredFeed } from '../../ports/feed-store.ts';
import { feedHealth } from '../../rules/platform/feed-health.ts';
import { alertIdOf, changeAlert, raisePlatformAlert } from '../alerts.ts';

/** One failed fetch is the Internet; this many in a row are a dead feed. */
export const FAILURES_TOLD = 3;

export interface Problem {
  readonly problem: 'held' | 'expired' | 'failing';
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** What is wrong with a feed in few words; null if nothing is. Stable while the same thing is wrong. */
export function problemOf(feed: FeedRecord, isExpired: boolean): Problem | null {
  const { held, failure, current, confirmedAt } = feed;
  if (held !== null) return { problem: 'held', reason: held.reason, since: held.since };
  if (isExpired && current !== null) {
    const reason = failure?.code ?? 'notConfirmed';
    return { problem: 'expired', reason, since: confirmedAt ?? current.fetchedAt };
  }
  if (failure === null || failure.times < FAILURES_TOLD) return null;
  return { problem: 'failing', reason: failure.code, since: failure.since };
}

export interface HealthServices {
  readonly alerts: AlertStore;
  readonly feeds: FeedStore;
  readonly hub: string;
  readonly clock: Clock;
}

/**
 * Brings the feed's `TW_FeedHealth` in line with its record, and notes in the record what was told: whoever dies between
 * the two tells it again. Costs nothing while nothing changes.
 */
export async function settleHealth(
  { alerts, feeds, hub, clock }: HealthServices,
  { feed, version }: StoredFeed,
  isExpired: boolean,
): Promise<void> {
  const problem = problemOf(feed, isExpired);
  const told = problem === null ? null : JSON.stringify(Object.values(problem));
  if (told === feed.told) return;
  const now = clock.now();
  if (problem === null) await resolveHealth(alerts, hub, feed.name, now);
  else await raisePlatformAlert(alerts, hub, findingOf(feed, problem, isExpired), now);
  // If the record changed meanwhile, the next run sees that its alert is behind.
  await feeds.write({ ...feed, told }, version);
}

function findingOf(feed: FeedRecord, problem: Problem, isExpired: boolean): PlatformFinding {
  const { held, failure, current } = feed;
  return findingFor(feed.name, {
    ...problem,
    since: formatInstant(problem.since),
    explanation: held?.explanation ?? failure?.message ?? null,
    inUse:
      current === null
        ? null
        : {
            fetchedAt: formatInstant(current.fetchedAt),
            indicators: current.counts.indicators,
            expired: isExpired,
          },
  });
}

export async function resolveHealth(
  alerts: AlertStore,
  hub: string,
  name: string,
  now: number,
): Promise<void> {
  const key = platformKey(findingFor(name, {}));
  await changeAlert(alerts, partitionKeyOf(key), alertIdOf(hub, key), (stored) =>
    stored === null ? null : resolveAlert(stored, now),
  );
}

function findingFor(name: string, facts: Readonly<Record<string, unknown>>): PlatformFinding {
  const { alertType, severity } = feedHealth;
  return { alertType, severity, component: 'feed', key: name, facts: { feed: name, ...facts } };
}
