// What an orchestrator function answers: every action since its start, and whether it is done.
import { z } from 'zod';
import type { FailureDetails } from './history.ts';

export interface RetryPolicy {
  readonly firstRetryIntervalInMilliseconds: number;
  /** The first one counts. */
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient: number;
  readonly maxRetryIntervalInMilliseconds: number;
  readonly retryTimeoutInMilliseconds: number;
}

export type Action =
  | {
      readonly kind: 'activity';
      readonly name: string;
      readonly input: unknown;
      readonly retry: RetryPolicy | null;
    }
  | {
      readonly kind: 'subOrchestration';
      readonly name: string;
      readonly input: unknown;
      readonly instanceId: string | null;
      readonly version: string;
      readonly retry: RetryPolicy | null;
    }
  | { readonly kind: 'timer'; readonly fireAt: number; readonly isCanceled: boolean }
  | { readonly kind: 'externalEvent'; readonly name: string }
  | { readonly kind: 'continueAsNew'; readonly input: unknown }
  | { readonly kind: 'all' | 'any'; readonly members: readonly Action[] }
  | { readonly kind: 'unsupported'; readonly what: string };

/** The numbers of the library. */
const ACTION = {
  callActivity: 0,
  callActivityWithRetry: 1,
  callSubOrchestrator: 2,
  callSubOrchestratorWithRetry: 3,
  continueAsNew: 4,
  createTimer: 5,
  waitForExternalEvent: 6,
  whenAny: 11,
  whenAll: 12,
} as const;
const UNSUPPORTED: Readonly<Record<number, string>> = {
  7: 'callEntity',
  8: 'callHttp',
  9: 'signalEntity',
  10: 'signalEntity at a time',
  13: 'lock',
  14: 'the release of a lock',
};

// The bounds that the .NET RetryOptions start from.
const retryOptions = z.object({
  firstRetryIntervalInMilliseconds: z.number(),
  maxNumberOfAttempts: z.number(),
  backoffCoefficient: z.number().default(1),
  maxRetryIntervalInMilliseconds: z.number().default(6 * 86_400_000),
  retryTimeoutInMilliseconds: z.number().default(Infinity),
});
const activity = { functionName: z.string(), input: z.unknown().optional() };
const subOrchestration = {
  functionName: z.string(),
  input: z.unknown().optional(),
  instanceId: z.string().nullish(),
  version: z.string().nullish(),
};

const supported = z.discriminatedUnion('actionType', [
  z.object({ actionType: z.literal(ACTION.callActivity), ...activity }),
  z.object({ actionType: z.literal(ACTION.callActivityWithRetry), ...activity, retryOptions }),
  z.object({ actionType: z.literal(ACTION.callSubOrchestrator), ...subOrchestration }),
  z.object({
    actionType: z.literal(ACTION.callSubOrchestratorWithRetry),
    ...subOrchestration,
    retryOptions,
  }),
  z.object({ actionType: z.literal(ACTION.continueAsNew), input: z.unknown().optional() }),
  z.object({
    actionType: z.literal(ACTION.createTimer),
    fireAt: z.iso.datetime().transform((text) => Date.parse(text)),
    isCanceled: z.boolean(),
  }),
  z.object({ actionType: z.literal(ACTION.waitForExternalEvent), externalEventName: z.string() }),
  z.object({
    actionType: z.literal([ACTION.whenAny, ACTION.whenAll]),
    compoundActions: z.array(z.unknown()),
  }),
]);

function parseAction(value: unknown): Action {
  const { actionType } = z.object({ actionType: z.int() }).parse(value);
  const what = UNSUPPORTED[actionType];
  if (what !== undefined) return { kind: 'unsupported', what };
  const action = supported.parse(value);
  switch (action.actionType) {
    case ACTION.callActivity:
    case ACTION.callActivityWithRetry: {
      const { functionName: name, input = null } = action;
      const retry = 'retryOptions' in action ? action.retryOptions : null;
      return { kind: 'activity', name, input, retry };
    }
    case ACTION.callSubOrchestrator:
    case ACTION.callSubOrchestratorWithRetry: {
      const { functionName: name, input = null } = action;
      // An empty id is as good as none, as in .NET.
      const instanceId = action.instanceId || null;
      const retry = 'retryOptions' in action ? action.retryOptions : null;
      const version = action.version ?? '';
      return { kind: 'subOrchestration', name, input, instanceId, version, retry };
    }
    case ACTION.continueAsNew:
      return { kind: 'continueAsNew', input: action.input ?? null };
    case ACTION.createTimer:
      return { kind: 'timer', fireAt: action.fireAt, isCanceled: action.isCanceled };
    case ACTION.waitForExternalEvent:
      return { kind: 'externalEvent', name: action.externalEventName };
    case ACTION.whenAny:
    case ACTION.whenAll: {
      const kind = action.actionType === ACTION.whenAny ? 'any' : 'all';
      return { kind, members: action.compoundActions.map(parseAction) };
    }
  }
}

/** The replay schema that is asked for, and the only one that is understood: compound actions stay whole. */
export const SCHEMA_VERSION = 2;

const orchestratorState = z.object({
  isDone: z.boolean(),
  actions: z.tuple([z.array(z.unknown())]),
  output: z.unknown().optional(),
  error: z.string().optional(),
  customStatus: z.unknown().optional(),
  schemaVersion: z.literal(SCHEMA_VERSION),
  failureDetails: z.record(z.string(), z.unknown()).optional(),
});

export interface OrchestratorState {
  readonly actions: readonly Action[];
  readonly end:
    | { readonly kind: 'returned'; readonly output: unknown }
    | { readonly kind: 'threw'; readonly error: string; readonly failure: FailureDetails | null }
    | null;
  /** Undefined if it has set none, or one that is falsy. */
  readonly customStatus: unknown;
}

export function parseState(value: unknown): OrchestratorState {
  const { actions, isDone, output, error, customStatus, failureDetails } =
    orchestratorState.parse(value);
  const end = error
    ? { kind: 'threw' as const, error, failure: failureDetails ?? null }
    : isDone
      ? { kind: 'returned' as const, output }
      : null;
  return { actions: actions[0].map(parseAction), end, customStatus };
}

/** Where the library puts the state into the message of an orchestrator that failed. */
const STATE_LABEL = '\n\n$OutOfProcData$:';

/** The state that a failed orchestrator function leaves in its error; null if the error is not of its making. */
export function stateInError({ message }: Error): unknown {
  const at = message.indexOf(STATE_LABEL);
  if (at === -1) return null;
  try {
    return JSON.parse(message.slice(at + STATE_LABEL.length));
  } catch {
    return null;
  }
}
