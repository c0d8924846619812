// Runs an unmodified Functions app in this process: loads its functions through the core module that the Functions
// runtime would supply, and wakes them by their triggers. docs/local-host.md says what is modelled.
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { type HostClock, SystemHostClock } from './clock.ts';
import { type CoreModule, installCoreModule, type RegisteredFunction } from './core-module.ts';
import { isDurable, TaskHub } from './durable/task-hub.ts';
import { type EventHubAddress, type OpenedEventSource, openEventHubTrigger } from './event-hub.ts';
import { HttpListener, openHttpTrigger, type TlsOptions } from './http.ts';
import { Invoker } from './invoker.ts';
import type { HostLog, HostLogEntry } from './log.ts';
import {
  addToEnvironment,
  type EventHubsJson,
  type HostSettings,
  loadHostSettings,
  loadLocalSettings,
  loadMain,
} from './settings.ts';
import { TimerTrigger } from './timer.ts';
import type { Trigger, TriggerHost } from './trigger.ts';
import { toError, Worker } from './worker.ts';

export type { EventHubAddress, OpenedEventSource } from './event-hub.ts';
export type { HostLogEntry } from './log.ts';

export interface HostOptions {
  /** Where the app's `host.json` and `package.json` are, and `local.settings.json` if there is one. */
  readonly appDirectory: string;
  /** Glob of the modules to load; `main` of the app's `package.json` when omitted. */
  readonly main?: string;
  /** App settings: put into `process.env` where the name is not set yet. They go before those of `local.settings.json`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly clock?: HostClock;
  /** Called once per Event Hub function, with `%NAME%` resolved; `connection` is the name of a setting, or their prefix. */
  openEventSource(trigger: EventHubAddress): Promise<OpenedEventSource>;
  /**
   * Where HTTP functions answer, on the loopback address alone; port 0 takes a free one. No listener when omitted. As
   * under Core Tools `authLevel` is not enforced, unless `keys` are given: then all but `anonymous` ask for one of them.
   * With `tls` they answer on a second port too.
   */
  readonly http?:
    | { readonly port: number; readonly keys?: readonly string[]; readonly tls?: TlsOptions }
    | false;
  /** Where timers remember their last and next run, one file each; in memory when omitted. */
  readonly timerStateDirectory?: string;
  /** Where orchestrations stand, so that the next host goes on with them; in memory when omitted. For one host at a time. */
  readonly durableStateDirectory?: string;
  readonly log: HostLog;
  /** Goes before what `host.json` says. */
  readonly overrides?: { readonly eventHubs?: EventHubsJson };
  /** How long `stop` waits for running invocations, in real time; 10 s when omitted. */
  readonly stopWithinMilliseconds?: number;
}

export interface FunctionsHost {
  readonly functions: readonly HostedFunction[];
  /** `http://127.0.0.1:PORT`, or null without a listener. */
  readonly httpAddress: string | null;
  /** `https://localhost:PORT`, or null without TLS. */
  readonly httpsAddress: string | null;
  /**
   * Resolves when every Event Hub partition has nothing waiting, no orchestration has work that could be done now, and no
   * invocation is running; or when the host has stopped. An orchestration that waits for a timer or an event is idle.
   */
  idle(): Promise<void>;
  /** One invocation of a timer function now, with its retries; waits for one that is running. A failure rejects. */
  runTimer(functionName: string): Promise<void>;
  /**
   * Stops the listeners, cancels retry waits, waits for running invocations, runs the app's appTerminate hooks. A batch
   * that was running is not checkpointed. Stopping twice is stopping once.
   */
  stop(): Promise<void>;
}

export interface HostedFunction {
  readonly name: string;
  /** Binding type: `eventHubTrigger`, `timerTrigger`, `httpTrigger`, ... */
  readonly trigger: string;
  /** What wakes it, in words for a person. */
  readonly detail: string;
}

const STOP_WITHIN_MILLISECONDS = 10_000;

/**
 * Resolves when the app is loaded and its triggers listen; rejects, with nothing left open, if the app cannot be run.
 * Once per process: an app registers its functions only when its modules load.
 */
export async function startFunctionsHost(options: HostOptions): Promise<FunctionsHost> {
  const { appDirectory } = options;
  const settings = await loadHostSettings(appDirectory, options.overrides?.eventHubs);
  const localSettings = await loadLocalSettings(appDirectory);
  const main = options.main ?? (await loadMain(appDirectory));
  const core = installCoreModule(options.log);
  const listener = options.http
    ? await HttpListener.open(options.http.port, options.http.keys, options.http.tls)
    : null;
  // What Core Tools sets.
  addToEnvironment({
    ...localSettings,
    ...options.settings,
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    AzureWebJobsScriptRoot: appDirectory,
    ...(listener === null ? {} : { WEBSITE_HOSTNAME: `localhost:${listener.port}` }),
  });
  const host = new RunningHost(options, settings, core, listener);
  try {
    await host.start(main);
    return host;
  } catch (error) {
    await host.stop();
    throw error;
  }
}

class RunningHost implements FunctionsHost {
  readonly functions: HostedFunction[] = [];
  readonly httpAddress: string | null;
  readonly httpsAddress: string | null;
  readonly #options: HostOptions;
  readonly #settings: HostSettings;
  readonly #core: CoreModule;
  readonly #listener: HttpListener | null;
  readonly #worker: Worker;
  readonly #stopping = new AbortController();
  readonly #surroundings: TriggerHost;
  readonly #triggers: Trigger[] = [];
  readonly #timers = new Map<string, TimerTrigger>();
  #hub: TaskHub | null = null;
  #stopped: Promise<void> | null = null;

