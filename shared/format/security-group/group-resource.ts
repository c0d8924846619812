// A security group as answers show it: all rules there are, also those that nobody named, with the texts that only we write.
import {
  ALLOWLIST_RULE_TYPES,
  DENYLIST_RULE_TYPES,
  type ListRuleType,
  WINDOW_RULE_TYPES,
  type WindowRuleType,
} from '../../domain/security-group/rule-types.ts';
import type { ListRule, SecurityGroup } from '../../domain/security-group/security-group.ts';
import { unnamedListRule, unnamedWindowRule } from './unnamed-rules.ts';

export const GROUP_TYPE = 'Microsoft.Security/deviceSecurityGroups';

interface RuleResource {
  readonly ruleType: string;
  readonly isEnabled: boolean;
  readonly displayName: string;
  readonly description: string;
  /** Not ARM's: where the figures come from (`RuleSource`); `notYet` and `never` say that the rule is not judged. */
  readonly source: string;
}

export interface WindowRuleResource extends RuleResource {
  readonly minThreshold: number;
  readonly maxThreshold: number;
  readonly timeWindowSize: string;
}

export interface ListRuleResource extends RuleResource {
  readonly valueType: string;
  readonly allowlistValues?: readonly string[];
  readonly denylistValues?: readonly string[];
}

export interface GroupResource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Not ARM's: what If-Match takes. */
  readonly etag: string;
  readonly properties: {
    readonly thresholdRules: readonly [];
    readonly timeWindowRules: readonly WindowRuleResource[];
    readonly allowlistRules: readonly ListRuleResource[];
    readonly denylistRules: readonly ListRuleResource[];
  };
}

/** `scope` is the resource id of the hub under which the group was asked for. */
export function groupResource(group: SecurityGroup, scope: string, etag: string): GroupResource {
  const { name, timeWindowRules, allowlistRules, denylistRules } = group;
  const ruleOf = <Rule extends { readonly ruleType: string }>(
    rules: readonly Rule[],
    ruleType: string,
  ) => rules.find((rule) => rule.ruleType === ruleType);
  return {
    id: `${scope}/providers/${GROUP_TYPE}/${name}`,
    name,
    type: GROUP_TYPE,
    etag,
    properties: {
      thresholdRules: [],
      timeWindowRules: WINDOW_RULE_TYPES.map((type) => {
        const { ruleType } = type;
        const rule = ruleOf(timeWindowRules, ruleType) ?? unnamedWindowRule(ruleType);
        const { minThreshold, maxThreshold, timeWindowSize } = rule;
        return { ...common(type, rule), minThreshold, maxThreshold, timeWindowSize };
      }),
      allowlistRules: ALLOWLIST_RULE_TYPES.map((type) => {
        const { ruleType, valueType } = type;
        const rule = ruleOf(allowlistRules, ruleType) ?? unnamedListRule(ruleType);
        return { ...common(type, rule), valueType, allowlistValues: rule.values };
      }),
      // No deny list was ever published, so none is shown that nobody named.
      denylistRules: DENYLIST_RULE_TYPES.flatMap((type): ListRuleResource[] => {
        const rule: ListRule | undefined = ruleOf(denylistRules, type.ruleType);
        if (rule === undefined) return [];
        return [{ ...common(type, rule), valueType: type.valueType, denylistValues: rule.values }];
      }),
    },
  };
}

function common(
  { ruleType, displayName, description, source }: WindowRuleType | ListRuleType,
  { isEnabled }: { readonly isEnabled: boolean },
): RuleResource {
  return { ruleType, isEnabled, displayName, description, source };
}
