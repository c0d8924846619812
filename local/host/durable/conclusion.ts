// How an episode of an orchestration ends: what follows from the orchestrator's answer.
import { randomUUID } from 'node:crypto';
import {
  EventType,
  type FailureDetails,
  type HistoryEvent,
  isoTime,
  NO_ID,
  type ParentInstance,
  type RuntimeStatus,
  STATUSES,
} from './history.ts';
import { hasEnded, type Intake } from './intake.ts';
import type { Answer } from './orchestrator.ts';
import {
  type Decision,
  NonDeterminism,
  replay,
  type ReplayContext,
  UnsupportedAction,
  type Walk,
} from './replay.ts';
import type { Change, Instance, InstanceStore } from './store.ts';

export interface Conclusion {
  /** To be committed before anything is done about the rest. */
  readonly changes: readonly Change[];
  /** What the execution goes on with. */
  readonly decisions: readonly Decision[];
  /** Its timers and activities are of no interest any more. */
  readonly executionEnded: boolean;
  /** The instances that get messages. */
  readonly awakened: readonly string[];
  readonly problems: readonly string[];
}

type Outcome =
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
    return { ...broken(outcome), problems: [reason] };
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
  const waitsForNothing = walk.openTasks === 0 && walk.eventWaits === 0;
  if (problems.length === 0 && waitsForNothing && !(walk.complete && end !== null)) {
    problems.push(
      'nothing is left that it could wait for, so it stays Running. An orchestrator comes to this that throws an ' +
        'error without a message, or waits for a retry whose retryTimeoutInMilliseconds has passed',
    );
  }
  return problems;
}

export function conclude(
  store: InstanceStore,
  instance: Instance,
  intake: Intake,
  opened: readonly HistoryEvent[],
  verdict: Verdict,
  now: number,
): Conclusion {
  const { instanceId } = instance;
  const { outcome, walk, customStatus, problems } = verdict;
  const Timestamp = opened[0]!.Timestamp;
  const decisions = walk?.decisions ?? [];
  const completion = completionEvent(outcome, walk?.nextId ?? NO_ID, Timestamp);
  const events: HistoryEvent[] = [
    ...opened,
    ...decisions.map((decision) => decisionEvent(decision, Timestamp)),
    ...(completion === null ? [] : [completion]),
    { EventType: EventType.OrchestratorCompleted, EventId: NO_ID, Timestamp },
  ];
  const append: Change = { op: 'append', instanceId, events };
  const put = (status: RuntimeStatus, output: string | null): Change => ({
    op: 'set',
    instanceId,
    state: { status, output, customStatus, updatedAt: now },
  });
  const take: Change = { op: 'take', instanceId, numbers: [...intake.taken] };
  switch (outcome.status) {
    case 'Running': {
      const created = decisions
        .filter((decision) => decision.kind === 'subOrchestration')
        .map((decision) => createChild(store, instance, decision, now));
      return {
        changes: [take, append, put(standing(instance, intake), null), ...created.flat()],
        decisions,
        executionEnded: false,
        awakened: [instanceId, ...created.flat().map((change) => addressee(change))],
        problems,
      };
    }
    case 'ContinuedAsNew':
      return {
        changes: continueAsNew(store, instance, intake, customStatus, outcome.next, now),
        decisions: [],
        executionEnded: true,
        awakened: [instanceId],
        problems,
      };
    case 'Completed':
    case 'Failed':
    case 'Terminated': {
      const output = outcome.status === 'Completed' ? (outcome.output ?? null) : outcome.reason;
      const everything: Change = {
        op: 'take',
        instanceId,
        numbers: instance.inbox.map(({ number }) => number),
      };
      const told = tellParent(store, instance.parent, outcome, Timestamp);
      const text = output === null ? null : JSON.stringify(output);
      return {
        changes: [everything, append, put(outcome.status, text), ...told],
        decisions: [],
        executionEnded: true,
        awakened: told.map((change) => addressee(change)),
        problems,
      };
    }
  }
}

/** The status of an instance that has not ended. */
function standing({ history }: Instance, { suspended, events }: Intake): RuntimeStatus {
  if (suspended) return 'Suspended';
  const started = [...history, ...events].some(
    ({ EventType: type }) => type === EventType.ExecutionStarted,
  );
  return started ? 'Running' : 'Pending';
}

function addressee(change: Change): string {
  return change.op === 'begin' ? change.head.instanceId : change.instanceId;
}

