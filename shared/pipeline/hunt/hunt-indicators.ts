// What the timer does: first what somebody waits for, then what publications brought.
import { HuntTakenError } from './hunt-document.ts';
import { type HuntServices, type HuntSummary, huntPublications } from './hunt-publications.ts';
import { huntRequested } from './requested-hunts.ts';

/** Both together end well before the host's `functionTimeout` of ten minutes; the next run goes on. */
const REQUESTED_MS = 2 * 60_000;
const PUBLICATIONS_MS = 4 * 60_000;

export interface HuntRun {
  /** For the log line. */
  readonly summary: HuntSummary & { readonly requestsFinished: number };
  /** What stopped hunts; they stopped no other, and the next run goes on with them. */
  readonly errors: readonly unknown[];
  /** Something may be left that could be hunted at once. */
  readonly timeWasUp: boolean;
}

/** Null where another run hunts already, and goes on. */
export async function huntIndicators(services: HuntServices): Promise<HuntRun | null> {
  const { clock } = services;
  const errors: unknown[] = [];
  try {
    const requestsUntil = clock.now() + REQUESTED_MS;
    const requestsFinished = await huntRequested(services, requestsUntil, errors);
    const requestsLeft = clock.now() >= requestsUntil;
    const giveUpAt = clock.now() + PUBLICATIONS_MS;
    const summary = await huntPublications(services, giveUpAt, errors);
    const timeWasUp = requestsLeft || clock.now() >= giveUpAt;
    return { summary: { ...summary, requestsFinished }, errors, timeWasUp };
  } catch (error) {
    if (error instanceof HuntTakenError) return null;
    throw error;
  }
}
