// The module `@azure/functions-core`, which the Functions runtime puts into every Node worker: where @azure/functions
// leaves what the app registered.
import Module from 'node:module';
import { type HookCallback, Hooks } from './hooks.ts';
import type { HostLog, LogCategory, LogLevel } from './log.ts';
import type { TypedData } from './typed-data.ts';

export interface Binding {
  readonly name?: string;
  readonly type: string;
  readonly direction: 'in' | 'out';
  readonly [option: string]: unknown;
}

export interface RetryOptions {
  readonly retryStrategy: 'fixedDelay' | 'exponentialBackoff';
  readonly maxRetryCount: number;
  readonly delayInterval?: { readonly seconds: number };
  readonly minimumInterval?: { readonly seconds: number };
  readonly maximumInterval?: { readonly seconds: number };
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: RetryOptions;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface RegisteredFunction {
  /** As the worker completes it: with `functionId`, and each binding as the JSON text that the host would index. */
  readonly metadata: FunctionMetadata & { functionId: string; rawBindings: string[] };
  readonly callback: FunctionCallback;
  readonly trigger: TriggerBinding;
}

export interface TriggerBinding extends Binding {
  readonly name: string;
}

export interface RpcException {
  readonly message: string;
  readonly stackTrace: string;
  readonly source: string;
}

/** Of one attempt; the same payload and invocation id go with every attempt. */
export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: RpcException;
}

export interface InvocationRequest {
  readonly invocationId: string;
  readonly inputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly retryContext: RetryContext | null;
}

export interface InvocationResponse {
  readonly invocationId: string;
  readonly outputData: readonly { readonly name: string; readonly data: TypedData }[];
  readonly returnValue?: TypedData | null;
}

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly metadata: RegisteredFunction['metadata'];
  readonly request: InvocationRequest & { readonly functionId: string };
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';
  log(level: LogLevel, category: LogCategory, message: string): void;
}

/** What the library supplies: the way from a request to arguments, and from a result to a response. */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  getCapabilities(
    capabilities: Record<string, string>,
  ): Record<string, string> | Promise<Record<string, string>>;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<InvocationResponse>;
}

/** The worker's own disposable: undoes a registration, once. */
class Disposable {
  #undo: (() => void) | undefined;

  constructor(undo: () => void) {
    this.#undo = undo;
  }

  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    const undo = this.#undo;
    this.#undo = undefined;
    undo?.();
  }
}

export class CoreModule {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly hooks: Hooks;
  model: ProgrammingModel | null = null;
  #locked = false;

  constructor(log: HostLog) {
    this.hooks = new Hooks(log);
  }

  /** Ends the time in which the app may register functions. */
  lock(): void {
    this.#locked = true;
  }

  /** What `require('@azure/functions-core')` gives. */
  exports(): object {
    return {
      version: '3.10.0',
      hostVersion: '4.1037.0.0',
      Disposable,
      registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
        this.#registerFunction(metadata, callback),
      setProgrammingModel: (model: ProgrammingModel) => {
        this.model = model;
      },
      getProgrammingModel: () => this.model,
      registerHook: (name: string, callback: HookCallback) => this.#registerHook(name, callback),
      log: (level: LogLevel, category: LogCategory, message: string) =>
        this.hooks.log({ level, category, message }, {}),
    };
  }

  #registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    const { name, bindings } = metadata;
    if (this.#locked) {
      throw systemError(new Error(`Function "${name}" is registered after the app has started.`));
    }
    if (this.functions.has(name)) {
      throw systemError(new Error(`A function named "${name}" is registered already.`));
    }
    const trigger = Object.entries(bindings).find(([, binding]) => /trigger$/i.test(binding.type));
    if (trigger === undefined) {
      throw systemError(new Error(`Function "${name}" has no trigger.`));
    }
    this.functions.set(name, {
      metadata: {
        ...metadata,
        functionId: name,
        rawBindings: Object.entries(bindings).map(([key, binding]) =>
          JSON.stringify({ ...binding, name: key }),
        ),
      },
      callback,
      trigger: { ...trigger[1], name: trigger[0] },
    });
    return new Disposable(() => {
      if (this.#locked) {
        throw systemError(new Error(`Function "${name}" is disposed after the app has started.`));
      }
      this.functions.delete(name);
    });
  }

  #registerHook(name: string, callback: HookCallback): Disposable {
    const undo = this.hooks.register(name, callback);
    if (undo === null) throw systemError(new RangeError(`There is no hook named "${name}".`));
    return new Disposable(undo);
  }
}

/** The library tells its own errors from the app's by this mark. */
function systemError<E extends Error>(error: E): E {
  return Object.assign(error, { isAzureFunctionsSystemError: true });
}

let installed = false;

/**
 * Answers `require('@azure/functions-core')` from now on. Once per process: @azure/functions keeps the first answer, and
 * an app registers its functions only when its modules load.
 */
export function installCoreModule(log: HostLog): CoreModule {
  if (installed) {
    throw new Error(
      'A Functions app has been started in this process already. One process runs one app, once: start another process.',
    );
  }
  installed = true;
  const core = new CoreModule(log);
  const supplied = core.exports();
  const modules = Module.prototype as { require: (this: unknown, id: string) => unknown };
  const original = modules.require;
  modules.require = function (id) {
    return id === '@azure/functions-core' ? supplied : original.call(this, id);
  };
  return core;
}
