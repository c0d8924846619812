// The devices that the hub's registry names, as far as somebody has read it: known whether or not they ever sent a message.
import type { DeviceActivity } from '../../domain/window/device-activity.ts';
import { NO_TUPLES } from '../../domain/window/five-tuples.ts';
import { type Activities, readRun, writeRun } from './run-files.ts';
import type { RunServices } from './runs-state.ts';

export interface RegisteredDevice {
  readonly deviceId: string;
  /** As a message enrichment would stamp it (`groupNameOf`). */
  readonly securityGroup: string;
}

const FILE = 'registry/devices';

/** Takes the place of what was read before. `at` is when the registry was read. */
export async function keepRegisteredDevices(
  { runs, codec }: Pick<RunServices, 'runs' | 'codec'>,
  devices: readonly RegisteredDevice[],
  at: number,
): Promise<void> {
  const byId = new Map(devices.map((device) => [device.deviceId, device]));
  const sorted = [...byId.values()].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
  await runs.remove(FILE);
  const header = {
    stream: 'registry',
    partition: 'devices',
    piece: null,
    sliceEnd: at,
    position: null,
    groupsRevision: 0,
  };
  await writeRun(runs, FILE, header, [sorted.map((device) => activityOf(device, at))], codec);
}

/** Null where no registry was read. */
export async function registeredDevices({ runs, codec }: RunServices): Promise<Activities | null> {
  return (await runs.list(FILE)).length === 0 ? null : readRun(runs, FILE, codec);
}

/** Known since then: what was deleted before was registered again. */
function activityOf({ deviceId, securityGroup }: RegisteredDevice, at: number): DeviceActivity {
  return {
    deviceId,
    securityGroup,
    seen: { first: at, last: at },
    deletedAt: null,
    messages: 0,
    twinUpdates: 0,
    tuples: NO_TUPLES,
  };
}
