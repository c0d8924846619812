import type { InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import type {
  ActivityHandler,
  OrchestrationContext,
  OrchestrationHandler,
} from 'durable-functions';
import type { WindowTask } from '../../shared/pipeline/windows/window-plan.ts';
import {
  NOTHING_JUDGED,
  type WindowSummary,
  sumOf,
} from '../../shared/pipeline/windows/window-summary.ts';
import type { PartitionRef } from '../../shared/ports/activity-log.ts';
import { services } from '../../shared/wiring.ts';

export const EVALUATE_WINDOW = 'evaluateWindow';
const LIST_PARTITIONS = 'listPartitions';
const CLOSE_WINDOW = 'closeWindow';
const JUDGE_UNHEARD = 'judgeUnheardDevices';
const FINISH_WINDOW = 'finishWindow';

/** The input; what is closed already stands in it once the orchestration had to wait. */
export interface EvaluateWindowInput {
  readonly window: WindowTask;
  readonly closed?: readonly PartitionRef[];
  readonly sofar?: WindowSummary;
}

interface ClosePartition {
  readonly window: WindowTask;
  readonly partition: PartitionRef;
}

interface WindowOutcome {
  readonly window: WindowTask;
  readonly closed: readonly PartitionRef[];
  readonly summary: WindowSummary;
}

/** How long a partition is left alone on which something waits to be read. */
const WAIT_MS = 30_000;
const RETRY = new df.RetryOptions(5_000, 8);
RETRY.backoffCoefficient = 2;
RETRY.maxRetryIntervalInMilliseconds = 60_000;

/** Closes a window on every partition, each as soon as nothing of its time waits to be read; then the window is done. */
export const evaluateWindow: OrchestrationHandler = function* (context: OrchestrationContext) {
  const input = context.df.getInput() as EvaluateWindowInput;
  const { window } = input;
  const closed = [...(input.closed ?? [])];
  const summaries = [input.sofar ?? NOTHING_JUDGED];
  const activity = (name: string, of?: object) => context.df.callActivityWithRetry(name, RETRY, of);
  for (;;) {
    // Listed again when all are closed: one may have appeared while the window waited.
    const partitions = (yield activity(LIST_PARTITIONS)) as readonly PartitionRef[];
    const open = partitions.filter((one) => !closed.some((other) => isSame(one, other)));
    if (open.length === 0) break;
    const outcomes = (yield context.df.Task.all(
      open.map((partition) => activity(CLOSE_WINDOW, { window, partition })),
    )) as (WindowSummary | null)[];
    closed.push(...open.filter((_, i) => outcomes[i] !== null));
    summaries.push(...outcomes.filter((outcome) => outcome !== null));
    if (!outcomes.includes(null)) continue;
    const until = new Date(context.df.currentUtcDateTime.getTime() + WAIT_MS);
    yield context.df.createTimer(until);
    // Anew, so that hours of waiting do not pile up in the history.
    const sofar = sumOf(summaries);
    context.df.continueAsNew({ window, closed, sofar } satisfies EvaluateWindowInput);
    return null;
  }
  const heard = sumOf(summaries);
  const unheard = yield activity(JUDGE_UNHEARD, { window, closed, summary: heard });
  const summary = sumOf([heard, unheard as WindowSummary]);
  yield activity(FINISH_WINDOW, { window, closed, summary });
  return summary;
};

function isSame(a: PartitionRef, b: PartitionRef): boolean {
  return a.stream === b.stream && a.partition === b.partition;
}

df.app.orchestration(EVALUATE_WINDOW, evaluateWindow);

/** By name. */
export const windowActivities: Readonly<Record<string, ActivityHandler>> = {
  [LIST_PARTITIONS]: async () => {
    const { allPartitions } = await import('../../shared/pipeline/windows/progress.ts');
    return allPartitions((await services()).windows);
  },
  [CLOSE_WINDOW]: async ({ window, partition }: ClosePartition) => {
    const { closeWindow } = await import('../../shared/pipeline/windows/close-window.ts');
    return closeWindow((await services()).windows, partition, window);
  },
  [JUDGE_UNHEARD]: async ({ window, closed, summary }: WindowOutcome) => {
    const { judgeUnheard } = await import('../../shared/pipeline/windows/close-window.ts');
    return judgeUnheard((await services()).windows, closed, window, summary);
  },
  [FINISH_WINDOW]: async ({ window, summary }: WindowOutcome, context: InvocationContext) => {
    const { finishWindow } = await import('../../shared/pipeline/windows/due-windows.ts');
    await finishWindow((await services()).windows, window, summary);
    if (summary.late > 0) context.log('messages came too late for their window', summary);
  },
};
for (const [name, handler] of Object.entries(windowActivities)) df.app.activity(name, { handler });
