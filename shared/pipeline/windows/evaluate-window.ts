// Holds the devices of a partition to the rules of their groups in one window. What it finds depends on the log and the groups
// alone, so once or ten times is the same.
import { type WindowFinding, openWindowAlert, windowKey } from '../../domain/alert/alert.ts';
import { foldMapped, formatAddress } from '../../domain/address/address.ts';
import { formatInstant } from '../../domain/time/instant.ts';
import { type GroupSet, judgingGroup } from '../../domain/security-group/security-group.ts';
import {
  type JudgedRule,
  type WindowRules,
  isOutside,
  measured,
  windowRules,
} from '../../domain/security-group/window-rules.ts';
import {
  type DeviceActivity,
  isKnown,
  mergedActivity,
} from '../../domain/window/device-activity.ts';
import { countOf, type FiveTuples, tupleAt } from '../../domain/window/five-tuples.ts';
import type { Window } from '../../domain/window/window.ts';
import type { AlertStore } from '../../ports/alert-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { OUTSIDE_RANGE_SEVERITY, alertTypeOf } from '../../rules/window/outside-range.ts';
import { ALERTS_AT_ONCE, alertIdOf, changeAlert } from '../alerts.ts';
import { atOnce } from '../at-once.ts';
import { partitionKeyOf } from '../../domain/alert/identity.ts';
import { type Joined, joinActivities, mergeActivities } from './merge-activities.ts';
import { registeredDevices } from './registered-devices.ts';
import type { Activities, RunsRef } from './run-files.ts';
import { knownDevices, toldDevices, windowActivity } from './window-activity.ts';
import { NOTHING_JUDGED, type WindowSummary } from './window-summary.ts';
import type { RunServices } from './runs-state.ts';

export interface EvaluationServices extends RunServices {
  readonly alerts: AlertStore;
  readonly clock: Clock;
  readonly hub: string;
}

/** How a partition stands when a window is closed on it. */
export interface PartitionState {
  /**
   * False of a stream that has ended: a failover of the hub gives the stream another name, and devices are silent here for ever.
   */
  readonly isRead: boolean;
  /** Messages of the window may have been destroyed unread. */
  readonly mayHaveLost: boolean;
  readonly isCurrent: IsCurrent;
}

/** False when a rebuild has begun: runs of the window's generation may be removed, and what is missing looks like silence. */
type IsCurrent = () => Promise<boolean>;

/** The runs up to the window's end must be written. */
export async function evaluateWindow(
  services: EvaluationServices,
  ref: RunsRef,
  window: Window,
  groups: GroupSet,
  { isRead, mayHaveLost, isCurrent }: PartitionState,
): Promise<WindowSummary> {
  const rules = windowRules(groups, window.end - window.start);
  const all = [...rules.values()].flat();
  if (all.length === 0) return NOTHING_JUDGED;
  // Who sent nothing counts zero. Where zero is allowed everywhere, only what happened has to be read.
  const isZeroOutside = all.some((rule) => isOutside(0, rule));
  const needsKnown = isRead && isZeroOutside;
  const activity = await windowActivity(services, ref, window);
  const known = needsKnown ? await knownDevices(services, ref, window.end) : nobody();
  // Of what was lost nobody knows whether it was too little; too much is too much all the same.
  const tooFew = needsKnown && !mayHaveLost;
  const joined = joinActivities(activity, known);
  const judged = await judgeAll(services, joined, isCurrent, (one) =>
    judge(one, rules, window, { tooFew, tooMany: true }),
  );
  return { ...judged, mayHaveLost: isZeroOutside && mayHaveLost };
}

/**
 * Devices that the registry names count too, though no partition knows them: those that never sent a message and are not deleted
 * since. After every partition has closed the window and has lost nothing of it; where no registry was read, nobody is judged.
 */
export async function evaluateUnheard(
  services: EvaluationServices,
  refs: readonly RunsRef[],
  window: Window,
  groups: GroupSet,
  isCurrent: IsCurrent,
): Promise<WindowSummary> {
  const rules = windowRules(groups, window.end - window.start);
  const registered = await registeredDevices(services);
  if (registered === null || ![...rules.values()].flat().some((rule) => isOutside(0, rule))) {
    return NOTHING_JUDGED;
  }
  const told: Activities[] = [];
  for (const ref of refs) {
    told.push(await windowActivity(services, ref, window));
    told.push(await toldDevices(services, ref, window.end));
  }
  const joined = joinActivities(mergeActivities(told), registered);
  return judgeAll(services, joined, isCurrent, (one) => {
    const isJudged = one.right === null || (one.left !== null && isKnown(one.left));
    // Too much was told where it was counted.
    return isJudged ? null : judge(one, rules, window, { tooFew: true, tooMany: false });
  });
}

