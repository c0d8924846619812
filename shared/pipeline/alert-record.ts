import { type Alert, type FlowSample, foundBy, shownTally } from '../domain/alert/alert.ts';
import { formatInstant } from '../domain/time/instant.ts';
import { ruleTextOf } from '../rules/catalogue.ts';

/** An alert as people and other systems see it: the API, the event and `replay --json` give the same object. */
export function alertRecord(alert: Alert): Record<string, unknown> {
  const text = ruleTextOf(alert.alertType);
  const tally = shownTally(alert);
  return {
    record: 'alert',
    id: alert.id,
    revision: alert.revision,
    alertType: alert.alertType,
    ruleType: alert.ruleType,
    severity: alert.severity,
    status: alert.status,
    deviceId: alert.deviceId,
    moduleId: alert.moduleId,
    securityGroup: alert.securityGroup,
    subject: alert.subject,
    createdAt: formatInstant(alert.createdAt),
    ...(alert.resolvedAt === null ? {} : { resolvedAt: formatInstant(alert.resolvedAt) }),
    ...(tally === null
      ? {}
      : {
          ...tally.totals,
          firstSeen: formatInstant(tally.totals.firstSeen),
          lastSeen: formatInstant(tally.totals.lastSeen),
          foundBy: foundBy(alert),
        }),
    displayName: text.displayName,
    description: text.description,
    evidence:
      tally === null
        ? alert.facts
        : {
            indicators: tally.indicators,
            warningLists: tally.warningLists ?? [],
            snapshot: tally.snapshot,
            ...(tally.groupsRevision === undefined ? {} : { groupsRevision: tally.groupsRevision }),
            direction: tally.direction,
            flows: tally.flows.map(flowRecord),
            flowsLeftOut: tally.totals.connections - tally.flows.length,
          },
    remediationSteps: text.remediationSteps,
  };
}

function flowRecord(flow: FlowSample): Record<string, unknown> {
  return { ...flow, time: formatInstant(flow.time) };
}
