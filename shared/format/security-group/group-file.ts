// A security group as a file of our own has it: what was set and nothing else, so that a difference shows what somebody changed.
import type { ListRule, SecurityGroup } from '../../domain/security-group/security-group.ts';
import { GROUP_TYPE } from './group-resource.ts';

export function groupFile(group: SecurityGroup): object {
  return {
    name: group.name,
    type: GROUP_TYPE,
    properties: {
      thresholdRules: [],
      timeWindowRules: group.timeWindowRules.map((rule) => {
        const { ruleType, isEnabled, minThreshold, maxThreshold, timeWindowSize } = rule;
        return { ruleType, isEnabled, minThreshold, maxThreshold, timeWindowSize };
      }),
      allowlistRules: group.allowlistRules.map((rule) => listRule(rule, 'allowlistValues')),
      denylistRules: group.denylistRules.map((rule) => listRule(rule, 'denylistValues')),
    },
  };
}

function listRule({ ruleType, isEnabled, values }: ListRule, field: string): object {
  return { ruleType, isEnabled, [field]: values };
}
