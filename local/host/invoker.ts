import type {
  Binding,
  InvocationRequest,
  InvocationResponse,
  RegisteredFunction,
  RetryContext,
  RpcException,
} from './core-module.ts';
import { stateInError } from './durable/actions.ts';
import type { HostLog } from './log.ts';
import type { TypedData } from './typed-data.ts';
import { toError, type Worker } from './worker.ts';

/** What a trigger hands to a function. */
export interface Payload {
  readonly input: TypedData;
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
}

export type InvocationOutcome =
  | { readonly status: 'succeeded'; readonly response: InvocationResponse }
  | {
      readonly status: 'failed';
      readonly exception: RpcException;
      /** What was thrown, as it was. */
      readonly error: Error;
      readonly timedOut: boolean;
    };

/** The data of an input binding beside the trigger; null if this host does not supply bindings of its type. */
export type ExtraInputs = (binding: Binding) => TypedData | null;

/** Runs single attempts, within functionTimeout, and knows which are running. A failure is an outcome, never a throw. */
export class Invoker {
  readonly #worker: Worker;
  readonly #timeoutMilliseconds: number | null;
  readonly #log: HostLog;
  readonly #extraInputs: ExtraInputs;
  readonly #running = new Set<Promise<unknown>>();
  #started = 0;

  constructor(
    worker: Worker,
    timeoutMilliseconds: number | null,
    log: HostLog,
    extraInputs: ExtraInputs,
  ) {
    this.#worker = worker;
    this.#timeoutMilliseconds = timeoutMilliseconds;
    this.#log = log;
    this.#extraInputs = extraInputs;
  }

  /** Attempts since the start of the host. */
  get started(): number {
    return this.#started;
  }

  /** Until no attempt is running, those that exceeded functionTimeout among them: they cannot be stopped. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  /** The payload is made here, so that one that cannot be made is a failed invocation, as in the .NET host. */
  async run(
    registered: RegisteredFunction,
    invocationId: string,
    payload: () => Payload,
    retryContext: RetryContext | null,
  ): Promise<InvocationOutcome> {
    const functionName = registered.metadata.name;
    const log = (level: 'information' | 'error', message: string) =>
      this.#log({ level, category: 'host', functionName, invocationId, message });
    const startedAt = performance.now();
    this.#started++;
    log('information', `Executing '${functionName}'`);
    try {
      const { input, triggerMetadata } = payload();
      const request: InvocationRequest = {
        invocationId,
        inputData: [
          { name: registered.trigger.name, data: input },
          ...this.#extraInputData(registered),
        ],
        triggerMetadata,
        retryContext,
      };
      const response = await this.#withinTimeout(this.#track(registered, request));
      log('information', `Executed '${functionName}' (Succeeded, ${elapsed(startedAt)})`);
      return { status: 'succeeded', response };
    } catch (thrown) {
      const error = toError(thrown);
      const { message, stack = '' } = error;
      // How the .NET host words a failure of the worker, and what the next attempt finds in its retry context.
      const failure = `Result: Failure\nException: ${message}\nStack: ${stack}`;
      // An orchestrator's carries its state, inputs and all; the engine says why the instance has failed.
      const shown = stateInError(error) === null ? `\n${failure}` : '';
      log('error', `Executed '${functionName}' (Failed, ${elapsed(startedAt)})${shown}`);
      return {
        status: 'failed',
        exception: { message: failure, stackTrace: stack, source: '' },
        error,
        timedOut: thrown instanceof FunctionTimeout,
      };
    }
  }

  #extraInputData({ metadata, trigger }: RegisteredFunction): InvocationRequest['inputData'] {
    return Object.entries(metadata.bindings).flatMap(([name, binding]) => {
      if (binding.direction !== 'in' || name === trigger.name) return [];
      const data = this.#extraInputs(binding);
      return data === null ? [] : [{ name, data }];
    });
  }

  #track(registered: RegisteredFunction, request: InvocationRequest): Promise<InvocationResponse> {
    const running = this.#worker.invoke(registered, request);
    this.#running.add(running);
    const forget = () => this.#running.delete(running);
    running.then(forget, forget);
    return running;
  }

  async #withinTimeout<T>(running: Promise<T>): Promise<T> {
    const limit = this.#timeoutMilliseconds;
    if (limit === null) return running;
    const { promise, reject } = Promise.withResolvers<never>();
    // Node fires at once what is longer than this.
    const timer = setTimeout(
      () => reject(new FunctionTimeout(limit)),
      Math.min(limit, 2 ** 31 - 1),
    );
    try {
      return await Promise.race([running, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

class FunctionTimeout extends Error {
  readonly code = 'FUNCTION_TIMEOUT';

  constructor(limitMilliseconds: number) {
    super(
      `Timeout value of ${limitMilliseconds / 1000} s was exceeded (functionTimeout in host.json)`,
    );
  }
}

function elapsed(since: number): string {
  return `${Math.round(performance.now() - since)} ms`;
}
