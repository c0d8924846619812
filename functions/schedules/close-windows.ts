import { type InvocationContext, type Timer, app } from '@azure/functions';
import * as df from 'durable-functions';
import { startOnce } from '../../shared/pipeline/start-once.ts';
import { services } from '../../shared/wiring.ts';
import { EVALUATE_WINDOW, type EvaluateWindowInput } from '../orchestrations/evaluate-window.ts';

export async function closeWindows(_timer: Timer, context: InvocationContext): Promise<void> {
  const { dueWindows, windowId } = await import('../../shared/pipeline/windows/due-windows.ts');
  const due = await dueWindows((await services()).windows);
  const client = df.getClient(context);
  let started = 0;
  for (const window of due) {
    const input: EvaluateWindowInput = { window };
    if (await startOnce(client, EVALUATE_WINDOW, windowId(window), input)) started++;
  }
  context.log('windows closed', { due: due.length, started });
}

app.timer('closeWindows', {
  schedule: '%WindowSchedule%',
  extraInputs: [df.input.durableClient()],
  handler: closeWindows,
});
