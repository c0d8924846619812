// Runs an orchestrator to its end as the Durable extension would, with the real activities, in one go: timers fire at once, retries are
// left out. What the extension adds (replay, histories, crashes) is tested where it is modelled, in tests/local/host/durable.
import type {
  ActivityHandler,
  OrchestrationContext,
  OrchestrationHandler,
} from 'durable-functions';
import { contextOf } from './trigger-metadata.ts';

export interface Orchestrators {
  readonly orchestrators: Readonly<Record<string, OrchestrationHandler>>;
  readonly activities: Readonly<Record<string, ActivityHandler>>;
  /** Called for each timer, with the time that it was set to. */
  readonly onTimer?: (until: Date) => void;
  /** Throw to fail the activity before it begins. */
  readonly before?: (activity: string, input: unknown) => void;
}

/** What the orchestrator yields: work that is done when it is waited for. */
type Task = () => Promise<unknown>;

interface Run {
  readonly output: unknown;
  readonly logged: unknown[][];
}

export async function orchestrate(
  name: string,
  input: unknown,
  registered: Orchestrators,
): Promise<Run> {
  const logged: unknown[][] = [];
  const output = await run(name, input, registered, logged);
  return { output, logged };
}

async function run(
  name: string,
  input: unknown,
  registered: Orchestrators,
  logged: unknown[][],
): Promise<unknown> {
  let given = input;
  for (;;) {
    const { output, anew } = await runOnce(name, given, registered, logged);
    if (anew === null) return output;
    given = anew.input;
  }
}

async function runOnce(
  name: string,
  input: unknown,
  registered: Orchestrators,
  logged: unknown[][],
): Promise<{ output: unknown; anew: { input: unknown } | null }> {
  const { orchestrators, activities, onTimer, before } = registered;
  const story = orchestrators[name];
  if (story === undefined) throw new Error(`there is no orchestrator ${name}`);
  let anew: { input: unknown } | null = null;
  const activity =
    (called: string, given: unknown): Task =>
    async () => {
      const handler = activities[called];
      if (handler === undefined) throw new Error(`there is no activity ${called}`);
      before?.(called, given);
      const { context, logged: lines } = contextOf(called);
      const result: unknown = await handler(asJson(given), context);
      logged.push(...lines);
      return asJson(result);
    };
  const df = {
    getInput: () => asJson(input),
    callActivity: activity,
    callActivityWithRetry: (called: string, _retry: unknown, given?: unknown) =>
      activity(called, given),
    callSubOrchestrator: (called: string, given: unknown) => () =>
      run(called, given, registered, logged),
    createTimer: (until: Date) => async () => onTimer?.(until),
    currentUtcDateTime: new Date(0),
    continueAsNew: (given: unknown) => {
      anew = { input: given };
    },
    setCustomStatus: () => undefined,
    Task: {
      all: (tasks: readonly Task[]) => () => Promise.all(tasks.map((task) => task())),
    },
  };
  const generator = story({ df } as unknown as OrchestrationContext);
  let step = generator.next();
  while (step.done !== true) {
    try {
      step = generator.next(await (step.value as unknown as Task)());
    } catch (error) {
      step = generator.throw(error);
    }
  }
  return { output: step.value, anew };
}

/** Whatever passes through a history is JSON. */
function asJson(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}
