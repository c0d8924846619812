// What hunts add to an alert: connections of the past that no live match counted, each once, whichever hunts met it and with
// whatever knowledge.
import { type Constraint, type Contact, constraintHolds } from '../indicator/constraint.ts';
import type { MatchedIndicator, WarningMatch } from '../indicator/indicator.ts';
import { type Validity, validityAt } from '../indicator/validity.ts';
import {
  type Alert,
  type AlertKey,
  type FlowSample,
  MAX_FLOWS,
  type Sighting,
  addToTally,
  mergeIndicators,
  mergeWarnings,
  noteSighting,
  openAlert,
} from './alert.ts';
import { type LogPosition, type LogRange, areApart, covers, spanOf } from './position.ts';
import { type Severity, isGraver } from './severity.ts';
import { addTotals } from './totals.ts';

/** What an indicator asks of a contact beside the address: by it a later hunt tells which contacts an earlier one counted. */
export interface Condition extends Validity {
  readonly constraint: Constraint | null;
}

/** A stretch of the log that a hunt has read for the alert: what no live match counted, and one of the conditions holds for, is counted. */
export interface HuntedStretch extends LogRange {
  readonly conditions: readonly Condition[];
}

/** A connection without a finding for the address, judged with what is known now. */
export interface HuntedContact extends Contact {
  readonly flow: FlowSample;
  /** Null: nothing is raised by it now. */
  readonly match: {
    readonly severity: Severity;
    readonly indicators: readonly MatchedIndicator[];
  } | null;
}

/** One message: its connections with the alert's address. */
export interface HuntedRow {
  readonly position: LogPosition;
  /** IoT Hub time. */
  readonly at: number;
  readonly contacts: readonly HuntedContact[];
}

/** What a hunt found of one alert; at least one contact matches. */
export interface HuntedSighting {
  readonly key: AlertKey;
  readonly moduleId: string | null;
  readonly securityGroup: string;
  readonly warningLists: readonly WarningMatch[];
  readonly snapshot: string;
  readonly conditions: readonly Condition[];
  readonly rows: readonly HuntedRow[];
}

/**
 * The finds of a hunt in the stretch `range` of one partition, in log order, into their alert. Creates, raises and reopens as
 * ingest does. A contact that was counted before adds its evidence only. Null when nothing is new.
 */
export function countHunted(
  alert: Alert | null,
  id: string,
  partition: string,
  sightings: readonly HuntedSighting[],
  range: LogRange,
  at: number,
): Alert | null {
  const stretches = alert?.huntedIn[partition] ?? [];
  let next = alert;
  let isNew = false;
  for (const sighting of sightings) {
    const fresh = freshOf(sighting, stretches);
    if (fresh !== null) {
      isNew = true;
      next = withSighting(next ?? { ...openAlert(id, fresh, at), opening: null }, fresh);
    }
    next = withEvidence(next, sighting);
  }
  if (!isNew || next === null) return next === alert ? null : next;
  const { conditions } = sightings.at(-1)!;
  const added = withStretch(stretches, { ...range, conditions });
  return { ...next, huntedIn: { ...next.huntedIn, [partition]: added } };
}

/** The matching contacts that no hunt has counted, added up; null if there are none. A message counts with its first one. */
function freshOf(
  { rows, key, moduleId, securityGroup, warningLists, snapshot }: HuntedSighting,
  stretches: readonly HuntedStretch[],
): Sighting | null {
  let sum: Sighting | null = null;
  for (const row of rows) {
    let messages = row.contacts.some((contact) => wasCounted(stretches, row, contact)) ? 0 : 1;
    for (const contact of row.contacts) {
      const { match, flow, direction } = contact;
      if (match === null || wasCounted(stretches, row, contact)) continue;
      const { bytesIn, bytesOut } = flow;
      const times = { firstSeen: row.at, lastSeen: row.at };
      const totals = { messages, connections: 1, bytesIn, bytesOut, ...times };
      messages = 0;
      const common = { key, moduleId, securityGroup, warningLists, snapshot };
      const one: Sighting = { ...common, ...match, direction, totals, flows: [flow] };
      sum = sum === null ? one : joined(sum, one);
    }
  }
  return sum;
}

