// What an alert is, and the only functions that change one. Ingest, fold and hunts all call them: ingest is only sooner
// (reference: docs/architecture.md, "Alerts: opened by ingest, counted by the fold").
import type { MatchedIndicator, WarningMatch } from '../indicator/indicator.ts';
import type { Direction } from '../telemetry/direction.ts';
import type { HuntedStretch } from './hunted-stretch.ts';
import { type LogPosition, isAfter } from './position.ts';
import { type Severity, gravest, isGraver } from './severity.ts';
import { type Totals, addTotals } from './totals.ts';

export type AlertStatus = 'active' | 'inProgress' | 'resolved' | 'dismissed';

export type AlertSubject =
  | { readonly kind: 'address'; readonly address: string }
  /** ISO 8601, half-open. */
  | { readonly kind: 'window'; readonly start: string; readonly end: string }
  | { readonly kind: 'platform'; readonly component: string; readonly key: string };

/** What the id of an alert is made of, beside the hub. */
export interface AlertKey {
  readonly alertType: string;
  readonly ruleType: string | null;
  /** Null for Threadwatch's own health. */
  readonly deviceId: string | null;
  readonly subject: AlertSubject;
}

/** One connection record of the bounded sample that an alert shows. */
export interface FlowSample {
  readonly time: number;
  readonly protocol: string | number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly direction: Direction;
}

/** The connections of one device with one address in one block of the log, judged and added up. */
export interface Sighting {
  readonly key: AlertKey;
  readonly moduleId: string | null;
  readonly securityGroup: string;
  readonly severity: Severity;
  /** The direction that gave the severity. */
  readonly direction: Direction;
  readonly indicators: readonly MatchedIndicator[];
  readonly warningLists: readonly WarningMatch[];
  readonly snapshot: string;
  /** Of the security groups; only where a rule of theirs was broken. */
  readonly groupsRevision?: number;
  readonly totals: Totals;
  /** At most `MAX_FLOWS`, the first ones. */
  readonly flows: readonly FlowSample[];
}

/** Counts and evidence of some sightings together. */
export interface Tally {
  readonly totals: Totals;
  readonly severity: Severity;
  readonly direction: Direction;
  readonly indicators: readonly MatchedIndicator[];
  /** Absent in documents that version 0.1 wrote. */
  readonly warningLists?: readonly WarningMatch[];
  /** The snapshot that matched first. */
  readonly snapshot: string;
  /** The revision of the security groups whose rule was broken first; absent for what no group says. */
  readonly groupsRevision?: number;
  readonly flows: readonly FlowSample[];
}

export interface Alert extends AlertKey {
  readonly id: string;
  readonly moduleId: string | null;
  readonly securityGroup: string | null;
  readonly severity: Severity;
  readonly status: AlertStatus;
  /** Grows with what people are told: opened, graver, resolved, reopened. */
  readonly revision: number;
  /** Epoch milliseconds of our clock. */
  readonly createdAt: number;
  readonly resolvedAt: number | null;
  /** What ingest saw when it opened the alert: shown until the fold has counted. Null where a hunt, or no sighting, did. */
  readonly opening: Tally | null;
  /** The fold's work: everything in the log up to the positions in `counted`. */
  readonly live: Tally | null;
  /** By `stream/partition`: rows up to here are in `live`, so the same rows never add twice. */
  readonly counted: Readonly<Record<string, LogPosition>>;
  /** What hunts found: rows of the past that carry no finding, so none of them is in `live`. */
  readonly hunted: Tally | null;
  /** By `stream/partition`: the stretches of the log that hunts have read for this alert; what they gave is in `hunted`. */
  readonly huntedIn: Readonly<Record<string, readonly HuntedStretch[]>>;
  /** Figures of an alert that no sightings make up (platform health, windows). */
  readonly facts: Readonly<Record<string, unknown>> | null;
}

