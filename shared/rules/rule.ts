import type { Severity } from '../domain/alert/severity.ts';

/** What people read about an alert type, whatever device it concerns. */
export interface RuleText {
  readonly alertType: string;
  readonly displayName: string;
  readonly description: string;
  /** What the rule cannot see. */
  readonly limits: string;
  readonly remediationSteps: readonly string[];
}

export interface PlatformRule extends RuleText {
  readonly severity: Severity;
}
