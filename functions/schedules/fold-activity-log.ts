import { type InvocationContext, type Timer, app } from '@azure/functions';
import * as df from 'durable-functions';
import { startOnce } from '../../shared/pipeline/start-once.ts';
import { FOLD_ACTIVITY_LOG } from '../orchestrations/fold-activity-log.ts';

export async function foldActivityLog(_timer: Timer, context: InvocationContext): Promise<void> {
  const started = await startOnce(df.getClient(context), FOLD_ACTIVITY_LOG, 'fold', null);
  if (!started) context.log('the fold before is still on its way');
}

app.timer('foldActivityLog', {
  schedule: '%FoldSchedule%',
  extraInputs: [df.input.durableClient()],
  handler: foldActivityLog,
});
