// What an orchestrator function is given, and what its answer says.
import type { InvocationOutcome, Payload } from '../invoker.ts';
import { toError } from '../worker.ts';
import { type OrchestratorState, parseState, SCHEMA_VERSION, stateInError } from './actions.ts';
import { EventType, type HistoryEvent } from './history.ts';
import type { Instance } from './store.ts';

/** The history that stands, and the events of this episode. */
export function orchestratorPayload(instance: Instance, fresh: readonly HistoryEvent[]): Payload {
  const { history, input, instanceId, parent } = instance;
  const value = {
    history: [
      ...history.map((event) => asSent(event, event.EventType !== EventType.OrchestratorStarted)),
      ...fresh.map((event) => asSent(event, false)),
    ],
    input: input === null ? null : JSON.parse(input),
    instanceId,
    // Like IsPlayed of the event ExecutionStarted: false in the first episode alone.
    isReplaying: history.some(({ EventType: type }) => type === EventType.ExecutionStarted),
    parentInstanceId: parent?.OrchestrationInstance.InstanceId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: SCHEMA_VERSION,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
  return { input: { string: JSON.stringify(value) }, triggerMetadata: {} };
}

/** Without the inputs of what was called (`storeInputsInOrchestrationHistory` is off). */
function asSent(event: HistoryEvent, isPlayed: boolean): object {
  const sent = { ...event, IsPlayed: isPlayed };
  switch (sent.EventType) {
    case EventType.TaskScheduled:
    case EventType.SubOrchestrationInstanceCreated:
      return { ...sent, Input: null };
    default:
      return sent;
  }
}

export type Answer =
  | { readonly kind: 'state'; readonly state: OrchestratorState }
  /** Nothing tells what the orchestrator wanted: its error is not of the library's making, or its answer is unreadable. */
  | { readonly kind: 'failure'; readonly error: string };

export function readAnswer(outcome: InvocationOutcome): Answer {
  try {
    const value =
      outcome.status === 'failed'
        ? stateInError(outcome.error)
        : JSON.parse(outcome.response.returnValue?.json ?? 'null');
    if (outcome.status === 'failed' && value === null)
      return { kind: 'failure', error: outcome.error.message };
    return { kind: 'state', state: parseState(value) };
  } catch (error) {
    return { kind: 'failure', error: `its answer cannot be read: ${toError(error).message}` };
  }
}
