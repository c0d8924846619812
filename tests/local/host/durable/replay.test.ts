import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '../../../../local/host/durable/actions.ts';
import { EventType, type HistoryEvent, isoTime } from '../../../../local/host/durable/history.ts';
import {
  NonDeterminism,
  replay,
  type ReplayContext,
  UnsupportedAction,
} from '../../../../local/host/durable/replay.ts';

const START = Date.parse('2026-03-07T10:00:00Z');
const DAY = 86_400_000;
const context: ReplayContext = {
  instanceId: 'i1',
  executionId: 'x1',
  parentInstanceId: null,
  knows: (_, name) => name !== 'absent',
};

const at = (days: number) => ({ EventId: -1, Timestamp: isoTime(START + days * DAY) });
const opened = (days = 0): HistoryEvent => ({
  EventType: EventType.OrchestratorStarted,
  ...at(days),
});
const begun: HistoryEvent = {
  EventType: EventType.ExecutionStarted,
  ...at(0),
  Name: 'story',
  Version: '',
  Input: null,
  OrchestrationInstance: { InstanceId: 'i1', ExecutionId: 'x1' },
  ParentInstance: null,
  Tags: null,
};
const scheduled = (EventId: number, Name = 'work'): HistoryEvent => ({
  EventType: EventType.TaskScheduled,
  ...at(0),
  EventId,
  Name,
  Version: '',
  Input: null,
});
const timerCreated = (EventId: number): HistoryEvent => ({
  EventType: EventType.TimerCreated,
  ...at(0),
  EventId,
  FireAt: isoTime(START),
});
const completed = (TaskScheduledId: number): HistoryEvent => ({
  EventType: EventType.TaskCompleted,
  ...at(0),
  TaskScheduledId,
  Result: null,
});
const failed = (TaskScheduledId: number): HistoryEvent => ({
  EventType: EventType.TaskFailed,
  ...at(0),
  TaskScheduledId,
  Reason: 'r',
  Details: 'd',
  FailureDetails: null,
});
const fired = (TimerId: number): HistoryEvent => ({
  EventType: EventType.TimerFired,
  ...at(0),
  TimerId,
  FireAt: isoTime(START),
});
const raised = (Name: string): HistoryEvent => ({
  EventType: EventType.EventRaised,
  ...at(0),
  Name,
  Input: '1',
});

const work: Action = { kind: 'activity', name: 'work', input: null, retry: null };
const retried: Action = {
  ...work,
  retry: {
    firstRetryIntervalInMilliseconds: 1000,
    maxNumberOfAttempts: 2,
    backoffCoefficient: 1,
    maxRetryIntervalInMilliseconds: DAY,
    retryTimeoutInMilliseconds: Infinity,
  },
};
const timer = (days: number, isCanceled = false): Action => ({
  kind: 'timer',
  fireAt: START + days * DAY,
  isCanceled,
});
const event = (name: string): Action => ({ kind: 'externalEvent', name });
const any = (...members: Action[]): Action => ({ kind: 'any', members });
const all = (...members: Action[]): Action => ({ kind: 'all', members });

const walk = (actions: readonly Action[], ...events: HistoryEvent[]) =>
  replay(actions, [], [opened(), begun, ...events], context);
const idsOf = (...args: Parameters<typeof walk>) =>
  walk(...args).decisions.map(({ id, kind }) => `${id} ${kind}`);

