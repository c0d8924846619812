import * as df from 'durable-functions';
import type {
  ActivityHandler,
  OrchestrationContext,
  OrchestrationHandler,
} from 'durable-functions';
import { services } from '../../shared/wiring.ts';

export const HUNT_INDICATORS = 'huntIndicatorsOnce';
const HUNT_A_WHILE = 'huntAWhile';

/** Hunts a while at a time, as long as time was what ended it: where a hunt stands is saved step by step. */
export const huntOnce: OrchestrationHandler = function* (context: OrchestrationContext) {
  const isDone = (yield context.df.callActivity(HUNT_A_WHILE)) as boolean;
  if (!isDone) context.df.continueAsNew(null);
};

df.app.orchestration(HUNT_INDICATORS, huntOnce);

/** By name. */
export const huntActivities: Readonly<Record<string, ActivityHandler>> = {
  [HUNT_A_WHILE]: async (_input: unknown, context) => {
    const { huntIndicators } = await import('../../shared/pipeline/hunt/hunt-indicators.ts');
    const run = await huntIndicators((await services()).hunts);
    context.log('indicators hunted', run?.summary ?? { taken: 'another run hunts' });
    const { lost = 0 } = run?.summary ?? {};
    if (lost > 0) context.warn('snapshots are lost or damaged, and were not hunted for', { lost });
    const { errors = [], timeWasUp = false } = run ?? {};
    if (errors.length > 0)
      throw new AggregateError(errors, `hunts met errors: ${errors.join('; ')}`);
    return !timeWasUp;
  },
};
for (const [name, handler] of Object.entries(huntActivities)) df.app.activity(name, { handler });
