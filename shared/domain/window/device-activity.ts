import { type FiveTuples, NO_TUPLES, mergedTuples } from './five-tuples.ts';

/** What one device did in a stretch of time. */
export interface DeviceActivity {
  readonly deviceId: string;
  /** Of its latest security message; where it sent none, what its other events say. */
  readonly securityGroup: string;
  /** Of its security messages, repeats and undecodable ones among them; null: it sent none. */
  readonly seen: { readonly first: number; readonly last: number } | null;
  /** When its identity was deleted last; null: it was not. */
  readonly deletedAt: number | null;
  /** Security messages that decode, first copies only. */
  readonly messages: number;
  readonly twinUpdates: number;
  readonly tuples: FiveTuples;
}

/** The activity of one device in two stretches together; `a` comes first where both say the same time. */
export function mergedActivity(a: DeviceActivity, b: DeviceActivity): DeviceActivity {
  return {
    deviceId: a.deviceId,
    securityGroup: latestOf(a, b).securityGroup,
    seen: mergedSeen(a.seen, b.seen),
    deletedAt: a.deletedAt === null ? b.deletedAt : Math.max(a.deletedAt, b.deletedAt ?? -Infinity),
    messages: a.messages + b.messages,
    twinUpdates: a.twinUpdates + b.twinUpdates,
    tuples: mergedTuples(a.tuples, b.tuples),
  };
}

/** That it was there, and nothing of what it did. */
export function withoutCounts(device: DeviceActivity): DeviceActivity {
  return { ...device, messages: 0, twinUpdates: 0, tuples: NO_TUPLES };
}

/** Known is a device from its first message until its identity is deleted; a message after that makes it known again. */
export function isKnown({ seen, deletedAt }: Pick<DeviceActivity, 'seen' | 'deletedAt'>): boolean {
  return seen !== null && seen.last > (deletedAt ?? -Infinity);
}

function latestOf(a: DeviceActivity, b: DeviceActivity): DeviceActivity {
  if (b.seen === null) return a;
  return a.seen === null || b.seen.last >= a.seen.last ? b : a;
}

function mergedSeen(a: DeviceActivity['seen'], b: DeviceActivity['seen']): DeviceActivity['seen'] {
  if (a === null || b === null) return a ?? b;
  return { first: Math.min(a.first, b.first), last: Math.max(a.last, b.last) };
}
