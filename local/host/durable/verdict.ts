// What an orchestrator's answer means for its instance.
import { type FailureDetails, type HistoryEvent } from './history.ts';
import type { Answer } from './orchestrator.ts';
import {
  NonDeterminism,
  replay,
  type ReplayContext,
  UnsupportedAction,
  type Walk,
} from './replay.ts';
import type { Instance } from './store.ts';

/** How the instance stands after the episode. */
export type Outcome =
  | { readonly status: 'Running' }
  | { readonly status: 'Completed'; readonly output: unknown }
  | {
      readonly status: 'Failed' | 'Terminated';
      readonly reason: string;
      readonly details: string | null;
      readonly failure: FailureDetails | null;
    }
  | { readonly status: 'ContinuedAsNew'; readonly next: NonNullable<Walk['continueAsNew']> };

export interface Verdict {
  readonly outcome: Outcome;
  readonly walk: Walk | null;
  readonly customStatus: string | null;
  readonly problems: readonly string[];
}

/** In UTF-16, as the extension counts. */
const LONGEST_CUSTOM_STATUS_BYTES = 16 * 1024;

/** A termination asks no orchestrator. */
export function terminated(reason: string | null, { state }: Instance): Verdict {
  const outcome: Outcome = {
    status: 'Terminated',
    reason: reason ?? '',
    details: null,
    failure: null,
  };
  return { outcome, walk: null, customStatus: state.customStatus, problems: [] };
}

/** Nothing but suspensions and resumptions. */
export function undisturbed({ state }: Instance): Verdict {
  const { customStatus } = state;
  return { outcome: { status: 'Running' }, walk: null, customStatus, problems: [] };
}

export function judge(
  instance: Instance,
  fresh: readonly HistoryEvent[],
  answer: Answer,
  knows: ReplayContext['knows'],
): Verdict {
  const { name, instanceId, executionId, parent, history, state } = instance;
  const failed = (error: string, failure: FailureDetails | null = null): Outcome => ({
    status: 'Failed',
    reason: `Orchestrator function '${name}' failed: ${error}`,
    details: `Message: ${error}, StackTrace: `,
    failure,
  });
  const broken = (outcome: Outcome): Verdict => ({
    outcome,
    walk: null,
    customStatus: state.customStatus,
    problems: [],
  });
  if (answer.kind === 'failure') return broken(failed(answer.error));
  const { actions, end } = answer.state;
  const customStatus = answer.state.customStatus ?? null;
  const statusText = customStatus === null ? null : JSON.stringify(customStatus);
  if (statusText !== null && 2 * statusText.length > LONGEST_CUSTOM_STATUS_BYTES)
    return broken(failed('the custom status is longer than 16 KB of UTF-16 JSON text'));
  let walk: Walk;
  try {
    const parentInstanceId = parent?.OrchestrationInstance.InstanceId ?? null;
    const context = { instanceId, executionId, parentInstanceId, knows };
    walk = replay(actions, history, fresh, context);
  } catch (error) {
    if (error instanceof UnsupportedAction) return broken(failed(error.message));
    if (!(error instanceof NonDeterminism)) throw error;
    const { message: reason } = error;
    const outcome = { status: 'Failed', reason, details: reason, failure: null } as const;
    return broken(outcome);
  }
  // An execution that was continued starts with the status that the one before had.
  const carried = history.length === 0 ? state.customStatus : null;
  const verdict = { walk, customStatus: statusText ?? carried, problems: problemsOf(walk, end) };
  if (!walk.complete || end === null || walk.openTasks > 0)
    return { ...verdict, outcome: { status: 'Running' } };
  if (end.kind === 'threw') return { ...verdict, outcome: failed(end.error, end.failure) };
  if (walk.continueAsNew !== null)
    return { ...verdict, outcome: { status: 'ContinuedAsNew', next: walk.continueAsNew } };
  return { ...verdict, outcome: { status: 'Completed', output: end.output } };
}

function problemsOf(walk: Walk, end: object | null): string[] {
  const problems = walk.unknownFunctions.map(
    (name) =>
      `no function is named "${name}": like the real host, this one calls nothing, and the instance stays Running`,
  );
  if (walk.idsMayPart) {
    problems.push(
      'it has gone on after a failure in a Task.all, in which a retry or a long timer is still open. If that takes another ' +
        'task id, results reach the wrong tasks, as they do on the real host',
    );
  }
  const waitsForNothing = walk.openTasks === 0 && walk.eventWaits === 0;
  if (problems.length === 0 && waitsForNothing && !(walk.complete && end !== null)) {
    problems.push(
      'nothing is left that it could wait for, so it stays Running. An orchestrator comes to this that throws an ' +
        'error without a message, or waits for a retry whose retryTimeoutInMilliseconds has passed',
    );
  }
  return problems;
}
