import * as df from 'durable-functions';
import type {
  ActivityHandler,
  OrchestrationContext,
  OrchestrationHandler,
} from 'durable-functions';
import type { FoldSummary } from '../../shared/pipeline/fold.ts';
import type { PartitionRef } from '../../shared/ports/activity-log.ts';
import { services } from '../../shared/wiring.ts';

export const FOLD_ACTIVITY_LOG = 'foldActivityLogOnce';
const LIST_LOGGED_PARTITIONS = 'listLoggedPartitions';
const FOLD_PARTITION = 'foldPartition';

const RETRY = new df.RetryOptions(2_000, 3);

/**
 * Counts what is new in the log, partition by partition. What fails is done by the next one: each goes on from its own position.
 */
export const foldOnce: OrchestrationHandler = function* (context: OrchestrationContext) {
  const partitions = (yield context.df.callActivityWithRetry(
    LIST_LOGGED_PARTITIONS,
    RETRY,
  )) as readonly PartitionRef[];
  if (partitions.length === 0) return [];
  return (yield context.df.Task.all(
    partitions.map((partition) =>
      context.df.callActivityWithRetry(FOLD_PARTITION, RETRY, partition),
    ),
  )) as readonly FoldSummary[];
};

df.app.orchestration(FOLD_ACTIVITY_LOG, foldOnce);

/** By name. */
export const foldActivities: Readonly<Record<string, ActivityHandler>> = {
  [LIST_LOGGED_PARTITIONS]: async () => (await services()).log.partitions(),
  [FOLD_PARTITION]: async (partition: PartitionRef) => {
    const { foldPartition } = await import('../../shared/pipeline/fold.ts');
    return foldPartition((await services()).fold, partition);
  },
};
for (const [name, handler] of Object.entries(foldActivities)) df.app.activity(name, { handler });
