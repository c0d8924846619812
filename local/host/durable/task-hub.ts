// The durable part of the host: what it keeps, who runs it, and where it is reached.
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import type { Binding, RegisteredFunction } from '../core-module.ts';
import { HttpListener } from '../http.ts';
import { type DurableTaskSettings, resolveSettings } from '../settings.ts';
import type { Trigger, TriggerHost } from '../trigger.ts';
import type { TypedData } from '../typed-data.ts';
import { DurableApi } from './api.ts';
import { clientBinding, type HubAddresses } from './client-binding.ts';
import { Engine } from './engine.ts';
import { InstanceStore } from './store.ts';

const PUBLIC_PATH = 'runtime/webhooks/durabletask';

export class TaskHub {
  readonly #engine: Engine;
  readonly #rpc: HttpListener;
  readonly #host: TriggerHost;
  readonly #client: TypedData;

  /**
   * The library reaches the API on a listener of its own, others on that of the functions if there is one. In memory if
   * the directory is null; no two hosts may share one.
   */
  static async open(
    settings: DurableTaskSettings,
    directory: string | null,
    host: TriggerHost,
    listener: HttpListener | null,
  ): Promise<TaskHub> {
    const store = InstanceStore.open(directory);
    return new TaskHub(settings, store, host, listener, await HttpListener.open(0));
  }

  private constructor(
    settings: DurableTaskSettings,
    store: InstanceStore,
    host: TriggerHost,
    listener: HttpListener | null,
    rpc: HttpListener,
  ) {
    // This listener asks for no key, so its path is one that nobody else knows.
    const rpcPath = `${randomUUID()}/durabletask`;
    const hubName = resolveSettings(
      settings.hubName ?? process.env['WEBSITE_SITE_NAME'] ?? 'TestHubName',
    );
    const addresses: HubAddresses = {
      hubName,
      publicUrl:
        listener === null
          ? `http://localhost:${rpc.port}/${rpcPath}`
          : `http://localhost:${listener.port}/${PUBLIC_PATH}`,
      rpcUrl: `http://127.0.0.1:${rpc.port}/${rpcPath}/`,
      key: listener?.key ?? null,
    };
    // Without it the library takes the management URLs for those of port 7071.
    process.env['WEBSITE_HOSTNAME'] ??= `localhost:${rpc.port}`;
    this.#engine = new Engine(store, host, settings);
    this.#rpc = rpc;
    this.#host = host;
    this.#client = { string: JSON.stringify(clientBinding(addresses)) };
    const api = new DurableApi(store, this.#engine, addresses);
    rpc.mount(rpcPath, (request) => api.answer(request));
    listener?.mount(PUBLIC_PATH, (request) => api.answer(request));
  }

  openOrchestrator(registered: RegisteredFunction): Trigger {
    this.#engine.addOrchestrator(registered);
    return this.#trigger('durable orchestrator');
  }

  openActivity(registered: RegisteredFunction): Trigger {
    this.#engine.addActivity(registered);
    return this.#trigger('durable activity');
  }

  /** Before any function runs, since it may use a client. */
  start(): void {
    // While the host stops too: functions that are not done may need their client.
    this.#rpc.serve({ ...this.#host, stopping: new AbortController().signal });
    this.#engine.start();
  }

  /** What a function is given for a binding beside its trigger; null if it is none of ours. */
  input({ type }: Binding): TypedData | null {
    return isDurableClient(type) ? this.#client : null;
  }

  close(): void {
    this.#rpc.close();
    this.#rpc.cut();
    this.#engine.close();
  }

  #trigger(detail: string): Trigger {
    return {
      detail,
      // The hub wakes it.
      start: () => {},
      ended: () => this.#engine.settled(),
      drained: () => this.#engine.settled(),
    };
  }
}

/** Whether an app with this function needs a task hub. */
export function isDurable({ metadata }: RegisteredFunction): boolean {
  return Object.values(metadata.bindings).some(
    ({ type }) =>
      type === 'orchestrationTrigger' || type === 'activityTrigger' || isDurableClient(type),
  );
}

function isDurableClient(type: string): boolean {
  return type === 'durableClient' || type === 'orchestrationClient';
}
