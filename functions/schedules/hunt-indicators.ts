import { type InvocationContext, type Timer, app } from '@azure/functions';
import { services } from '../../shared/wiring.ts';

export async function huntIndicators(_timer: Timer, context: InvocationContext): Promise<void> {
  // Loaded on use: nothing that a cold start of ingest should wait for.
  const { huntIndicators: hunt } = await import('../../shared/pipeline/hunt/hunt-indicators.ts');
  const run = await hunt((await services()).hunts);
  context.log('indicators hunted', run?.summary ?? { taken: 'another run hunts' });
  const { lost = 0 } = run?.summary ?? {};
  if (lost > 0) context.warn('snapshots are lost or damaged, and were not hunted for', { lost });
  const { errors = [] } = run ?? {};
  if (errors.length > 0) throw new AggregateError(errors, `hunts met errors: ${errors.join('; ')}`);
}

app.timer('huntIndicators', { schedule: '%HuntSchedule%', handler: huntIndicators });