function decisionEvent(decision: Decision, Timestamp: string): HistoryEvent {
  const stamped = { EventId: decision.id, Timestamp };
  switch (decision.kind) {
    case 'activity': {
      const { name: Name, input } = decision;
      const Input = JSON.stringify(input);
      return { EventType: EventType.TaskScheduled, ...stamped, Name, Version: '', Input };
    }
    case 'timer':
      return { EventType: EventType.TimerCreated, ...stamped, FireAt: isoTime(decision.fireAt) };
    case 'subOrchestration':
      return {
        EventType: EventType.SubOrchestrationInstanceCreated,
        ...stamped,
        InstanceId: decision.instanceId,
        Name: decision.name,
        Version: decision.version,
        Input: JSON.stringify(decision.input),
      };
  }
}

function completionEvent(outcome: Outcome, id: number, Timestamp: string): HistoryEvent | null {
  if (outcome.status === 'Running' || outcome.status === 'ContinuedAsNew') return null;
  const completed = outcome.status === 'Completed';
  return {
    EventType: EventType.ExecutionCompleted,
    EventId: id,
    Timestamp,
    Result: completed ? JSON.stringify(outcome.output ?? null) : outcome.reason,
    OrchestrationStatus: STATUSES.indexOf(outcome.status),
    FailureDetails: completed ? null : outcome.failure,
  };
}

function createChild(
  store: InstanceStore,
  parent: Instance,
  { id, name, version, instanceId, input }: Extract<Decision, { kind: 'subOrchestration' }>,
  now: number,
): Change[] {
  const existing = store.get(instanceId);
  if (existing !== undefined && !hasEnded(existing)) {
    const reason = `An instance with the id '${instanceId}' is there already, and has not ended.`;
    const failed: HistoryEvent = {
      EventType: EventType.SubOrchestrationInstanceFailed,
      EventId: NO_ID,
      Timestamp: isoTime(now),
      TaskScheduledId: id,
      Reason: reason,
      Details: reason,
      FailureDetails: null,
    };
    return [store.sending(parent.instanceId, parent.executionId, failed)];
  }
  return store.beginning(
    {
      instanceId,
      executionId: randomUUID().replaceAll('-', ''),
      name,
      version,
      input: input === null ? null : JSON.stringify(input),
      createdAt: now,
      parent: {
        Name: parent.name,
        Version: parent.version,
        OrchestrationInstance: {
          InstanceId: parent.instanceId,
          ExecutionId: parent.executionId,
        },
        TaskScheduleId: id,
      },
    },
    { status: 'Pending', customStatus: null },
  );
}

/**
 * The same instance with a new history. Events that came after the call go with it, and what is in the inbox still;
 * events that were taken before and never awaited are lost.
 */
function continueAsNew(
  store: InstanceStore,
  instance: Instance,
  { taken, suspended }: Intake,
  customStatus: string | null,
  { input, carriedOver }: NonNullable<Walk['continueAsNew']>,
  now: number,
): Change[] {
  const { instanceId, name, version, parent, inbox } = instance;
  const left = inbox
    .filter(({ number, executionId }) => executionId === null && !taken.includes(number))
    .map(({ event }) => event);
  return [
    ...store.beginning(
      {
        instanceId,
        executionId: randomUUID().replaceAll('-', ''),
        name,
        version,
        input: JSON.stringify(input),
        createdAt: now,
        parent,
      },
      { status: suspended ? 'Suspended' : 'Running', customStatus },
    ),
    ...[...carriedOver, ...left].map((event) => store.sending(instanceId, null, event)),
  ];
}

function tellParent(
  store: InstanceStore,
  parent: ParentInstance | null,
  outcome: Extract<Outcome, { status: 'Completed' | 'Failed' | 'Terminated' }>,
  Timestamp: string,
): Change[] {
  if (parent === null) return [];
  const { InstanceId, ExecutionId } = parent.OrchestrationInstance;
  const waiting = store.get(InstanceId);
  if (waiting?.executionId !== ExecutionId || hasEnded(waiting)) return [];
  const answer = { EventId: NO_ID, Timestamp, TaskScheduledId: parent.TaskScheduleId };
  const event: HistoryEvent =
    outcome.status === 'Completed'
      ? {
          EventType: EventType.SubOrchestrationInstanceCompleted,
          ...answer,
          Result: JSON.stringify(outcome.output ?? null),
        }
      : {
          EventType: EventType.SubOrchestrationInstanceFailed,
          ...answer,
          Reason: outcome.reason,
          // Null for a termination, which the library cannot read: the parent fails by that.
          Details: outcome.details,
          FailureDetails: outcome.failure,
        };
  return [store.sending(InstanceId, ExecutionId, event)];
}