  constructor(
    options: HostOptions,
    settings: HostSettings,
    core: CoreModule,
    listener: HttpListener | null,
  ) {
    const { log, clock = new SystemHostClock() } = options;
    this.#options = options;
    this.#settings = settings;
    this.#core = core;
    this.#listener = listener;
    this.httpAddress = listener === null ? null : `http://127.0.0.1:${listener.port}`;
    const tlsPort = listener?.tlsPort ?? null;
    this.httpsAddress = tlsPort === null ? null : `https://localhost:${tlsPort}`;
    this.#worker = new Worker(core);
    const invoker = new Invoker(
      this.#worker,
      settings.functionTimeoutMilliseconds,
      log,
      (binding) => this.#hub?.input(binding) ?? null,
    );
    this.#surroundings = { invoker, clock, stopping: this.#stopping.signal, log };
  }

  async start(main: string): Promise<void> {
    process.on('unhandledRejection', this.#onUnhandledRejection);
    await this.#worker.start(this.#options.appDirectory, main);
    const registrations = [...this.#core.functions.values()];
    if (registrations.some(isDurable)) {
      const { durableStateDirectory = null } = this.#options;
      const { durableTask } = this.#settings;
      this.#hub = await TaskHub.open(
        durableTask,
        durableStateDirectory,
        this.#surroundings,
        this.#listener,
      );
    }
    for (const registered of registrations) await this.#open(registered);
    if (this.functions.length === 0) this.#log('warning', 'The app registered no function.');
    this.#hub?.start();
    for (const trigger of this.#triggers) trigger.start();
    this.#listener?.serve(this.#surroundings);
  }

  async idle(): Promise<void> {
    const { invoker } = this.#surroundings;
    let started: number;
    do {
      // What ran meanwhile may have brought new work to a partition that was found empty.
      started = invoker.started;
      await Promise.all(this.#triggers.map((trigger) => trigger.drained()));
      await invoker.settled();
    } while (invoker.started !== started && !this.#stopping.signal.aborted);
  }

  async runTimer(functionName: string): Promise<void> {
    const timer = this.#timers.get(functionName);
    if (timer === undefined) throw new Error(`There is no timer function named "${functionName}".`);
    await timer.run();
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#listener?.close();
    const ended = Promise.all([
      ...this.#triggers.map((trigger) => trigger.ended()),
      this.#surroundings.invoker.settled(),
    ]);
    const limit = this.#options.stopWithinMilliseconds ?? STOP_WITHIN_MILLISECONDS;
    const alarm = new AbortController();
    const late = wait(limit, 'late', { signal: alarm.signal }).catch(() => null);
    if ((await Promise.race([ended, late])) === 'late') {
      this.#log('warning', `Stopped while invocations were running, after ${limit} ms.`);
    }
    alarm.abort();
    this.#listener?.cut();
    this.#hub?.close();
    try {
      await this.#worker.terminate();
    } catch (error) {
      this.#log('error', `An appTerminate hook failed: ${toError(error).message}`);
    }
    process.off('unhandledRejection', this.#onUnhandledRejection);
  }

  async #open(registered: RegisteredFunction): Promise<void> {
    const { name } = registered.metadata;
    const { type } = registered.trigger;
    // The rule of the .NET host; the name is also part of a path here.
    if (!/^[a-z][\w-]{0,127}$/i.test(name) || name.toLowerCase() === 'host') {
      throw new Error(`"${name}" is not a name that a function may have`);
    }
    try {
      const trigger = await this.#openers[type]?.(registered);
      if (trigger === undefined) {
        this.#log(
          'warning',
          `The local host does not support ${type} yet: nothing wakes "${name}".`,
        );
      } else {
        this.#triggers.push(trigger);
      }
      const detail = trigger?.detail ?? 'not supported by the local host';
      this.functions.push({ name, trigger: type, detail });
    } catch (cause) {
      throw new Error(`function "${name}": ${toError(cause).message}`, { cause });
    }
  }

  /** By binding type of the trigger. */
  readonly #openers: Readonly<
    Record<string, (fn: RegisteredFunction) => Promise<Trigger | undefined>>
  > = {
    eventHubTrigger: (registered) =>
      openEventHubTrigger(registered, this.#surroundings, this.#settings.eventHubs, (address) =>
        this.#options.openEventSource(address),
      ),
    httpTrigger: async (registered) =>
      openHttpTrigger(registered, this.#settings.routePrefix, this.#listener),
    orchestrationTrigger: async (registered) => this.#hub?.openOrchestrator(registered),
    activityTrigger: async (registered) => this.#hub?.openActivity(registered),
    timerTrigger: async (registered) => {
      const directory = this.#options.timerStateDirectory ?? null;
      const timer = await TimerTrigger.open(registered, this.#surroundings, directory);
      this.#timers.set(registered.metadata.name, timer);
      return timer;
    },
  };

  readonly #onUnhandledRejection = (reason: unknown): void => {
    const { message, stack = message } = toError(reason);
    this.#log('error', `Unhandled rejection: ${stack}`);
  };

  #log(level: HostLogEntry['level'], message: string): void {
    this.#options.log({ level, category: 'host', message });
  }
}
