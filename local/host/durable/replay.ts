// How the extension finds out what an orchestrator wants next. The function answers with every action since its start;
// the host walks through the history and takes the same actions again, one after the other as they complete, and what
// no event of the history confirms is new. Nothing here waits or reads a clock: the same history and actions give the
// same decisions.
import type { Action, RetryPolicy } from './actions.ts';
import { ExternalEvents } from './external-events.ts';
import { EventType, type HistoryEvent } from './history.ts';

export type Decision =
  | {
      readonly kind: 'activity';
      readonly id: number;
      readonly name: string;
      readonly input: unknown;
    }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: number }
  | {
      readonly kind: 'subOrchestration';
      readonly id: number;
      readonly name: string;
      readonly version: string;
      readonly instanceId: string;
      readonly input: unknown;
    };

type EventRaised = Extract<HistoryEvent, { EventType: typeof EventType.EventRaised }>;

export interface Walk {
  /** What is to be done, by id. */
  readonly decisions: readonly Decision[];
  /** Whether every action has been taken and has completed. */
  readonly complete: boolean;
  /** Tasks that have not completed; an instance does not end before them. Waits for external events do not count. */
  readonly openTasks: number;
  readonly eventWaits: number;
  readonly continueAsNew: {
    readonly input: unknown;
    /** Raised after the call, so they belong to the next execution. */
    readonly carriedOver: readonly EventRaised[];
  } | null;
  /**
   * The orchestrator has gone on while the host waits for the rest of a Task.all, and a retry or a long timer in it may
   * still take ids: the library then has other ids than the host.
   */
  readonly idsMayPart: boolean;
  /** The first id that no task has. */
  readonly nextId: number;
  /** Names among the new actions that no function has. */
  readonly unknownFunctions: readonly string[];
}

export interface ReplayContext {
  readonly instanceId: string;
  readonly executionId: string;
  readonly parentInstanceId: string | null;
  knows(kind: 'activity' | 'subOrchestration', name: string): boolean;
}

/** The orchestrator does not do what the history says that it did. */
export class NonDeterminism extends Error {
  readonly code = 'NON_DETERMINISTIC';
}

/** The orchestrator asks for what this host does not model. */
export class UnsupportedAction extends Error {
  readonly code = 'UNSUPPORTED_ACTION';

  constructor(what: string) {
    super(`the local Functions host does not model ${what}`);
  }
}

const DAY = 86_400_000;
/** What the Azure Storage provider takes for one timer, and the slices of a longer one. */
const LONGEST_TIMER = 6 * DAY;
const TIMER_SLICE = 3 * DAY;

export function replay(
  actions: readonly Action[],
  past: readonly HistoryEvent[],
  fresh: readonly HistoryEvent[],
  context: ReplayContext,
): Walk {
  return new Replay(actions, context).walk(past, fresh);
}

/** Tells how a task ended. At once, within the call that took the action, or when an event comes. */
type Done = (failed: boolean) => void;

class Replay {
  readonly #actions: readonly Action[];
  readonly #context: ReplayContext;
  readonly #pending = new Map<number, Decision>();
  readonly #open = new Map<number, Done>();
  readonly #events = new ExternalEvents();
  readonly #carriedOver: EventRaised[] = [];
  readonly #unknown = new Set<string>();
  #continueAsNew: { readonly input: unknown } | null = null;
  #taken = 0;
  #complete = false;
  #nextId = 0;
  /** Open retries and long timers. */
  #idTakers = 0;
  /** `currentUtcDateTime` of the orchestrator. */
  #now = 0;
  #isReplaying = true;

  constructor(actions: readonly Action[], context: ReplayContext) {
    this.#actions = actions;
    this.#context = context;
  }

