// The history of an orchestration, as the Durable Task Framework keeps it and the library replays it.
import { z } from 'zod';

export const EventType = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventRaised: 15,
  ContinueAsNew: 16,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

export const STATUSES = [
  'Running',
  'Completed',
  'ContinuedAsNew',
  'Failed',
  'Canceled',
  'Terminated',
  'Pending',
  'Suspended',
] as const;

/** Its number on the wire is its place in `STATUSES`. */
export type RuntimeStatus = (typeof STATUSES)[number];

const orchestrationInstance = z.object({ InstanceId: z.string(), ExecutionId: z.string() });

export const parentInstance = z.object({
  Name: z.string(),
  Version: z.string(),
  OrchestrationInstance: orchestrationInstance,
  /** Of the SubOrchestrationInstanceCreated in the parent. */
  TaskScheduleId: z.int(),
});
export type ParentInstance = z.output<typeof parentInstance>;

/** What an exception properties provider adds to a failure; the library makes a TaskFailedError of it. */
const failureDetails = z.record(z.string(), z.unknown());
export type FailureDetails = z.output<typeof failureDetails>;

const stamped = { EventId: z.int(), Timestamp: z.string() };
const called = { Name: z.string(), Version: z.string(), Input: z.string().nullable() };
const succeeded = { TaskScheduledId: z.int(), Result: z.string().nullable() };
const failed = {
  TaskScheduledId: z.int(),
  Reason: z.string(),
  Details: z.string().nullable(),
  FailureDetails: failureDetails.nullable(),
};
/** `Input` and `Result` are JSON text; the reason of a termination, a suspension or a resumption is plain. */
export const historyEvent = z.discriminatedUnion('EventType', [
  z.object({
    EventType: z.literal(EventType.ExecutionStarted),
    ...stamped,
    ...called,
    OrchestrationInstance: orchestrationInstance,
    ParentInstance: parentInstance.nullable(),
    Tags: z.null(),
  }),
  z.object({
    EventType: z.literal([EventType.ExecutionCompleted, EventType.ContinueAsNew]),
    ...stamped,
    Result: z.string().nullable(),
    OrchestrationStatus: z.int(),
    FailureDetails: failureDetails.nullable(),
  }),
  z.object({ EventType: z.literal(EventType.TaskScheduled), ...stamped, ...called }),
  z.object({ EventType: z.literal(EventType.TaskCompleted), ...stamped, ...succeeded }),
  z.object({ EventType: z.literal(EventType.TaskFailed), ...stamped, ...failed }),
  z.object({
    EventType: z.literal(EventType.SubOrchestrationInstanceCreated),
    ...stamped,
    ...called,
    InstanceId: z.string(),
  }),
  z.object({
    EventType: z.literal(EventType.SubOrchestrationInstanceCompleted),
    ...stamped,
    ...succeeded,
  }),
  z.object({
    EventType: z.literal(EventType.SubOrchestrationInstanceFailed),
    ...stamped,
    ...failed,
  }),
  z.object({ EventType: z.literal(EventType.TimerCreated), ...stamped, FireAt: z.string() }),
  z.object({
    EventType: z.literal(EventType.TimerFired),
    ...stamped,
    TimerId: z.int(),
    FireAt: z.string(),
  }),
  z.object({
    EventType: z.literal([EventType.OrchestratorStarted, EventType.OrchestratorCompleted]),
    ...stamped,
  }),
  z.object({
    EventType: z.literal(EventType.EventRaised),
    ...stamped,
    Name: z.string(),
    Input: z.string(),
  }),
  z.object({
    EventType: z.literal([
      EventType.ExecutionTerminated,
      EventType.ExecutionSuspended,
      EventType.ExecutionResumed,
    ]),
    ...stamped,
    Input: z.string().nullable(),
  }),
]);
export type HistoryEvent = z.output<typeof historyEvent>;

/** The id of an event that answers to another, or to none. */
export const NO_ID = -1;

export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** The calls and timers that nothing has answered yet: their answer is neither history nor waiting to be. */
export function outstanding(events: readonly HistoryEvent[]) {
  const answered = new Set<number>();
  for (const event of events) {
    if ('TaskScheduledId' in event) answered.add(event.TaskScheduledId);
    if (event.EventType === EventType.TimerFired) answered.add(event.TimerId);
  }
  const open = events.filter(({ EventId }) => !answered.has(EventId));
  return {
    activities: open.filter((event) => event.EventType === EventType.TaskScheduled),
    timers: open.filter((event) => event.EventType === EventType.TimerCreated),
  };
}
