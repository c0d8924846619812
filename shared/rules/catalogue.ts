import { listedPeer } from './connection/listed-peer.ts';
import { feedHealth } from './platform/feed-health.ts';
import { ingestLag } from './platform/ingest-lag.ts';
import { streamGap } from './platform/stream-gap.ts';
import { outsideRange } from './window/outside-range.ts';
import type { RuleText } from './rule.ts';

const RULES: readonly RuleText[] = [listedPeer, streamGap, feedHealth, ingestLag, ...outsideRange];

/** The text of an alert type; throws for one that no rule of this version raises. */
export function ruleTextOf(alertType: string): RuleText {
  const rule = RULES.find((candidate) => candidate.alertType === alertType);
  if (rule === undefined) throw new Error(`no rule raises the alert type ${alertType}`);
  return rule;
}
