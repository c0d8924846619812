// One alert for all windows that wait for messages to be read; no device is told silent meanwhile.
import { platformKey, resolveAlert } from '../../domain/alert/alert.ts';
import { partitionKeyOf } from '../../domain/alert/identity.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import { MINUTE_MS, PIECE_MS } from '../../domain/window/window.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { ingestLag } from '../../rules/platform/ingest-lag.ts';
import { alertIdOf, changeAlert, raisePlatformAlert } from '../alerts.ts';
import { CLOCK_SLACK_MS, IN_FLIGHT_MS } from './progress.ts';

export interface LagServices {
  readonly alerts: AlertStore;
  readonly clock: Clock;
  readonly hub: string;
  readonly graceMs: number;
}

/**
 * As long as this after a window should have been closed, messages may wait without a word. A stream that was made again takes
 * most of it.
 */
const LAG_MS = IN_FLIGHT_MS + 5 * MINUTE_MS;

/**
 * `first` is the start of the first window of five minutes that is not done. The alert resolves when windows are closed in time
 * again.
 */
export async function tellLag(services: LagServices, first: number): Promise<void> {
  const { alerts, clock, hub, graceMs } = services;
  const due = first + PIECE_MS + graceMs + CLOCK_SLACK_MS;
  const finding = {
    alertType: ingestLag.alertType,
    component: 'ingest',
    key: 'windows',
    severity: ingestLag.severity,
    facts: { since: formatInstant(first) },
  };
  const key = platformKey(finding);
  const id = alertIdOf(hub, key);
  const isLate = clock.now() > due + LAG_MS;
  const stored = await alerts.read(partitionKeyOf(key), id);
  const stands = stored !== null && stored.alert.status !== 'resolved';
  if (isLate && !stands) await raisePlatformAlert(alerts, hub, finding, clock.now(), true);
  if (!isLate && stands) {
    await changeAlert(alerts, partitionKeyOf(key), id, (alert) =>
      alert === null ? null : resolveAlert(alert, clock.now()),
    );
  }
}
