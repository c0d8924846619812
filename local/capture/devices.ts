// The devices of a replay: those that the capture names, and those of a registry's answer.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { groupNameOf } from '../../shared/domain/security-group/group-name.ts';
import { readDeviceEvent } from '../../shared/format/trigger/device-event.ts';
import type { RegisteredDevice } from '../../shared/pipeline/windows/registered-devices.ts';
import type { CapturedEvent } from './read-capture.ts';

/** As a twin query answers; of the rest nothing is needed yet. */
const TwinList = z.array(
  z.object({
    deviceId: z.string().min(1),
    tags: z.object({ SecurityGroup: z.unknown() }).partial().nullish(),
  }),
);

/** Throws with the place of what is not as a twin query answers. */
export async function readDevices(path: string): Promise<readonly RegisteredDevice[]> {
  const parsed = TwinList.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new Error(`${path}: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`);
  }
  return parsed.data.map(({ deviceId, tags }) => ({
    deviceId,
    securityGroup: groupNameOf(tags?.SecurityGroup),
  }));
}

/** Each device and its group: what its last security message was stamped with, else what the registry says. */
export function devicesOf(
  events: readonly CapturedEvent[],
  registered: readonly RegisteredDevice[],
): ReadonlyMap<string, string> {
  const devices = new Map(registered.map((device) => [device.deviceId, device.securityGroup]));
  for (const { sequenceNumber, time, properties = {}, systemProperties = {}, body } of events) {
    const event = readDeviceEvent(sequenceNumber, time, properties, systemProperties, body);
    const { deviceId, isSecurityMessage, securityGroup } = event;
    if (deviceId !== '' && (isSecurityMessage || !devices.has(deviceId))) {
      devices.set(deviceId, securityGroup);
    }
  }
  return devices;
}
