import type {
  GroupSet,
  SecurityGroup,
  TimeWindowRule,
} from '../../../shared/domain/security-group/security-group.ts';

export function timeWindowRule(fields: Partial<TimeWindowRule> = {}): TimeWindowRule {
  return {
    ruleType: 'ActiveConnectionsNotInAllowedRange',
    isEnabled: true,
    minThreshold: 0,
    maxThreshold: 10,
    timeWindowSize: 'PT5M',
    windowMs: 300_000,
    ...fields,
  };
}

export function groupOf(name: string, ...rules: readonly TimeWindowRule[]): SecurityGroup {
  return { name, timeWindowRules: rules, allowlistRules: [], denylistRules: [] };
}

export function groupSet(...groups: readonly SecurityGroup[]): GroupSet {
  return { revision: groups.length, groups };
}
