import { platformKey, resolveAlert, type PlatformFinding } from '../../../domain/alert/alert.ts';
import { partitionKeyOf } from '../../../domain/alert/identity.ts';
import type { FeedRecord } from '../../../domain/indicator/feed.ts';
import { formatInstant } from '../../../domain/time/instant.ts';
import type { AlertStore } from '../../../ports/alert-store.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { FeedStore, StoredFeed } from '../../../ports/feed-store.ts';
import { feedHealth } from '../../../rules/platform/feed-health.ts';
import type { ConfiguredFeed, FeedConfiguration } from '../configuration/feed-configuration.ts';
import { isFeedExpired } from './refresh-feed.ts';
import { alertIdOf, changeAlert, raisePlatformAlert } from '../../alerts.ts';

/** One failed fetch is the Internet; this many in a row are a dead feed. */
export const FAILURES_TOLD = 3;

const MAX_CONFLICTS = 5;

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
  // The folder of Infoblox lacked one of the 46 events of its manifest for good: nobody here can mend that.
  if (failure.code === 'missing') return null;
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
  configuration: FeedConfiguration,
  configured: ConfiguredFeed,
  stored: StoredFeed,
): Promise<void> {
  let now: StoredFeed | null = stored;
  // Changed meanwhile: then the alert may tell of what is over, and the other who settled it came before.
  for (let attempt = 0; now !== null && attempt < MAX_CONFLICTS; attempt++) {
    const { feed, version } = now;
    const at = clock.now();
    const isExpired = isFeedExpired(configuration, configured, feed, at);
    // Nobody expects anything of a feed that is switched off.
    const problem = configured.enabled ? problemOf(feed, isExpired) : null;
    const told = problem === null ? null : JSON.stringify([...Object.values(problem), isExpired]);
    if (told === feed.told && attempt === 0) return;
    if (problem === null) await resolveHealth(alerts, hub, feed.name, at);
    else await raisePlatformAlert(alerts, hub, findingOf(feed, problem, isExpired), at, true);
    if (await feeds.write({ ...feed, told }, version)) return;
    now = await feeds.read(feed.name);
  }
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
