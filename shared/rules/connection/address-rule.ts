import type { Severity } from '../../domain/alert/severity.ts';
import type { Direction } from '../../domain/telemetry/direction.ts';
import type { RuleText } from '../rule.ts';

/** A rule of a security group that holds the remote address of a connection against the group's list. */
export interface AddressRule extends RuleText {
  /** As `deviceSecurityGroups` names it. */
  readonly ruleType: string;
  /** `allow`: an address outside the list breaks the rule; `deny`: one inside it. */
  readonly list: 'allow' | 'deny';
  /** The connections that the rule judges. */
  readonly directions: readonly Direction[];
  readonly severityOf: (direction: Direction) => Severity;
}
