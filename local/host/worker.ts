// What the Node worker does in a Functions runtime: loads the app's modules and takes an invocation through the library.
import { glob } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type {
  CoreInvocationContext,
  CoreModule,
  InvocationRequest,
  InvocationResponse,
  RegisteredFunction,
} from './core-module.ts';
import type { PostInvocation, PreInvocation } from './hooks.ts';

const CAPABILITIES = [
  'RawHttpBodyBytes',
  'RpcHttpTriggerMetadataRemoved',
  'RpcHttpBodyOnly',
  'IgnoreEmptyValuedRpcHttpHeaders',
  'UseNullableValueDictionaryForHttp',
  'WorkerStatus',
  'TypedDataCollection',
  'HandlesWorkerTerminateMessage',
];

export class Worker {
  readonly #core: CoreModule;
  readonly #appHookData = {};

  constructor(core: CoreModule) {
    this.#core = core;
  }

  /** Loads every module that the glob matches, in order of path. The app may register functions until this is done. */
  async start(appDirectory: string, main: string): Promise<void> {
    const files: string[] = [];
    for await (const file of glob(main, { cwd: appDirectory })) files.push(file);
    if (files.length === 0) {
      throw new Error(`no file matches "${main}" in ${appDirectory}: there is no function to load`);
    }
    for (const file of files.sort()) {
      try {
        await import(pathToFileURL(resolve(appDirectory, file)).href);
      } catch (cause) {
        throw new Error(`cannot load ${file}: ${toError(cause).message}`, { cause });
      }
    }
    await this.#core.hooks.run('appStart', this.#appHookData, {
      functionAppDirectory: appDirectory,
    });
    this.#core.lock();
    const capabilities = await this.#core.model?.getCapabilities(
      Object.fromEntries(CAPABILITIES.map((name) => [name, 'true'])),
    );
    if (capabilities?.['HttpUri'] !== undefined) {
      throw new Error('the app sets enableHttpStream, which the local host does not support');
    }
  }

  async terminate(): Promise<void> {
    await this.#core.hooks.run('appTerminate', this.#appHookData, {});
  }

  /** One attempt. Rejects with an Error for whatever the function, a hook or the conversion of the result threw. */
  async invoke(
    { metadata, callback }: RegisteredFunction,
    request: InvocationRequest,
  ): Promise<InvocationResponse> {
    const { invocationId } = request;
    const { hooks, model } = this.#core;
    if (model === null) throw new Error('no programming model is set: @azure/functions sets it');
    const hookData = {};
    let invocationContext: object | undefined;
    const core: CoreInvocationContext = {
      invocationId,
      metadata,
      request: { ...request, functionId: metadata.functionId },
      log: (level, category, message) => {
        const entry = { level, category, functionName: metadata.name, invocationId, message };
        hooks.log(entry, hookData, invocationContext);
      },
    };
    try {
      const invocation = await model.getInvocationModel(core);
      const given = await invocation.getArguments();
      const { context } = given;
      invocationContext = context;

      core.state = 'preInvocationHooks';
      const before: PreInvocation = {
        invocationContext,
        inputs: given.inputs,
        functionCallback: callback,
      };
      await hooks.run('preInvocation', hookData, before);
      const { inputs, functionCallback } = before;

      core.state = 'invocation';
      const after: PostInvocation = { invocationContext, inputs, result: null, error: null };
      try {
        after.result = await invocation.invokeFunction(context, inputs, functionCallback);
      } catch (error) {
        after.error = error;
      }
      core.state = 'postInvocationHooks';
      await hooks.run('postInvocation', hookData, after);
      if (after.error !== null && after.error !== undefined) throw toError(after.error);
      return await invocation.getResponse(context, after.result);
    } catch (error) {
      throw toError(error);
    }
  }
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
