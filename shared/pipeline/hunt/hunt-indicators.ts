// What the timer does: first what somebody waits for, then what publications brought.
import { huntRequested } from './requested-hunts.ts';
import { HuntTakenError } from './hunt-document.ts';
import { type HuntServices, type HuntSummary, huntPublications } from './hunt-publications.ts';

/** Both together end well before the host's `functionTimeout` of ten minutes; the next run goes on. */
const REQUESTED_MS = 2 * 60_000;
const PUBLICATIONS_MS = 4 * 60_000;

export interface HuntRunSummary extends HuntSummary {
  readonly requestsFinished: number;
}

/** Null where another run hunts already, and goes on. */
export async function huntIndicators(services: HuntServices): Promise<HuntRunSummary | null> {
  const { clock } = services;
  try {
    const requestsFinished = await huntRequested(services, clock.now() + REQUESTED_MS);
    const summary = await huntPublications(services, clock.now() + PUBLICATIONS_MS);
    return { ...summary, requestsFinished };
  } catch (error) {
    if (error instanceof HuntTakenError) return null;
    throw error;
  }
}