describe('the walk through a history', () => {
  it('takes one action after the other, members of a compound together', () => {
    const actions = [all(work, any(timer(1), event('e')), work), work];
    assert.deepEqual(idsOf(actions), ['0 activity', '1 timer', '2 activity']);
    const history = [scheduled(0), timerCreated(1), scheduled(2), completed(0), raised('e')];
    assert.deepEqual(idsOf(actions, ...history), []);
    assert.deepEqual(idsOf(actions, ...history, completed(2)), ['3 activity']);
    const done = walk(actions, ...history, completed(2), scheduled(3), completed(3));
    assert.deepEqual([done.complete, done.openTasks], [true, 1], 'the timer is open');
  });

  it('gives a retry its ids when the failure comes', () => {
    const actions = [all(retried, retried)];
    const calls = [scheduled(0), scheduled(1)];
    assert.deepEqual(idsOf(actions, ...calls, failed(1), failed(0)), ['2 timer', '3 timer']);
    const again = [...calls, failed(1), timerCreated(2), fired(2)];
    assert.deepEqual(idsOf(actions, ...again, failed(0)), ['3 activity', '4 timer']);
  });

  it('ends a Task.all when all members have ended, however they did', () => {
    const actions = [all(work, work), work];
    const calls = [scheduled(0), scheduled(1)];
    assert.deepEqual(idsOf(actions, ...calls, failed(0)), []);
    assert.deepEqual(idsOf(actions, ...calls, failed(0), completed(1)), ['2 activity']);
  });

  it('takes a cancelled timer for done from its start', () => {
    const { decisions, openTasks } = walk([any(work, timer(1, true)), work]);
    assert.deepEqual(
      decisions.map(({ id, kind }) => `${id} ${kind}`),
      ['0 activity', '1 timer', '2 activity'],
    );
    assert.equal(openTasks, 2);
  });

  it('cannot cancel a long timer of which a slice has fired', () => {
    const slices = [timerCreated(0), opened(3), fired(0), timerCreated(1)];
    assert.deepEqual(walk([timer(10)], ...slices).decisions, []);
    assert.throws(() => walk([timer(10, true)], ...slices), /a timer as task 1.*no such task/);
  });

  it('does not mind the case of an event’s name, nor an answer that comes twice', () => {
    assert.ok(walk([event('Go')], raised('gO')).complete);
    assert.ok(walk([work], scheduled(0), completed(0), completed(0), fired(0)).complete);
  });

  it('gives a call that cannot be made no id, and takes it for ended', () => {
    const absent: Action = { ...work, name: 'absent' };
    const { decisions, unknownFunctions } = walk([any(absent, work), work]);
    assert.deepEqual(
      decisions.map(({ id }) => id),
      [0, 1],
    );
    assert.deepEqual(unknownFunctions, ['absent']);
    const past = replay([absent], [opened(), begun], [opened()], context);
    assert.deepEqual(past.unknownFunctions, [], 'reported once');
  });

  it('carries events over that come after continueAsNew', () => {
    const actions: Action[] = [event('go'), { kind: 'continueAsNew', input: 2 }];
    const { continueAsNew } = walk(actions, raised('early'), raised('go'), raised('late'));
    assert.equal(continueAsNew?.input, 2);
    assert.deepEqual(
      continueAsNew.carriedOver.map(({ Name }) => Name),
      ['late'],
    );
  });

  it('takes ten thousand actions that are done at once', () => {
    const actions = Array.from({ length: 10_000 }, () => timer(1, true));
    assert.equal(walk(actions).decisions.length, 10_000);
  });

  it('refuses what the local host does not model', () => {
    assert.throws(() => walk([{ kind: 'unsupported', what: 'callHttp' }]), UnsupportedAction);
  });
});

describe('a history that the orchestrator does not follow', () => {
  const cases: [string, Action[], HistoryEvent, RegExp][] = [
    ['lacks an action', [], scheduled(0), /has the activity "work" as task 0, .* no such task/],
    ['has another name', [work], scheduled(0, 'other'), /"other" as task 0, .*"work"/],
    ['has another kind', [work], timerCreated(0), /has a timer as task 0, .*"work"/],
    ['has another id', [work], scheduled(1), /task 1, .* no such task/],
    [
      'has another sub-orchestration',
      [timer(1)],
      {
        EventType: EventType.SubOrchestrationInstanceCreated,
        ...at(0),
        EventId: 0,
        Name: 'chapter',
        Version: '',
        Input: null,
        InstanceId: 'c',
      },
      /the sub-orchestration "chapter" as task 0, .* a timer there/,
    ],
  ];
  for (const [situation, actions, confirmed, message] of cases) {
    it(`because it ${situation} is refused`, () => {
      assert.throws(
        () => walk(actions, confirmed),
        (error) => error instanceof NonDeterminism && message.test(error.message),
      );
    });
  }

  it('because it was confirmed before is refused', () => {
    assert.throws(() => walk([work], scheduled(0), scheduled(0)), NonDeterminism);
  });
});
