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

/** The input; `open` and `sofar` are there once the orchestration had to wait. */
export interface EvaluateWindowInput {
  readonly window: WindowTask;
  readonly open?: readonly PartitionRef[];
  readonly sofar?: WindowSummary;
}

interface ClosePartition {
  readonly window: WindowTask;
  readonly partition: PartitionRef;
}

interface WindowOutcome {
  readonly window: WindowTask;
  readonly summary: WindowSummary;
}

/** How long a partition is left alone on which something waits to be read. */
const WAIT_MS = 30_000;
const RETRY = new df.RetryOptions(5_000, 8);
RETRY.backoffCoefficient = 2;
RETRY.maxRetryIntervalInMilliseconds = 60_000;

/** Closes a window on every partition, each as soon as nothing of its time waits to be read; then the window is done. */
export const evaluateWindow: OrchestrationHandler = function* (context: OrchestrationContext) {
  const { window, open, sofar = NOTHING_JUDGED } = context.df.getInput() as EvaluateWindowInput;
  const partitions = (open ??
    (yield context.df.callActivityWithRetry(LIST_PARTITIONS, RETRY))) as readonly PartitionRef[];
  const outcomes = (
    partitions.length === 0
      ? []
      : yield context.df.Task.all(
          partitions.map((partition) =>
            context.df.callActivityWithRetry(CLOSE_WINDOW, RETRY, { window, partition }),
          ),
        )
  ) as (WindowSummary | null)[];
  const waiting = partitions.filter((_, i) => outcomes[i] === null);
  const summary = sumOf([sofar, ...outcomes.filter((outcome) => outcome !== null)]);
  if (waiting.length === 0) {
    const unheard = (yield context.df.callActivityWithRetry(JUDGE_UNHEARD, RETRY, {
      window,
      summary,
    })) as WindowSummary;
    const all = sumOf([summary, unheard]);
    yield context.df.callActivityWithRetry(FINISH_WINDOW, RETRY, { window, summary: all });
    return all;
  }
  const until = new Date(context.df.currentUtcDateTime.getTime() + WAIT_MS);
  yield context.df.createTimer(until);
  // Anew, so that hours of waiting do not pile up in the history.
  context.df.continueAsNew({ window, open: waiting, sofar: summary } satisfies EvaluateWindowInput);
  return null;
};

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
  [JUDGE_UNHEARD]: async ({ window, summary }: WindowOutcome) => {
    const { judgeUnheard } = await import('../../shared/pipeline/windows/close-window.ts');
    return judgeUnheard((await services()).windows, window, summary);
  },
  [FINISH_WINDOW]: async ({ window, summary }: WindowOutcome, context: InvocationContext) => {
    const { finishWindow } = await import('../../shared/pipeline/windows/due-windows.ts');
    await finishWindow((await services()).windows, window, summary);
    if (summary.late > 0) context.log('messages came too late for their window', summary);
  },
};
for (const [name, handler] of Object.entries(windowActivities)) df.app.activity(name, { handler });
