import type { FunctionCallback } from './core-module.ts';
import type { HostLog, HostLogEntry } from './log.ts';

export type HookCallback = (context: object) => unknown;
type HookName = 'appStart' | 'appTerminate' | 'preInvocation' | 'postInvocation' | 'log';
type HookData = Record<string, unknown>;

// Writable fields: the library's wrappers write what a hook assigns.
export interface PreInvocation {
  invocationContext: object;
  inputs: unknown[];
  functionCallback: FunctionCallback;
}

export interface PostInvocation {
  invocationContext: object;
  inputs: unknown[];
  result: unknown;
  error: unknown;
}

/** The hooks of the app: run in the order of registration, each awaited. What one throws goes to the caller. */
export class Hooks {
  readonly #hooks: Record<HookName, HookCallback[]> = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  readonly #appHookData: HookData = {};
  readonly #log: HostLog;
  #logging = false;

  constructor(log: HostLog) {
    this.#log = log;
  }

  /** Returns how to undo it; null if there is no such hook. */
  register(name: string, callback: HookCallback): (() => void) | null {
    if (!Object.hasOwn(this.#hooks, name)) return null;
    const hooks = this.#hooks[name as HookName];
    hooks.push(callback);
    return () => {
      hooks.splice(hooks.indexOf(callback), 1);
    };
  }

  /** The hooks change `fields` in place. `hookData` is shared by the hooks of one invocation, or of the app's life. */
  async run(
    name: Exclude<HookName, 'log'>,
    hookData: HookData,
    fields: PreInvocation | PostInvocation | { functionAppDirectory?: string },
  ): Promise<void> {
    const context = this.#withData(hookData, fields);
    for (const hook of this.#hooks[name]) await hook(context);
  }

  /** Log hooks are synchronous, see every line, and may change level and text of the app's own lines. */
  log(entry: HostLogEntry, hookData: HookData, invocationContext?: object): void {
    const { level, message, category } = entry;
    const context = { level, message, category, invocationContext };
    // What a log hook logs itself would otherwise call it again without end.
    if (!this.#logging) {
      this.#logging = true;
      try {
        this.#withData(hookData, context);
        for (const hook of this.#hooks.log) hook(context);
      } finally {
        this.#logging = false;
      }
    }
    const changed = category === 'user' ? { level: context.level, message: context.message } : {};
    this.#log({ ...entry, ...changed });
  }

  #withData<T extends object>(hookData: HookData, fields: T): T {
    // Without a setter, so that replacing the object throws a TypeError.
    return Object.defineProperties(fields, {
      hookData: { get: () => hookData, enumerable: true },
      appHookData: { get: () => this.#appHookData, enumerable: true },
    });
  }
}
