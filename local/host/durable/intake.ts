// How an episode of an orchestration begins: with the messages that it takes out of the inbox.
import { EventType, type HistoryEvent, isoTime, NO_ID, type RuntimeStatus } from './history.ts';
import type { Instance, Message } from './store.ts';

const ENDED = new Set<RuntimeStatus>(['Completed', 'Failed', 'Terminated', 'Canceled']);

export function hasEnded({ state }: Instance): boolean {
  return ENDED.has(state.status);
}

/** The messages that an episode takes, as events. */
export interface Intake {
  readonly taken: readonly number[];
  readonly events: readonly HistoryEvent[];
  readonly terminated: { readonly reason: string | null } | null;
  readonly suspended: boolean;
  /** Whether there is something for the orchestrator, or only to be noted. */
  readonly wakesFunction: boolean;
}

/** Null if the inbox holds nothing that can be taken now. */
export function takeMessages({ inbox, state }: Instance): Intake | null {
  let suspended = state.status === 'Suspended';
  let held: Message[] = [];
  const events: HistoryEvent[] = [];
  for (const message of inbox) {
    const { event } = message;
    if (event.EventType === EventType.ExecutionTerminated) {
      const taken = inbox.map(({ number }) => number);
      const terminated = { reason: event.Input };
      return { taken, events: [event], terminated, suspended: false, wakesFunction: false };
    }
    if (event.EventType === EventType.ExecutionSuspended) suspended = true;
    if (event.EventType === EventType.ExecutionResumed) suspended = false;
    const isControl =
      event.EventType === EventType.ExecutionSuspended ||
      event.EventType === EventType.ExecutionResumed;
    if (suspended && !isControl) held.push(message);
    else events.push(event);
    if (!suspended) {
      events.push(...held.map((late) => late.event));
      held = [];
    }
  }
  const kept = new Set(held);
  const taken = inbox.filter((message) => !kept.has(message)).map(({ number }) => number);
  if (taken.length === 0) return null;
  const wakesFunction = events.some(
    ({ EventType: type }) =>
      type !== EventType.ExecutionSuspended && type !== EventType.ExecutionResumed,
  );
  return { taken, events, terminated: null, suspended, wakesFunction };
}

/** With the event that opens the episode. Its time never moves back, and is not before a timer that has fired. */
export function openEpisode(
  { history }: Instance,
  events: readonly HistoryEvent[],
  now: number,
): HistoryEvent[] {
  let time = now;
  for (const event of [...history, ...events]) {
    if (event.EventType === EventType.OrchestratorStarted)
      time = Math.max(time, Date.parse(event.Timestamp));
    if (event.EventType === EventType.TimerFired) time = Math.max(time, Date.parse(event.FireAt));
  }
  const Timestamp = isoTime(time);
  return [{ EventType: EventType.OrchestratorStarted, EventId: NO_ID, Timestamp }, ...events];
}
