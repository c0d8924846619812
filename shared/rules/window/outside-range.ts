import { WINDOW_RULE_TYPES } from '../../domain/security-group/rule-types.ts';
import type { Severity } from '../../domain/alert/severity.ts';
import type { RuleText } from '../rule.ts';

/** Custom alerts are low in the catalogue: the group's owner knows what a deviation means. */
export const OUTSIDE_RANGE_SEVERITY: Severity = 'low';

/** The alert type of a time-window rule, as the retired service formed it. */
export function alertTypeOf(ruleType: string): string {
  return `IoT_CA_${ruleType}`;
}

/** One text a rule; what a rule counts differs, what to do about it does not. */
export const outsideRange: readonly RuleText[] = WINDOW_RULE_TYPES.map(
  ({ ruleType, displayName, description }) => ({
    alertType: alertTypeOf(ruleType),
    displayName,
    description: `${description} The alert is of one device and one window; bounds are allowed themselves.`,
    limits:
      'A message that comes later than the grace period after its window counts nowhere. What passed while the agent’s cache was full is not reported.',
    remediationSteps: [
      'Compare the count with the bounds, and with the windows before: is the device in the right group, and does the group still describe it?',
      'For too many: the evidence names the addresses that account for most of them. Find out what on the device opens them.',
      'For too few: find out whether the device was off, offline or silenced.',
      'If the figure is normal for this kind of device, change the rule’s bounds (docs/security-groups.md).',
    ],
  }),
);