async function judgeAll(
  services: EvaluationServices,
  joined: AsyncIterable<readonly Joined[]>,
  isCurrent: IsCurrent,
  verdict: (one: Joined) => readonly WindowFinding[] | null,
): Promise<WindowSummary> {
  let devices = 0;
  let alerts = 0;
  for await (const batch of joined) {
    const findings: WindowFinding[] = [];
    for (const one of batch) {
      const found = verdict(one);
      if (found !== null) devices++;
      findings.push(...(found ?? []));
    }
    if (findings.length > 0 && !(await isCurrent())) return NOTHING_JUDGED;
    await raise(services, findings);
    alerts += findings.length;
  }
  return { ...NOTHING_JUDGED, devices, alerts };
}

/** Null where no rule concerns the device. `left` is what it did in the window, `right` that it is known. */
function judge(
  { left, right }: Joined,
  rules: WindowRules,
  window: Window,
  judges: { readonly tooFew: boolean; readonly tooMany: boolean },
): WindowFinding[] | null {
  const device = left ?? right!;
  // A device that sent no message in the window belongs where its last one said.
  const isSilent = left === null || left.seen === null;
  const { securityGroup } = isSilent && right !== null ? right : device;
  const own = judgingGroup(rules, securityGroup) ?? [];
  if (own.length === 0) return null;
  const isThere = left === null || isKnown(right === null ? left : mergedActivity(right, left));
  const tooFew = judges.tooFew && isThere;
  return own.flatMap((rule) => {
    const count = measured(device, rule.measure);
    const isTold = count < rule.minThreshold ? tooFew : judges.tooMany;
    if (!isOutside(count, rule) || !isTold) return [];
    return [findingOf(device, securityGroup, rule, count, window)];
  });
}

function findingOf(
  device: DeviceActivity,
  securityGroup: string,
  rule: JudgedRule,
  count: number,
  { start, end }: Window,
): WindowFinding {
  const { ruleType, minThreshold, maxThreshold, timeWindowSize } = rule;
  return {
    alertType: alertTypeOf(ruleType),
    ruleType,
    deviceId: device.deviceId,
    securityGroup,
    severity: OUTSIDE_RANGE_SEVERITY,
    start: formatInstant(start),
    end: formatInstant(end),
    facts: {
      count,
      minThreshold,
      maxThreshold,
      timeWindowSize,
      evidence: {
        messages: device.messages,
        ...(rule.measure === 'activeConnections' ? contributorsOf(device.tuples) : {}),
      },
    },
  };
}

const MAX_CONTRIBUTORS = 10;

/** The remote addresses that account for most of the connections. */
function contributorsOf(tuples: FiveTuples): Readonly<Record<string, unknown>> {
  const byAddress = new Map<string, { connections: number; records: number; ports: Set<number> }>();
  for (let i = 0; i < countOf(tuples); i++) {
    const { family, remote, remotePort, records } = tupleAt(tuples, i);
    const address = formatAddress(foldMapped({ family: family === 4 ? 4 : 6, words: remote }));
    let one = byAddress.get(address);
    if (one === undefined) {
      byAddress.set(address, (one = { connections: 0, records: 0, ports: new Set() }));
    }
    one.connections++;
    one.records += records;
    if (one.ports.size < MAX_CONTRIBUTORS) one.ports.add(remotePort);
  }
  const contributors = [...byAddress]
    .sort(([a, x], [b, y]) => y.connections - x.connections || (a < b ? -1 : 1))
    .slice(0, MAX_CONTRIBUTORS)
    .map(([remoteAddress, { connections, records, ports }]) => ({
      remoteAddress,
      connections,
      records,
      remotePorts: [...ports],
    }));
  return { contributors, contributorsLeftOut: byAddress.size - contributors.length };
}

async function raise(
  { alerts, clock, hub }: EvaluationServices,
  findings: readonly WindowFinding[],
): Promise<void> {
  await atOnce(findings, ALERTS_AT_ONCE, async (finding) => {
    const key = windowKey(finding);
    const id = alertIdOf(hub, key);
    // One that stands is of an evaluation that was interrupted: it found the same.
    await changeAlert(alerts, partitionKeyOf(key), id, (stored) =>
      stored === null ? openWindowAlert(id, finding, clock.now()) : null,
    );
  });
}

async function* nobody(): Activities {}
