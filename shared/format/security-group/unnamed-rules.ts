// Rules that nobody named: answers list them all, and a group that is read keeps none of them.
import type { ListRule, TimeWindowRule } from '../../domain/security-group/security-group.ts';

export function unnamedWindowRule(ruleType: string): TimeWindowRule {
  return {
    ruleType,
    isEnabled: false,
    minThreshold: 0,
    maxThreshold: 0,
    timeWindowSize: 'PT15M',
    windowMs: 15 * 60_000,
  };
}

export function unnamedListRule(ruleType: string): ListRule {
  return { ruleType, isEnabled: false, values: [] };
}

export function saysNothing(rule: TimeWindowRule | ListRule): boolean {
  if (rule.isEnabled) return false;
  if ('values' in rule) return rule.values.length === 0;
  return rule.minThreshold === 0 && rule.maxThreshold === 0 && rule.timeWindowSize === 'PT15M';
}
