// How an episode of an orchestration ends: what is written down of it, and what is to be done next.
import {
  EventType,
  type HistoryEvent,
  isoTime,
  NO_ID,
  type ParentInstance,
  type RuntimeStatus,
  STATUSES,
} from './history.ts';
import { hasEnded, type Intake } from './intake.ts';
import type { Decision, Walk } from './replay.ts';
import type { Change, Instance, InstanceStore } from './store.ts';
import type { Outcome, Verdict } from './verdict.ts';

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
      const created = createChildren(store, instance, decisions, now);
      return {
        changes: [take, append, put(standing(instance, intake), null), ...created],
        decisions,
        executionEnded: false,
        awakened: [instanceId, ...created.map((change) => addressee(change))],
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

function createChildren(
  store: InstanceStore,
  parent: Instance,
  decisions: readonly Decision[],
  now: number,
): Change[] {
  const created = new Set<string>();
  return decisions.flatMap((decision) => {
    if (decision.kind !== 'subOrchestration') return [];
    const { instanceId } = decision;
    const existing = store.get(instanceId);
    const isFree = existing === undefined || hasEnded(existing);
    if (!isFree || created.has(instanceId)) return [refuseChild(store, parent, decision, now)];
    created.add(instanceId);
    return createChild(store, parent, decision, now);
  });
}

type ChildDecision = Extract<Decision, { kind: 'subOrchestration' }>;

function createChild(
  store: InstanceStore,
  parent: Instance,
  { id, name, version, instanceId, input }: ChildDecision,
  now: number,
): Change[] {
  const { executionId } = parent;
  return store.beginning(
    {
      instanceId,
      name,
      version,
      input: input === null ? null : JSON.stringify(input),
      createdAt: now,
      parent: {
        Name: parent.name,
        Version: parent.version,
        OrchestrationInstance: { InstanceId: parent.instanceId, ExecutionId: executionId },
        TaskScheduleId: id,
      },
    },
    { status: 'Pending', customStatus: null },
  );
}

function refuseChild(
  store: InstanceStore,
  { instanceId, executionId }: Instance,
  child: ChildDecision,
  now: number,
): Change {
  const reason = `An instance with the id '${child.instanceId}' is there already, and has not ended.`;
  return store.sending(instanceId, executionId, {
    EventType: EventType.SubOrchestrationInstanceFailed,
    EventId: NO_ID,
    Timestamp: isoTime(now),
    TaskScheduledId: child.id,
    Reason: reason,
    Details: reason,
    FailureDetails: null,
  });
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
