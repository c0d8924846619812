import { type InvocationContext, type Timer, app } from '@azure/functions';
import { services } from '../../shared/wiring.ts';

export async function huntIndicators(_timer: Timer, context: InvocationContext): Promise<void> {
  // Loaded on use: nothing that a cold start of ingest should wait for.
  const { huntIndicators: hunt } = await import('../../shared/pipeline/hunt/hunt-indicators.ts');
  const summary = await hunt((await services()).hunts);
  context.log('indicators hunted', summary ?? { taken: 'another run hunts' });
  if (summary !== null && summary.lost > 0) {
    context.warn('snapshots are lost or damaged, and were not hunted for', { lost: summary.lost });
  }
}

app.timer('huntIndicators', { schedule: '%HuntSchedule%', handler: huntIndicators });
