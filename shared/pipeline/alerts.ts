import { hash } from 'node:crypto';
import {
  type Alert,
  type AlertKey,
  type PlatformFinding,
  type Sighting,
  noteSighting,
  openAlert,
  openPlatformAlert,
  platformKey,
} from '../domain/alert/alert.ts';
import { identityText, partitionKeyOf } from '../domain/alert/identity.ts';
import { type Severity, SEVERITIES, isGraver } from '../domain/alert/severity.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { Clock } from '../ports/clock.ts';
import { atOnce } from './at-once.ts';

/** The deterministic id of an alert: 32 hexadecimal digits. */
export function alertIdOf(hub: string, key: AlertKey): string {
  return hash('sha256', identityText(hub, key), 'hex').slice(0, 32);
}

/** Somebody else changed the alert each time that it was about to be written. */
export class AlertConflictError extends Error {
  readonly code = 'ALERT_CONFLICT';
}

const MAX_CONFLICTS = 10;
/** Alerts of one step are independent. */
export const ALERTS_AT_ONCE = 8;

/**
 * Reads an alert, changes it by a pure function and writes it back if it is still the one that was read; again on a
 * conflict. `change` gives null when nothing is to be written. Returns the alert as it stands afterwards.
 */
export async function changeAlert(
  store: AlertStore,
  partitionKey: string,
  id: string,
  change: (alert: Alert | null) => Alert | null,
): Promise<Alert | null> {
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const stored = await store.read(partitionKey, id);
    const changed = change(stored?.alert ?? null);
    if (changed === null) return stored?.alert ?? null;
    const written =
      stored === null
        ? await store.create(partitionKey, changed)
        : await store.replace(partitionKey, changed, stored.version);
    if (written) return changed;
  }
  throw new AlertConflictError(
    `alert ${id} of ${partitionKey} changed ${MAX_CONFLICTS} times while it was being written`,
  );
}

/** Alerts that this instance has seen stored; older ones are asked for again. */
const MAX_KNOWN = 100_000;
/** Of one block: a flood of findings must not keep a partition waiting. The fold opens the others. */
const MAX_OPENED = 1000;

/** Opens alerts at once; counting is the fold's. Remembers what it has seen, so a beacon of a million messages costs one write. */
export class AlertOpener {
  readonly #store: AlertStore;
  readonly #clock: Clock;
  readonly #hub: string;
  readonly #known = new Map<string, Severity>();

  constructor(store: AlertStore, clock: Clock, hub: string) {
    this.#store = store;
    this.#clock = clock;
    this.#hub = hub;
  }

  async open(sightings: readonly Sighting[]): Promise<void> {
    await atOnce(mostUrgent(sightings), ALERTS_AT_ONCE, (one) => this.#openOne(one));
  }

  async raise(finding: PlatformFinding): Promise<void> {
    await raisePlatformAlert(this.#store, this.#hub, finding, this.#clock.now());
  }

  async #openOne(sighting: Sighting): Promise<void> {
    const id = alertIdOf(this.#hub, sighting.key);
    const known = this.#known.get(id);
    if (known !== undefined && !isGraver(sighting.severity, known)) return;
    const alert = await changeAlert(this.#store, partitionKeyOf(sighting.key), id, (stored) =>
      stored === null
        ? openAlert(id, sighting, this.#clock.now())
        : noteSighting(stored, sighting.severity, sighting.totals.lastSeen),
    );
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    if (alert !== null) this.#known.set(id, alert.severity);
  }
}

/** A list that permits too little must not put off what matters more. */
function mostUrgent(sightings: readonly Sighting[]): readonly Sighting[] {
  if (sightings.length <= MAX_OPENED) return sightings;
  const rank = ({ severity }: Sighting) => SEVERITIES.indexOf(severity);
  return sightings.toSorted((a, b) => rank(b) - rank(a)).slice(0, MAX_OPENED);
}

/** Opens a platform alert, or brings its facts up to date; the same finding twice leaves the same alert. */
export async function raisePlatformAlert(
  store: AlertStore,
  hub: string,
  finding: PlatformFinding,
  at: number,
  reopens = false,
): Promise<void> {
  const key = platformKey(finding);
  const id = alertIdOf(hub, key);
  await changeAlert(store, partitionKeyOf(key), id, (stored) => {
    if (stored === null) return openPlatformAlert(id, finding, at);
    const same = JSON.stringify(stored.facts) === JSON.stringify(finding.facts);
    // Whoever raises at every run must leave alone what somebody resolved; whoever raises at a change must not.
    if (same && !(reopens && stored.status === 'resolved')) return null;
    // What was thought to be over (a provisional gap, say) is not: the new facts open it again.
    const status = stored.status === 'resolved' ? 'active' : stored.status;
    return {
      ...stored,
      status,
      resolvedAt: null,
      facts: finding.facts,
      revision: stored.revision + 1,
    };
  });
}
