import { type InvocationContext, type Timer, app } from '@azure/functions';
import { foldActivityLog as fold } from '../../shared/pipeline/fold.ts';
import { services } from '../../shared/wiring.ts';

export async function foldActivityLog(_timer: Timer, context: InvocationContext): Promise<void> {
  context.log('activity log folded', await fold((await services()).fold));
}

app.timer('foldActivityLog', { schedule: '%FoldSchedule%', handler: foldActivityLog });
