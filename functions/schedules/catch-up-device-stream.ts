import { type InvocationContext, type Timer, app } from '@azure/functions';
import { services } from '../../shared/wiring.ts';

export async function catchUpDeviceStream(
  _timer: Timer,
  context: InvocationContext,
): Promise<void> {
  const { catchUp, stream } = await services();
  context.log('device stream looked after', await catchUp.run(stream));
}

app.timer('catchUpDeviceStream', { schedule: '%CatchUpSchedule%', handler: catchUpDeviceStream });