export const MAX_FLOWS = 10;
/** Of one alert, and of one finding: what a person reads, not what a feed could make a block carry. */
export const MAX_INDICATORS = 50;

/** Opens the alert of a sighting. The first tally is provisional: only the fold counts. */
export function openAlert(id: string, sighting: Sighting, at: number): Alert {
  return {
    id,
    ...sighting.key,
    moduleId: sighting.moduleId,
    securityGroup: sighting.securityGroup,
    severity: sighting.severity,
    status: 'active',
    revision: 1,
    createdAt: at,
    resolvedAt: null,
    opening: tallyOf(sighting),
    live: null,
    counted: {},
    hunted: null,
    huntedIn: {},
    facts: null,
  };
}

/**
 * What a further sighting changes beside the counts: a graver severity, and reopening. A resolved alert reopens only for
 * a sighting enqueued after it was resolved, whoever sees it and whenever; a dismissed one never does. Null: nothing.
 */
export function noteSighting(alert: Alert, severity: Severity, lastSeen: number): Alert | null {
  const graver = isGraver(severity, alert.severity);
  const reopens =
    alert.status === 'resolved' && alert.resolvedAt !== null && lastSeen > alert.resolvedAt;
  if (!graver && !reopens) return null;
  return {
    ...alert,
    severity: gravest(alert.severity, severity),
    status: reopens ? 'active' : alert.status,
    resolvedAt: reopens ? null : alert.resolvedAt,
    revision: alert.revision + 1,
  };
}

/** A sighting as the fold found it: where its block stands in the log. */
export interface CountedSighting extends Sighting {
  readonly position: LogPosition;
}

/**
 * The fold of one partition's sightings, in log order, into their alert: those that stand behind the position that the
 * alert already carries. Creates, raises and reopens as ingest does. Null when every one was counted before.
 */
export function countSightings(
  alert: Alert | null,
  id: string,
  partition: string,
  sightings: readonly CountedSighting[],
  at: number,
): Alert | null {
  const fresh = sightings.filter((s) => isAfter(s.position, alert?.counted[partition]));
  const [first] = fresh;
  const last = fresh.at(-1);
  if (first === undefined || last === undefined) return null;
  let next = alert ?? openAlert(id, first, at);
  for (const sighting of fresh) {
    next = noteSighting(next, sighting.severity, sighting.totals.lastSeen) ?? next;
  }
  return {
    ...next,
    moduleId: last.moduleId,
    securityGroup: last.securityGroup,
    live: fresh.reduce<Tally | null>(addToTally, next.live),
    counted: { ...next.counted, [partition]: last.position },
  };
}

/** What people see: the fold's counts, or the opening sighting until there are any, and what hunts found. */
export function shownTally(alert: Alert): Tally | null {
  const live = alert.live ?? alert.opening;
  return live === null || alert.hunted === null
    ? (live ?? alert.hunted)
    : addToTally(live, alert.hunted);
}

/** `live` as soon as any row was matched when it was read. */
export function foundBy(alert: Alert): 'live' | 'hunt' {
  return alert.live === null && alert.opening === null ? 'hunt' : 'live';
}

/** Counts and evidence of both. */
export function addToTally(tally: Tally | null, sighting: Tally | Sighting): Tally {
  if (tally === null) return tallyOf(sighting);
  const graver = isGraver(sighting.severity, tally.severity);
  return {
    totals: addTotals(tally.totals, sighting.totals),
    severity: graver ? sighting.severity : tally.severity,
    direction: graver ? sighting.direction : tally.direction,
    indicators: mergeIndicators(tally.indicators, sighting.indicators),
    warningLists: mergeWarnings(tally.warningLists ?? [], sighting.warningLists ?? []),
    snapshot: tally.snapshot,
    ...revisionOf(tally),
    flows: [...tally.flows, ...sighting.flows].slice(0, MAX_FLOWS),
  };
}