  walk(past: readonly HistoryEvent[], fresh: readonly HistoryEvent[]): Walk {
    for (const event of past) this.#process(event);
    this.#isReplaying = false;
    for (const event of fresh) this.#process(event);
    return {
      decisions: [...this.#pending.values()].sort((a, b) => a.id - b.id),
      complete: this.#complete,
      openTasks: this.#open.size,
      eventWaits: this.#events.waiting,
      continueAsNew: this.#continueAsNew && {
        input: this.#continueAsNew.input,
        carriedOver: this.#carriedOver,
      },
      idsMayPart: this.#taken < this.#actions.length && this.#idTakers > 0,
      nextId: this.#nextId,
      unknownFunctions: [...this.#unknown],
    };
  }

  #process(event: HistoryEvent): void {
    switch (event.EventType) {
      case EventType.OrchestratorStarted:
        this.#now = Math.max(this.#now, Date.parse(event.Timestamp));
        break;
      case EventType.ExecutionStarted:
        this.#takeActions();
        break;
      case EventType.TaskScheduled:
        this.#confirm(event.EventId, 'activity', event.Name);
        break;
      case EventType.SubOrchestrationInstanceCreated:
        this.#confirm(event.EventId, 'subOrchestration', event.Name);
        break;
      case EventType.TimerCreated:
        this.#confirm(event.EventId, 'timer', null);
        break;
      case EventType.TaskCompleted:
      case EventType.SubOrchestrationInstanceCompleted:
        this.#end(event.TaskScheduledId, false);
        break;
      case EventType.TaskFailed:
      case EventType.SubOrchestrationInstanceFailed:
        this.#end(event.TaskScheduledId, true);
        break;
      case EventType.TimerFired:
        this.#end(event.TimerId, false);
        break;
      case EventType.EventRaised:
        this.#raise(event);
        break;
      default:
        break;
    }
  }

