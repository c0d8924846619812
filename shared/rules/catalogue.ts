import type { AddressRule } from './connection/address-rule.ts';
import { deniedPeer } from './connection/denied-peer.ts';
import { inboundNotAllowed } from './connection/inbound-not-allowed.ts';
import { listedPeer } from './connection/listed-peer.ts';
import { outboundNotAllowed } from './connection/outbound-not-allowed.ts';
import { feedHealth } from './platform/feed-health.ts';
import { ingestLag } from './platform/ingest-lag.ts';
import { streamGap } from './platform/stream-gap.ts';
import { outsideRange } from './window/outside-range.ts';
import type { RuleText } from './rule.ts';

/** The rules of security groups that ingest judges, connection by connection. */
export const ADDRESS_RULES: readonly AddressRule[] = [
  outboundNotAllowed,
  inboundNotAllowed,
  deniedPeer,
];

const RULES: readonly RuleText[] = [
  listedPeer,
  ...ADDRESS_RULES,
  ...outsideRange,
  streamGap,
  feedHealth,
  ingestLag,
];

/** The text of an alert type; throws for one that no rule of this version raises. */
export function ruleTextOf(alertType: string): RuleText {
  const rule = RULES.find((candidate) => candidate.alertType === alertType);
  if (rule === undefined) throw new Error(`no rule raises the alert type ${alertType}`);
  return rule;
}
