import { type InvocationContext, type Timer, app } from '@azure/functions';
import * as df from 'durable-functions';
import { services } from '../../shared/wiring.ts';

const KEPT_MS = 7 * 24 * 60 * 60_000;
const ENDED = [
  df.OrchestrationRuntimeStatus.Completed,
  df.OrchestrationRuntimeStatus.Failed,
  df.OrchestrationRuntimeStatus.Terminated,
];

/** Histories of ended orchestrations are of no use but to whoever looks for a fault; what came of them stands elsewhere. */
export async function purgeHistory(_timer: Timer, context: InvocationContext): Promise<void> {
  const { clock } = await services();
  const { instancesDeleted } = await df.getClient(context).purgeInstanceHistoryBy({
    createdTimeFrom: new Date(0),
    createdTimeTo: new Date(clock.now() - KEPT_MS),
    runtimeStatus: ENDED,
  });
  context.log('histories purged', { instancesDeleted });
}

app.timer('purgeHistory', {
  schedule: '0 11 3 * * *',
  extraInputs: [df.input.durableClient()],
  handler: purgeHistory,
});