  /** One top-level action at a time; how the one before ended does not matter. */
  #takeActions(): void {
    while (this.#taken < this.#actions.length) {
      let ended = false;
      let waiting = false;
      this.#take(this.#actions[this.#taken++]!, () => {
        ended = true;
        if (waiting) this.#takeActions();
      });
      if (!ended) {
        waiting = true;
        return;
      }
    }
    this.#complete = true;
  }

  #take(action: Action, done: Done): void {
    switch (action.kind) {
      case 'activity':
      case 'subOrchestration': {
        if (!this.#mayCall(action)) return done(true);
        const call = (done: Done) => this.#call(action, done);
        if (action.retry === null) call(done);
        else this.#callWithRetries(call, action.retry, done);
        return;
      }
      case 'timer':
        return this.#startTimer(action, done);
      case 'externalEvent':
        return this.#events.wait(action.name, () => done(false));
      case 'continueAsNew':
        this.#continueAsNew = { input: action.input };
        return done(false);
      case 'all':
      case 'any': {
        // Every member is taken before one can end the whole.
        let missing = action.kind === 'all' ? action.members.length : 1;
        let taken = false;
        const end = () => {
          missing--;
          if (taken && missing === 0) done(false);
        };
        for (const member of action.members) this.#take(member, end);
        taken = true;
        if (missing <= 0) done(false);
        return;
      }
      case 'unsupported':
        throw new UnsupportedAction(action.what);
    }
  }

  /** A call that the extension refuses takes no id, and the orchestrator never hears of it. */
  #mayCall(action: Extract<Action, { kind: 'activity' | 'subOrchestration' }>): boolean {
    if (!this.#context.knows(action.kind, action.name)) {
      if (!this.#isReplaying) this.#unknown.add(action.name);
      return false;
    }
    if (action.kind === 'activity' || action.instanceId === null) return true;
    const id = action.instanceId.toLowerCase();
    const { instanceId, parentInstanceId } = this.#context;
    const own = id === instanceId.toLowerCase() || id === parentInstanceId?.toLowerCase();
    return !own && !id.startsWith('@');
  }

  #call(action: Extract<Action, { kind: 'activity' | 'subOrchestration' }>, done: Done): void {
    const id = this.#nextId++;
    const { name, input } = action;
    this.#decide(
      action.kind === 'activity'
        ? { kind: 'activity', id, name, input }
        : {
            kind: 'subOrchestration',
            id,
            name,
            version: action.version,
            instanceId: action.instanceId ?? `${this.#context.executionId}:${id}`,
            input,
          },
      done,
    );
  }

  #callWithRetries(call: (done: Done) => void, policy: RetryPolicy, done: Done): void {
    const expiresAt = this.#now + policy.retryTimeoutInMilliseconds;
    let attempts = 0;
    this.#idTakers++;
    const end: Done = (failed) => {
      this.#idTakers--;
      done(failed);
    };
    const attempt = () =>
      call((failed) => {
        attempts++;
        // Out of time, there is no timer, which the library waits for: the real instance hangs, and so does this one.
        if (!failed || this.#now >= expiresAt) return end(failed);
        const isLast = attempts >= policy.maxNumberOfAttempts;
        // After the last attempt too the framework creates a timer, as it always did; it is due at once.
        const delay = isLast ? 0 : retryDelay(policy, attempts);
        this.#createTimer(this.#now + delay, () => (isLast ? end(true) : attempt()));
      });
    attempt();
  }

  #startTimer({ fireAt, isCanceled }: Extract<Action, { kind: 'timer' }>, done: Done): void {
    if (isCanceled) return this.#cancelledTimer(fireAt, done);
    if (fireAt - this.#now <= LONGEST_TIMER) return this.#createTimer(fireAt, done);
    this.#idTakers++;
    const nextSlice = () => {
      if (this.#now >= fireAt) {
        this.#idTakers--;
        return done(false);
      }
      this.#createTimer(Math.min(fireAt, this.#now + TIMER_SLICE), nextSlice);
    };
    nextSlice();
  }

  /** It is in the history like any other, but nobody waits for it, from the start of the walk. */
  #cancelledTimer(fireAt: number, done: Done): void {
    const id = this.#nextId;
    const isLong = fireAt - this.#now > LONGEST_TIMER;
    this.#createTimer(isLong ? this.#now + TIMER_SLICE : fireAt, () => {});
    this.#open.delete(id);
    done(true);
  }

  #createTimer(fireAt: number, done: Done): void {
    this.#decide({ kind: 'timer', id: this.#nextId++, fireAt }, done);
  }

  #decide(decision: Decision, done: Done): void {
    this.#pending.set(decision.id, decision);
    this.#open.set(decision.id, done);
  }

  #confirm(id: number, kind: Decision['kind'], name: string | null): void {
    const decision = this.#pending.get(id);
    const did = describe(kind, name);
    const now =
      decision && describe(decision.kind, decision.kind === 'timer' ? null : decision.name);
    if (now !== did) {
      throw new NonDeterminism(
        `Non-Deterministic workflow detected: the history has ${did} as task ${id}, but this execution ` +
          `${now === undefined ? 'has no such task' : `has ${now}`} there. ` +
          'Was the orchestrator changed while the instance was running, or does it not do the same at each replay?',
      );
    }
    this.#pending.delete(id);
  }

  /** What is not open any more has been answered before, or is a timer that was cancelled. */
  #end(id: number, failed: boolean): void {
    const done = this.#open.get(id);
    this.#open.delete(id);
    done?.(failed);
  }

  #raise(event: EventRaised): void {
    if (this.#continueAsNew === null) this.#events.raise(event.Name);
    else this.#carriedOver.push(event);
  }
}

/** Milliseconds before the attempt after attempt number `attempts`, counted from 1. */
function retryDelay(policy: RetryPolicy, attempts: number): number {
  const { firstRetryIntervalInMilliseconds: first, backoffCoefficient } = policy;
  return Math.min(
    first * backoffCoefficient ** (attempts - 1),
    policy.maxRetryIntervalInMilliseconds,
  );
}

function describe(kind: Decision['kind'], name: string | null): string {
  if (kind === 'timer') return 'a timer';
  return kind === 'activity' ? `the activity "${name}"` : `the sub-orchestration "${name}"`;
}
