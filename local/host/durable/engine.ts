// Runs orchestrations: episodes of orchestrator functions, the activities they call, and their timers. What happened is
// in the store before anything follows from it, so a host that dies at any point goes on from there.
import { randomUUID } from 'node:crypto';
import type { RegisteredFunction } from '../core-module.ts';
import type { TriggerHost } from '../trigger.ts';
import { toError } from '../worker.ts';
import { activityAnswer, activityPayload } from './activity.ts';
import { conclude } from './conclusion.ts';
import { EventType, type HistoryEvent, isoTime, NO_ID, outstanding } from './history.ts';
import { hasEnded, type Intake, openEpisode, takeMessages } from './intake.ts';
import { orchestratorPayload, readAnswer } from './orchestrator.ts';
import type { Instance, InstanceStore } from './store.ts';
import { judge, terminated, undisturbed, type Verdict } from './verdict.ts';

export interface Limits {
  readonly maxConcurrentActivityFunctions: number;
  readonly maxConcurrentOrchestratorFunctions: number;
}

export interface NewInstance {
  readonly name: string;
  readonly instanceId: string;
  readonly version: string;
  /** JSON text. */
  readonly input: string | null;
}

export type Posted = 'accepted' | 'ended' | 'absent';

interface Activity {
  readonly instanceId: string;
  readonly executionId: string;
  readonly taskId: number;
  readonly name: string;
  readonly input: unknown;
}

export class Engine {
  readonly #store: InstanceStore;
  readonly #host: TriggerHost;
  readonly #limits: Limits;
  /** By name in lower case: .NET does not mind the case of a function's name. */
  readonly #orchestrators = new Map<string, RegisteredFunction>();
  readonly #activities = new Map<string, RegisteredFunction>();
  /** Instances with messages that an episode can take. */
  readonly #runnable = new Set<string>();
  readonly #inEpisode = new Set<string>();
  readonly #waitingActivities: Activity[] = [];
  #runningActivities = 0;
  /** Aborted when the execution that armed them has ended. */
  readonly #timers = new Map<string, AbortController>();
  readonly #reported = new Set<string>();
  #started = false;
  #settling: PromiseWithResolvers<void> | null = null;

  constructor(store: InstanceStore, host: TriggerHost, limits: Limits) {
    this.#store = store;
    this.#host = host;
    this.#limits = limits;
  }

  addOrchestrator(registered: RegisteredFunction): void {
    this.#orchestrators.set(registered.metadata.name.toLowerCase(), registered);
  }

  addActivity(registered: RegisteredFunction): void {
    this.#activities.set(registered.metadata.name.toLowerCase(), registered);
  }

  hasOrchestrator(name: string): boolean {
    return this.#orchestrators.has(name.toLowerCase());
  }

  /** Takes up what the store holds. Starting twice is starting once. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const instance of this.#store.all()) {
      if (hasEnded(instance)) continue;
      this.#runnable.add(instance.instanceId);
      const { activities, timers } = outstanding([
        ...instance.history,
        ...instance.inbox.map(({ event }) => event),
      ]);
      for (const { EventId, Name, Input } of activities) {
        this.#schedule(instance, EventId, Name, Input === null ? null : JSON.parse(Input));
      }
      for (const { EventId, FireAt } of timers) this.#arm(instance, EventId, Date.parse(FireAt));
    }
    this.#pump();
  }

  /** What still runs comes to nothing: the next host does it again. */
  close(): void {
    this.#store.close();
    this.#settling?.resolve();
  }

  /**
   * Resolves when no episode and no activity is running or could run, or the engine is closed. Waiting for a timer or an
   * event is rest.
   */
  async settled(): Promise<void> {
    while (!this.#store.isClosed && this.#isBusy) {
      this.#settling ??= Promise.withResolvers();
      await this.#settling.promise;
    }
  }

