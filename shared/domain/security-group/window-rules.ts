import type { DeviceActivity } from '../window/device-activity.ts';
import { countOf } from '../window/five-tuples.ts';
import { type Measure, WINDOW_RULE_TYPES } from './rule-types.ts';
import { type GroupSet, type TimeWindowRule, groupKey } from './security-group.ts';

/** An enabled rule whose figures are there. */
export interface JudgedRule extends TimeWindowRule {
  readonly measure: Measure;
}

/**
 * The rules that windows of one size are held to, by the group's key. Every group is in it, so that one without rules is not
 * judged by `default`.
 */
export type WindowRules = ReadonlyMap<string, readonly JudgedRule[]>;

const MEASURES: ReadonlyMap<string, Measure> = new Map(
  WINDOW_RULE_TYPES.flatMap(({ ruleType, source }) =>
    source === 'notYet' || source === 'never' ? [] : [[ruleType, source] as const],
  ),
);

/** The sizes of windows that some enabled rule with a source asks for, ascending. */
export function windowSizes({ groups }: GroupSet): readonly number[] {
  const rules = groups.flatMap((group) => judgedRules(group.timeWindowRules));
  return [...new Set(rules.map((rule) => rule.windowMs))].sort((a, b) => a - b);
}

export function windowRules({ groups }: GroupSet, windowMs: number): WindowRules {
  return new Map(
    groups.map((group) => [
      groupKey(group.name),
      judgedRules(group.timeWindowRules).filter((rule) => rule.windowMs === windowMs),
    ]),
  );
}

export function measured(device: DeviceActivity, measure: Measure): number {
  return measure === 'activeConnections' ? countOf(device.tuples) : device.twinUpdates;
}

/** Both bounds are allowed themselves. */
export function isOutside(count: number, { minThreshold, maxThreshold }: JudgedRule): boolean {
  return count < minThreshold || count > maxThreshold;
}

function judgedRules(rules: readonly TimeWindowRule[]): readonly JudgedRule[] {
  return rules.flatMap((rule) => {
    const measure = rule.isEnabled ? MEASURES.get(rule.ruleType) : undefined;
    return measure === undefined ? [] : [{ ...rule, measure }];
  });
}
