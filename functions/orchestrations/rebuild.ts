import * as df from 'durable-functions';
import type {
  ActivityHandler,
  OrchestrationContext,
  OrchestrationHandler,
} from 'durable-functions';
import type { RebuildSummary } from '../../shared/pipeline/rebuild.ts';
import type { WindowTask } from '../../shared/pipeline/windows/window-plan.ts';
import { services } from '../../shared/wiring.ts';
import { EVALUATE_WINDOW, type EvaluateWindowInput } from './evaluate-window.ts';
import { FOLD_ACTIVITY_LOG } from './fold-activity-log.ts';
import { HUNT_INDICATORS } from './hunt-indicators.ts';

export const REBUILD = 'rebuild';
const FORGET_FOLDS = 'forgetFolds';
const LIST_WINDOWS_MADE_AGAIN = 'listWindowsMadeAgain';
const REMOVE_OLD_RUNS = 'removeOldRuns';

/** How far a rebuild is; the status of the orchestration shows it. */
export interface RebuildProgress {
  readonly step: 'forgetting' | 'folding' | 'windows' | 'hunting' | 'removing' | 'done';
  readonly forgotten: RebuildSummary | null;
  readonly windows: number;
}

const BEGINNING: RebuildProgress = { step: 'forgetting', forgotten: null, windows: 0 };
/** Where another run plans windows at the same moment. */
const WAIT_MS = 10_000;
const RETRY = new df.RetryOptions(5_000, 8);
RETRY.backoffCoefficient = 2;
RETRY.maxRetryIntervalInMilliseconds = 60_000;

/**
 * Makes alerts and runs again from the log alone: forgets, folds, closes windows in order, hunts, and removes the runs that nobody reads
 * any more. A step at a time, then anew.
 */
export const rebuild: OrchestrationHandler = function* (context: OrchestrationContext) {
  const progress = (context.df.getInput() as RebuildProgress | null) ?? BEGINNING;
  context.df.setCustomStatus(progress);
  const goOn = (next: Partial<RebuildProgress>) => {
    context.df.continueAsNew({ ...progress, ...next } satisfies RebuildProgress);
  };
  switch (progress.step) {
    case 'forgetting': {
      const forgotten = yield context.df.callActivityWithRetry(FORGET_FOLDS, RETRY);
      goOn({ step: 'folding', forgotten: forgotten as RebuildSummary });
      return null;
    }
    case 'folding':
      yield context.df.callSubOrchestrator(FOLD_ACTIVITY_LOG, null);
      goOn({ step: 'windows' });
      return null;
    case 'windows': {
      const due = (yield context.df.callActivityWithRetry(LIST_WINDOWS_MADE_AGAIN, RETRY)) as
        | readonly WindowTask[]
        | null;
      if (due === null) {
        goOn({ step: 'hunting' });
        return null;
      }
      if (due.length === 0) {
        yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + WAIT_MS));
      } else {
        yield context.df.Task.all(
          due.map((window) =>
            context.df.callSubOrchestrator(EVALUATE_WINDOW, {
              window,
            } satisfies EvaluateWindowInput),
          ),
        );
      }
      goOn({ windows: progress.windows + due.length });
      return null;
    }
    case 'hunting':
      yield context.df.callSubOrchestrator(HUNT_INDICATORS, null);
      goOn({ step: 'removing' });
      return null;
    case 'removing': {
      const removed = yield context.df.callActivityWithRetry(REMOVE_OLD_RUNS, RETRY);
      goOn(removed === 0 ? { step: 'done' } : {});
      return null;
    }
    case 'done':
      return progress;
  }
};

df.app.orchestration(REBUILD, rebuild);

/** By name. */
export const rebuildActivities: Readonly<Record<string, ActivityHandler>> = {
  [FORGET_FOLDS]: async () => {
    const { forgetFolds } = await import('../../shared/pipeline/rebuild.ts');
    return forgetFolds((await services()).windows);
  },
  [REMOVE_OLD_RUNS]: async () => {
    const { removeOldRuns } = await import('../../shared/pipeline/rebuild.ts');
    return removeOldRuns((await services()).windows);
  },
  [LIST_WINDOWS_MADE_AGAIN]: async () => {
    const { windowsMadeAgain } = await import('../../shared/pipeline/windows/due-windows.ts');
    return windowsMadeAgain((await services()).windows);
  },
};
for (const [name, handler] of Object.entries(rebuildActivities)) df.app.activity(name, { handler });
