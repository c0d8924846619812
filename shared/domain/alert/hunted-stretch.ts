// What hunts have read of the log for an alert, and by what: so that a later one knows which contacts were counted.
import { type Constraint, type Contact, constraintHolds } from '../indicator/constraint.ts';
import { type Validity, boundsOf } from '../indicator/validity.ts';
import { type LogPosition, type LogRange, areApart, covers, spanOf } from './position.ts';

/** What an indicator asks of a contact beside the address: by it a later hunt tells which contacts an earlier one counted. */
export interface Condition extends Validity {
  readonly constraint: Constraint | null;
}

/**
 * A stretch of the log that a hunt has read for the alert: what no live match counted, and one of the conditions holds for, is
 * counted.
 */
export interface HuntedStretch extends LogRange {
  readonly conditions: readonly Condition[];
}

/** Whether a hunt has counted a contact of the message at `position`, which carries no finding. `at` is IoT Hub's time. */
export type WasCounted = (position: LogPosition, at: number, contact: Contact) => boolean;

/** Made once for many contacts: times are read from their texts here. */
export function countedIn(stretches: readonly HuntedStretch[]): WasCounted {
  const read = stretches.map((range) => ({
    range,
    conditions: range.conditions.map(({ constraint, ...validity }) => {
      return { constraint, ...boundsOf(validity) };
    }),
  }));
  return (position, at, contact) =>
    read.some(
      ({ range, conditions }) =>
        covers(range, position) &&
        conditions.some(
          ({ from, until, constraint }) =>
            at >= from && at < until && constraintHolds(constraint, contact),
        ),
    );
}

/** Beyond this many the oldest two are one: rows between them will not be counted, too little rather than twice. */
const MAX_STRETCHES = 16;
const MAX_CONDITIONS = 16;
const ALWAYS: Condition = { validFrom: null, validUntil: null, constraint: null };

/** Stretches under the same conditions that overlap, or follow each other, are one. */
export function withStretch(
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