function tallyOf(sighting: Tally | Sighting): Tally {
  const { totals, severity, direction, indicators, snapshot, flows } = sighting;
  return {
    totals,
    severity,
    direction,
    indicators: indicators.slice(0, MAX_INDICATORS),
    warningLists: sighting.warningLists ?? [],
    snapshot,
    ...revisionOf(sighting),
    flows,
  };
}

function revisionOf({ groupsRevision }: Tally | Sighting): Pick<Tally, 'groupsRevision'> {
  return groupsRevision === undefined ? {} : { groupsRevision };
}

/** Each indicator once, at most `MAX_INDICATORS`. */
export function mergeIndicators(
  known: readonly MatchedIndicator[],
  more: readonly MatchedIndicator[],
): readonly MatchedIndicator[] {
  const seen = new Set(known.map(identityOf));
  const fresh = more.filter((indicator) => !seen.has(identityOf(indicator)));
  return fresh.length === 0 ? known : [...known, ...fresh].slice(0, MAX_INDICATORS);
}

/** Each warning list once; a finding carries few, and an alert is about one address. */
export function mergeWarnings(
  known: readonly WarningMatch[],
  more: readonly WarningMatch[],
): readonly WarningMatch[] {
  const fresh = more.filter(({ list }) => !known.some((warning) => warning.list === list));
  return fresh.length === 0 ? known : [...known, ...fresh].slice(0, MAX_INDICATORS);
}

function identityOf(indicator: MatchedIndicator): string {
  return JSON.stringify([indicator.feed, indicator.value, indicator.id]);
}

/** A finding about Threadwatch itself. */
export interface PlatformFinding {
  readonly alertType: string;
  readonly component: string;
  readonly key: string;
  readonly severity: Severity;
  readonly facts: Readonly<Record<string, unknown>>;
}

export function openPlatformAlert(id: string, finding: PlatformFinding, at: number): Alert {
  const { severity, facts } = finding;
  return openFactAlert({ id, ...platformKey(finding), securityGroup: null, severity, facts }, at);
}

/** An alert of facts, which nobody counts. */
function openFactAlert(
  given: AlertKey & Pick<Alert, 'id' | 'securityGroup' | 'severity' | 'facts'>,
  at: number,
): Alert {
  return {
    ...given,
    moduleId: null,
    status: 'active',
    revision: 1,
    createdAt: at,
    resolvedAt: null,
    opening: null,
    live: null,
    counted: {},
    hunted: null,
    huntedIn: {},
  };
}

export function platformKey(finding: PlatformFinding): AlertKey {
  const { alertType, component, key } = finding;
  return {
    alertType,
    ruleType: null,
    deviceId: null,
    subject: { kind: 'platform', component, key },
  };
}

/** A device's figure of one window that lies outside what its group expects. */
export interface WindowFinding {
  readonly alertType: string;
  readonly ruleType: string;
  readonly deviceId: string;
  readonly securityGroup: string;
  readonly severity: Severity;
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
  readonly facts: WindowFacts;
}

export interface WindowFacts {
  readonly count: number;
  readonly minThreshold: number;
  readonly maxThreshold: number;
  /** As the rule writes it. */
  readonly timeWindowSize: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export function openWindowAlert(id: string, finding: WindowFinding, at: number): Alert {
  const { securityGroup, severity } = finding;
  const facts = { ...finding.facts };
  return openFactAlert({ id, ...windowKey(finding), securityGroup, severity, facts }, at);
}

export function windowKey(finding: WindowFinding): AlertKey {
  const { alertType, ruleType, deviceId, start, end } = finding;
  return { alertType, ruleType, deviceId, subject: { kind: 'window', start, end } };
}

/** Null when it stands resolved or dismissed already. */
export function resolveAlert(alert: Alert, at: number): Alert | null {
  if (alert.status === 'resolved' || alert.status === 'dismissed') return null;
  return { ...alert, status: 'resolved', resolvedAt: at, revision: alert.revision + 1 };
}
