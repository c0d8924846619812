// What every device did in every window of a replay, as CSV.
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import type { DeviceActivity } from '../../shared/domain/window/device-activity.ts';
import { countOf } from '../../shared/domain/window/five-tuples.ts';
import { PIECE_MS, type Window, alignedUp } from '../../shared/domain/window/window.ts';
import type { WindowServices } from '../../shared/pipeline/windows/due-windows.ts';
import { mergeActivities } from '../../shared/pipeline/windows/merge-activities.ts';
import { allPartitions } from '../../shared/pipeline/windows/progress.ts';
import { currentGeneration } from '../../shared/pipeline/windows/window-plan.ts';
import { windowActivity } from '../../shared/pipeline/windows/window-activity.ts';

const HEADER =
  'deviceId,securityGroup,windowSeconds,windowStart,windowEnd,messages,distinctConnections\n';

/**
 * `devices` are all devices and the groups of those that sent nothing. Windows are those that lie in the span: of five minutes,
 * and of each size of an enabled rule.
 */
export async function writeCounts(
  path: string,
  services: WindowServices,
  span: Window,
  devices: ReadonlyMap<string, string>,
): Promise<void> {
  const lines: string[] = [];
  const sorted = [...devices].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const size of await sizesOf(services)) {
    const windows: { readonly window: Window; readonly active: Active }[] = [];
    for (let start = alignedUp(span.start, size); start + size <= span.end; start += size) {
      const window = { start, end: start + size };
      windows.push({ window, active: await activeIn(services, window) });
    }
    for (const [device, group] of sorted) {
      const first = windows.find(({ active }) => isSeen(active.get(device)));
      // While it is silent a device belongs where its last message said; before the first one, where that does.
      let current = first?.active.get(device)?.securityGroup ?? group;
      for (const { window, active } of windows) {
        const activity = active.get(device);
        if (isSeen(activity)) current = activity.securityGroup;
        lines.push(lineOf(device, current, window, activity));
      }
    }
  }
  await pipeline(Readable.from([HEADER, ...lines]), createWriteStream(path));
}

async function sizesOf({ groups }: WindowServices): Promise<readonly number[]> {
  const rules = (await groups.current()).groups.flatMap((group) => group.timeWindowRules);
  const sizes = rules.filter(({ isEnabled }) => isEnabled).map(({ windowMs }) => windowMs);
  return [...new Set([PIECE_MS, ...sizes])].sort((a, b) => a - b);
}

/** By device. */
type Active = ReadonlyMap<string, DeviceActivity>;

async function activeIn(services: WindowServices, window: Window): Promise<Active> {
  const generation = await currentGeneration(services);
  const partitions = await allPartitions(services);
  const activities = await Promise.all(
    partitions.map((ref) => windowActivity(services, { ...ref, generation }, window)),
  );
  const active = new Map<string, DeviceActivity>();
  for await (const devices of mergeActivities(activities)) {
    for (const device of devices) active.set(device.deviceId, device);
  }
  return active;
}

function lineOf(
  device: string,
  group: string,
  { start, end }: Window,
  activity: DeviceActivity | undefined,
): string {
  const { messages = 0, tuples } = activity ?? {};
  const cells = [
    quoted(device),
    quoted(group),
    (end - start) / 1000,
    formatInstant(start),
    formatInstant(end),
    messages,
    tuples === undefined ? 0 : countOf(tuples),
  ];
  return `${cells.join(',')}\n`;
}

function isSeen(activity: DeviceActivity | undefined): activity is DeviceActivity {
  return activity !== undefined && activity.seen !== null;
}

/** RFC 4180: ids are opaque text. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
