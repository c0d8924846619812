import { type InvocationContext, type Timer, app } from '@azure/functions';
import * as df from 'durable-functions';
import { startOnce } from '../../shared/pipeline/start-once.ts';
import { HUNT_INDICATORS } from '../orchestrations/hunt-indicators.ts';

export async function huntIndicators(_timer: Timer, context: InvocationContext): Promise<void> {
  const started = await startOnce(df.getClient(context), HUNT_INDICATORS, 'hunt', null);
  if (!started) context.log('the hunt before is still on its way');
}

app.timer('huntIndicators', {
  schedule: '%HuntSchedule%',
  extraInputs: [df.input.durableClient()],
  handler: huntIndicators,
});
