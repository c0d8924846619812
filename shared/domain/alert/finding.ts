import type { MatchedIndicator, WarningMatch } from '../indicator/indicator.ts';

/** What a rule found at an address and what it rests on; the activity log keeps it, so it needs no snapshot to be read. */
export interface AddressFinding {
  readonly alertType: string;
  /** The group rule that fired, as `deviceSecurityGroups` names it; null for a threat match. */
  readonly ruleType: string | null;
  /** Canonical text; an IPv4-mapped IPv6 address as its IPv4. */
  readonly address: string;
  /** The indicators in force at the message's time, over all feeds; empty for a group rule. */
  readonly indicators: readonly MatchedIndicator[];
  /** Warning lists that cover the address: the reason for a capped severity. */
  readonly warningLists: readonly WarningMatch[];
}