/** Indicators are merged for the alert, of all contacts at once. */
function joined(before: Sighting, one: Sighting): Sighting {
  const graver = isGraver(one.severity, before.severity) ? one : before;
  return {
    ...before,
    severity: graver.severity,
    direction: graver.direction,
    totals: addTotals(before.totals, one.totals),
    flows: before.flows.length < MAX_FLOWS ? [...before.flows, ...one.flows] : before.flows,
  };
}

function wasCounted(
  stretches: readonly HuntedStretch[],
  { position, at }: HuntedRow,
  contact: HuntedContact,
): boolean {
  return stretches.some(
    (stretch) =>
      covers(stretch, position) && stretch.conditions.some((one) => holds(one, contact, at)),
  );
}

function holds(condition: Condition, contact: Contact, at: number): boolean {
  return validityAt(condition, at) === 'active' && constraintHolds(condition.constraint, contact);
}

function withSighting(alert: Alert, sighting: Sighting): Alert {
  const noted = noteSighting(alert, sighting.severity, sighting.totals.lastSeen) ?? alert;
  return { ...noted, hunted: addToTally(noted.hunted, sighting) };
}

/** All that holds for any of the contacts, counted before or now; the same alert where it names all of it already. */
function withEvidence(alert: Alert | null, { rows, warningLists }: HuntedSighting): Alert | null {
  if (alert === null || alert.hunted === null) return alert;
  const { hunted } = alert;
  // Contacts of a block share their lists of indicators: few are different ones.
  const lists = new Set(
    rows.flatMap(({ contacts }) => contacts.map(({ match }) => match?.indicators ?? [])),
  );
  let { indicators } = hunted;
  for (const list of lists) indicators = mergeIndicators(indicators, list);
  const warned = mergeWarnings(hunted.warningLists ?? [], warningLists);
  if (indicators === hunted.indicators && warned === hunted.warningLists) return alert;
  return { ...alert, hunted: { ...hunted, indicators, warningLists: warned } };
}

/** Beyond this many the oldest two are one: rows between them will not be counted, too little rather than twice. */
const MAX_STRETCHES = 16;
const MAX_CONDITIONS = 16;
const ALWAYS: Condition = { validFrom: null, validUntil: null, constraint: null };

/** Stretches under the same conditions that overlap, or follow each other, are one. */
function withStretch(
  stretches: readonly HuntedStretch[],
  added: HuntedStretch,
): readonly HuntedStretch[] {
  let joined: HuntedStretch = { ...added, conditions: conditionsOf(added.conditions) };
  const others: HuntedStretch[] = [];
  for (const stretch of stretches) {
    if (!sameConditions(stretch, joined) || areApart(stretch, joined)) others.push(stretch);
    else joined = { ...spanOf(stretch, joined), conditions: joined.conditions };
  }
  const all = [...others, joined];
  while (all.length > MAX_STRETCHES) {
    const [first, second] = all.splice(0, 2) as [HuntedStretch, HuntedStretch];
    const conditions = conditionsOf([...first.conditions, ...second.conditions]);
    all.unshift({ ...spanOf(first, second), conditions });
  }
  return all;
}

/** Each once, in one order; one that asks for nothing makes the others needless. */
function conditionsOf(conditions: readonly Condition[]): readonly Condition[] {
  const texts = new Map(
    conditions.map(({ validFrom, validUntil, constraint }) => {
      const condition = { validFrom, validUntil, constraint };
      return [JSON.stringify(condition), condition] as const;
    }),
  );
  if (texts.has(JSON.stringify(ALWAYS)) || texts.size > MAX_CONDITIONS) return [ALWAYS];
  return [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, condition]) => condition);
}

function sameConditions(a: HuntedStretch, b: HuntedStretch): boolean {
  return JSON.stringify(a.conditions) === JSON.stringify(b.conditions);
}
