import { DEFAULT_GROUP } from './group-name.ts';

/** Counts of a device in a window must lie in `[minThreshold, maxThreshold]`, both included. */
export interface TimeWindowRule {
  readonly ruleType: string;
  readonly isEnabled: boolean;
  readonly minThreshold: number;
  readonly maxThreshold: number;
  /** ISO 8601, as it was written (`PT05M`). */
  readonly timeWindowSize: string;
  readonly windowMs: number;
}

/** Values that the group permits, or forbids, as they were written: for addresses CIDR text of either family. */
export interface ListRule {
  readonly ruleType: string;
  readonly isEnabled: boolean;
  readonly values: readonly string[];
}

/** Devices that share rule settings. Rules that nobody named are not in it; answers list them as disabled. */
export interface SecurityGroup {
  /** As it was written; names compare without case. */
  readonly name: string;
  readonly timeWindowRules: readonly TimeWindowRule[];
  readonly allowlistRules: readonly ListRule[];
  readonly denylistRules: readonly ListRule[];
}

/** All groups at one time. The revision rises with every change of any of them, removals included. */
export interface GroupSet {
  readonly revision: number;
  readonly groups: readonly SecurityGroup[];
}

export const NO_GROUPS: GroupSet = { revision: 0, groups: [] };

/** What groups are looked up by: a name in lower case, without blanks around it (`groupNameOf`). */
export function groupKey(name: string): string {
  return name.trim().toLowerCase();
}

/**
 * The group that judges devices of a stamped group: a name that no group has is judged by `default`; null where there is none
 * either.
 */
export function judgingGroup<G>(groups: ReadonlyMap<string, G>, stamped: string): G | null {
  return groups.get(stamped) ?? groups.get(DEFAULT_GROUP) ?? null;
}