  /** The caller has seen to it that the name is an orchestrator's, and that no instance of this id goes on. */
  startNew(instance: NewInstance): void {
    const createdAt = this.#host.clock.now();
    this.#store.commit(
      this.#store.beginning(
        { ...instance, createdAt, parent: null },
        { status: 'Pending', customStatus: null },
      ),
    );
    this.#wake(instance.instanceId);
  }

  raiseEvent(instanceId: string, name: string, input: string): Posted {
    return this.#post(instanceId, { EventType: EventType.EventRaised, Name: name, Input: input });
  }

  terminate(instanceId: string, reason: string | null): Posted {
    return this.#post(instanceId, { EventType: EventType.ExecutionTerminated, Input: reason });
  }

  suspend(instanceId: string, reason: string | null): Posted {
    return this.#post(instanceId, { EventType: EventType.ExecutionSuspended, Input: reason });
  }

  resume(instanceId: string, reason: string | null): Posted {
    return this.#post(instanceId, { EventType: EventType.ExecutionResumed, Input: reason });
  }

  /** Whether the instance was there and had ended. */
  purge(instanceId: string): boolean {
    const instance = this.#store.get(instanceId);
    if (instance === undefined || !hasEnded(instance)) return false;
    this.#store.commit([{ op: 'purge', instanceId }]);
    return true;
  }

  #post(
    instanceId: string,
    message:
      | { EventType: typeof EventType.EventRaised; Name: string; Input: string }
      | {
          EventType:
            | typeof EventType.ExecutionTerminated
            | typeof EventType.ExecutionSuspended
            | typeof EventType.ExecutionResumed;
          Input: string | null;
        },
  ): Posted {
    const instance = this.#store.get(instanceId);
    if (instance === undefined) return 'absent';
    if (hasEnded(instance)) return 'ended';
    const event = { ...message, EventId: NO_ID, Timestamp: isoTime(this.#host.clock.now()) };
    this.#store.commit([this.#store.sending(instanceId, null, event)]);
    this.#wake(instanceId);
    return 'accepted';
  }

  #wake(instanceId: string): void {
    this.#runnable.add(instanceId);
    this.#pump();
  }

  /** Starts whatever can run. Whoever has changed what can run calls this before anything else happens. */
  #pump(): void {
    if (!this.#started || this.#host.stopping.aborted) return;
    for (const instanceId of this.#runnable) {
      if (this.#inEpisode.size >= this.#limits.maxConcurrentOrchestratorFunctions) break;
      // Its messages are looked at again when the episode is over.
      if (this.#inEpisode.has(instanceId)) continue;
      this.#runnable.delete(instanceId);
      this.#startEpisode(instanceId);
    }
    while (this.#runningActivities < this.#limits.maxConcurrentActivityFunctions) {
      const activity = this.#waitingActivities.shift();
      if (activity === undefined) break;
      const registered = this.#activities.get(activity.name.toLowerCase());
      if (registered === undefined) this.#reportUnknown(activity.instanceId, activity.name);
      else void this.#runActivity(registered, activity);
    }
  }

  #startEpisode(instanceId: string): void {
    const instance = this.#store.get(instanceId);
    if (instance === undefined || hasEnded(instance)) return;
    const intake = takeMessages(instance);
    if (intake === null) return;
    const registered = this.#orchestrators.get(instance.name.toLowerCase());
    if (registered === undefined && intake.terminated === null)
      return this.#reportUnknown(instanceId, instance.name);
    void this.#runEpisode(instance, intake, registered);
  }

  async #runEpisode(
    instance: Instance,
    intake: Intake,
    registered: RegisteredFunction | undefined,
  ): Promise<void> {
    const { instanceId } = instance;
    this.#inEpisode.add(instanceId);
    try {
      const opened = openEpisode(instance, intake.events, this.#host.clock.now());
      const verdict = await this.#verdict(instance, intake, opened, registered);
      this.#conclude(instance, intake, opened, verdict);
    } catch (error) {
      // The store cannot be written. The messages stand in it still, for the next host.
      this.#report(instanceId, toError(error).message);
    } finally {
      this.#inEpisode.delete(instanceId);
      this.#pump();
      this.#noteRest();
    }
  }

  /** Only a termination needs no function. */
  async #verdict(
    instance: Instance,
    { terminated: termination, wakesFunction }: Intake,
    opened: readonly HistoryEvent[],
    registered: RegisteredFunction | undefined,
  ): Promise<Verdict> {
    if (termination !== null || registered === undefined)
      return terminated(termination?.reason ?? null, instance);
    if (!wakesFunction) return undisturbed(instance);
    const payload = () => orchestratorPayload(instance, opened);
    const outcome = await this.#host.invoker.run(registered, randomUUID(), payload, null);
    return judge(instance, opened, readAnswer(outcome), (kind, name) =>
      (kind === 'activity' ? this.#activities : this.#orchestrators).has(name.toLowerCase()),
    );
  }

  #conclude(
    instance: Instance,
    intake: Intake,
    opened: readonly HistoryEvent[],
    verdict: Verdict,
  ): void {
    // Too late for this host; the messages stand in the store for the next.
    if (this.#store.isClosed) return;
    const now = this.#host.clock.now();
    const conclusion = conclude(this.#store, instance, intake, opened, verdict, now);
    this.#store.commit(conclusion.changes);
    const { instanceId, name } = instance;
    for (const problem of conclusion.problems) this.#report(instanceId, `"${name}": ${problem}`);
    if (conclusion.executionEnded) this.#forgetTimers(instanceId);
    if (hasEnded(instance)) this.#noteEnd(instance);
    for (const decision of conclusion.decisions) {
      if (decision.kind === 'activity') {
        const { id, name, input } = decision;
        this.#schedule(instance, id, name, input);
      }
      if (decision.kind === 'timer') this.#arm(instance, decision.id, decision.fireAt);
    }
    for (const awakened of conclusion.awakened) this.#runnable.add(awakened);
  }

  #schedule(instance: Instance, taskId: number, name: string, input: unknown): void {
    const { instanceId, executionId } = instance;
    this.#waitingActivities.push({ instanceId, executionId, taskId, name, input });
  }

  async #runActivity(registered: RegisteredFunction, activity: Activity): Promise<void> {
    const { instanceId, executionId, taskId, name, input } = activity;
    this.#runningActivities++;
    try {
      const payload = () => activityPayload(instanceId, input);
      const outcome = await this.#host.invoker.run(registered, randomUUID(), payload, null);
      const answer = activityAnswer(name, taskId, outcome, isoTime(this.#host.clock.now()));
      this.#answer(instanceId, executionId, answer);
    } catch (error) {
      this.#report(instanceId, toError(error).message);
    } finally {
      this.#runningActivities--;
      this.#pump();
      this.#noteRest();
    }
  }

  /** What is due fires at once, so that only what lies ahead needs a clock that moves. */
  #arm({ instanceId, executionId }: Instance, timerId: number, fireAt: number): void {
    const { clock, stopping } = this.#host;
    const fire = () =>
      this.#answer(instanceId, executionId, {
        EventType: EventType.TimerFired,
        EventId: NO_ID,
        Timestamp: isoTime(clock.now()),
        TimerId: timerId,
        FireAt: isoTime(fireAt),
      });
    if (fireAt <= clock.now()) return fire();
    const controller = this.#timers.get(instanceId) ?? new AbortController();
    this.#timers.set(instanceId, controller);
    const fireAndSettle = async () => {
      try {
        fire();
      } catch (error) {
        this.#report(instanceId, toError(error).message);
      }
      await this.settled();
    };
    clock.runAt(fireAt, fireAndSettle, AbortSignal.any([stopping, controller.signal]));
  }

  #forgetTimers(instanceId: string): void {
    this.#timers.get(instanceId)?.abort();
    this.#timers.delete(instanceId);
  }

  /** To a task of this execution; nobody is told of a task whose execution has ended. */
  #answer(instanceId: string, executionId: string, event: HistoryEvent): void {
    const instance = this.#store.get(instanceId);
    if (this.#store.isClosed || instance?.executionId !== executionId || hasEnded(instance)) return;
    this.#store.commit([this.#store.sending(instanceId, executionId, event)]);
    this.#wake(instanceId);
  }

  get #isBusy(): boolean {
    return this.#inEpisode.size > 0 || this.#runningActivities > 0;
  }

  #noteRest(): void {
    if (this.#isBusy) return;
    this.#settling?.resolve();
    this.#settling = null;
  }

  #noteEnd({ instanceId, name, state }: Instance): void {
    const failed = state.status === 'Failed';
    const reason = failed ? `: ${state.output}` : '';
    const message = `Orchestration "${instanceId}" of "${name}": ${state.status}${reason}`;
    this.#host.log({ level: failed ? 'error' : 'information', category: 'host', message });
  }

  /** Of an instance that an earlier host has left, with an app that had the function. */
  #reportUnknown(instanceId: string, name: string): void {
    this.#report(
      instanceId,
      `no function is named "${name}" any more, so the instance stays Running`,
    );
  }

  /** Once, though every episode finds it again. */
  #report(instanceId: string, problem: string): void {
    const message = `Orchestration "${instanceId}": ${problem}`;
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    this.#host.log({ level: 'error', category: 'host', message });
  }
}
