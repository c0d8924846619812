// An engine on the fixture app without the rest of the host: the real libraries, a store and a clock of the test's own.
import { setImmediate as turn } from 'node:timers/promises';
import { type HostClock, VirtualHostClock } from '../../../../local/host/clock.ts';
import { installCoreModule } from '../../../../local/host/core-module.ts';
import { Engine } from '../../../../local/host/durable/engine.ts';
import { hasEnded } from '../../../../local/host/durable/intake.ts';
import { type Instance, InstanceStore } from '../../../../local/host/durable/store.ts';
import { Invoker } from '../../../../local/host/invoker.ts';
import { Worker } from '../../../../local/host/worker.ts';
import { appDirectory, Log } from '../support.ts';

export const log = new Log();
const core = installCoreModule(log.add);
const worker = new Worker(core);
process.env['HUB'] = 'Tests';
await worker.start(appDirectory('durable'), 'functions/*.ts');

export const START = Date.parse('2026-03-07T10:00:00Z');
const SETTINGS = { maxConcurrentActivityFunctions: 100, maxConcurrentOrchestratorFunctions: 100 };

export class Harness<Clock extends HostClock = VirtualHostClock> {
  readonly clock: Clock;
  readonly store: InstanceStore;
  readonly engine: Engine;
  readonly #stopping = new AbortController();

  constructor(clock: Clock, store = InstanceStore.open(null), limits = SETTINGS) {
    this.clock = clock;
    this.store = store;
    const invoker = new Invoker(worker, null, log.add, () => null);
    const host = { invoker, clock, stopping: this.#stopping.signal, log: log.add };
    this.engine = new Engine(store, host, limits);
    for (const registered of core.functions.values()) {
      if (registered.trigger.type === 'orchestrationTrigger')
        this.engine.addOrchestrator(registered);
      if (registered.trigger.type === 'activityTrigger') this.engine.addActivity(registered);
    }
    this.engine.start();
  }

  static virtual(store?: InstanceStore, limits = SETTINGS): Harness {
    return new Harness(new VirtualHostClock(START), store, limits);
  }

  start(name: string, instanceId: string, input?: unknown): void {
    const text = input === undefined ? null : JSON.stringify(input);
    this.engine.startNew({ name, instanceId, version: '', input: text });
  }

  /** Starts an orchestration and runs it as far as it comes without time or events. */
  async run(name: string, instanceId: string, input?: unknown) {
    this.start(name, instanceId, input);
    await this.engine.settled();
    return this.status(instanceId);
  }

  async advance(milliseconds: number): Promise<void> {
    const { clock } = this;
    if (!(clock instanceof VirtualHostClock)) throw new Error('not this clock');
    await clock.advanceTo(clock.now() + milliseconds);
    await this.engine.settled();
  }

  get(instanceId: string): Instance {
    const instance = this.store.get(instanceId);
    if (instance === undefined) throw new Error(`there is no ${instanceId}`);
    return instance;
  }

  status(instanceId: string) {
    const { state } = this.get(instanceId);
    const value = (text: string | null) => (text === null ? null : JSON.parse(text));
    return {
      status: state.status,
      output: value(state.output),
      customStatus: value(state.customStatus),
    };
  }

  hasEnded(instanceId: string): boolean {
    return hasEnded(this.get(instanceId));
  }

  /** As a process that dies: what runs comes to nothing. */
  abandon(): void {
    this.#stopping.abort();
    this.store.close();
  }
}

/** Without a real delay all work is done in microtasks, so that none is left after a turn of the event loop. */
export async function stillness(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await turn();
}
