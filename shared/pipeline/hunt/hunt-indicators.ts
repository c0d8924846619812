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

/**
 * Null where another run hunts already, and goes on. A hunt that fails stops no other; its error is thrown when they are done,
 * and the next run goes on with it.
 */
export async function huntIndicators(services: HuntServices): Promise<HuntRunSummary | null> {
  const { clock } = services;
  const errors: unknown[] = [];
  try {
    const requestsFinished = await huntRequested(services, clock.now() + REQUESTED_MS, errors);
    const summary = await huntPublications(services, clock.now() + PUBLICATIONS_MS);
    if (errors.length === 0) return { ...summary, requestsFinished };
  } catch (error) {
    if (error instanceof HuntTakenError) return null;
    errors.push(error);
  }
  if (errors.length === 1) throw errors[0];
  throw new AggregateError(errors, `${errors.length} hunts met errors`);
}
