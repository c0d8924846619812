// Security groups for the tests of ingest.
import type {
  GroupSet,
  ListRule,
  SecurityGroup,
} from '../../../shared/domain/security-group/security-group.ts';

export type GroupLists = Partial<Record<'to' | 'from' | 'deny', readonly string[] | null>>;

const RULE_TYPES = {
  to: 'ConnectionToIpNotAllowed',
  from: 'ConnectionFromIpNotAllowed',
  deny: 'DenylistCustomAlertRule',
} as const;

/** A group with the rules whose lists are given. */
export function groupOf(name: string, lists: GroupLists, isEnabled = true): SecurityGroup {
  const rules = (...names: readonly (keyof GroupLists)[]): ListRule[] =>
    names.flatMap((rule) => {
      const values = lists[rule] ?? null;
      return values === null ? [] : [{ ruleType: RULE_TYPES[rule], isEnabled, values }];
    });
  return {
    name,
    timeWindowRules: [],
    allowlistRules: rules('to', 'from'),
    denylistRules: rules('deny'),
  };
}

export function groupSet(...groups: readonly SecurityGroup[]): GroupSet {
  return { revision: 1, groups };
}
