// What hunts add to an alert: connections of the past that no live match counted, each once, whichever hunts met it and with
// whatever knowledge.
import type { Contact } from '../indicator/constraint.ts';
import type { MatchedIndicator, WarningMatch } from '../indicator/indicator.ts';
import {
  type Alert,
  type AlertKey,
  type FlowSample,
  MAX_FLOWS,
  type Sighting,
  addToTally,
  foundBy,
  mergeIndicators,
  mergeWarnings,
  noteSighting,
  openAlert,
} from './alert.ts';
import { type Condition, type WasCounted, countedIn, withStretch } from './hunted-stretch.ts';
import type { LogPosition, LogRange } from './position.ts';
import { type Severity, isGraver } from './severity.ts';
import { addTotals } from './totals.ts';

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
  /** As the message was stamped. */
  readonly moduleId: string | null;
  readonly securityGroup: string;
  readonly contacts: readonly HuntedContact[];
}

/** What a hunt found of one alert; at least one contact matches. */
export interface HuntedSighting {
  readonly key: AlertKey;
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
  const counted = countedIn(stretches);
  let next = alert;
  let isNew = false;
  for (const sighting of sightings) {
    const fresh = freshOf(sighting, counted);
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
  { rows, key, warningLists, snapshot }: HuntedSighting,
  isCounted: WasCounted,
): Sighting | null {
  let sum: Sighting | null = null;
  for (const row of rows) {
    const { position, at, moduleId, securityGroup } = row;
    const counted = row.contacts.map((contact) => isCounted(position, at, contact));
    let messages = counted.includes(true) ? 0 : 1;
    for (const [i, { match, flow, direction }] of row.contacts.entries()) {
      if (match === null || counted[i]) continue;
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
    ...one,
    indicators: before.indicators,
    severity: graver.severity,
    direction: graver.direction,
    totals: addTotals(before.totals, one.totals),
    flows: before.flows.length < MAX_FLOWS ? [...before.flows, ...one.flows] : before.flows,
  };
}

function withSighting(alert: Alert, sighting: Sighting): Alert {
  const noted = noteSighting(alert, sighting.severity, sighting.totals.lastSeen) ?? alert;
  const hunted = addToTally(noted.hunted, sighting);
  // Where the device was last; what was seen live knows it better.
  if (foundBy(noted) === 'live') return { ...noted, hunted };
  const { moduleId, securityGroup } = sighting;
  return { ...noted, moduleId, securityGroup, hunted };
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
