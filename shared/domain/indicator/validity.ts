import { parseInstant } from '../time/instant.ts';
import type { Tlp } from './tlp.ts';

/** ISO 8601 instants; null is open on that side. */
export interface Validity {
  readonly validFrom: string | null;
  readonly validUntil: string | null;
}

/**
 * What the feed itself says an entry is. `listed`: a threat. `context`: told, but not as a threat (MISP `to_ids` false,
 * a benign indicator, the addresses of a warning list). `revoked`: withdrawn by its own source.
 */
export type Standing = 'listed' | 'context' | 'revoked';

export type IndicatorState = 'active' | 'expired' | 'notYetValid' | 'revoked' | 'context';

/** What decides the state of an entry beside the time. */
export interface Claim extends Validity {
  readonly standing: Standing;
  readonly tlp: Tlp | null;
}

/** TLP:RED is for named persons only, so it stays out of alerts unless the operator says that it may be used. */
export interface ValidityPolicy {
  readonly acceptTlpRed: boolean;
}

export const DEFAULT_POLICY: ValidityPolicy = { acceptTlpRed: false };

/** The one decision on whether an indicator is in force: `active` ones match, and no others. */
export function stateAt(
  claim: Claim,
  at: number,
  { acceptTlpRed }: ValidityPolicy = DEFAULT_POLICY,
): IndicatorState {
  if (claim.standing === 'revoked') return 'revoked';
  if (claim.standing === 'context') return 'context';
  if (claim.tlp === 'red' && !acceptTlpRed) return 'context';
  return validityAt(claim, at);
}

/** Half-open: `validFrom <= at < validUntil`. A bound that is not an instant never holds. */
export function validityAt(validity: Validity, at: number): 'active' | 'expired' | 'notYetValid' {
  const { from, until } = boundsOf(validity);
  if (at >= until) return 'expired';
  return at < from ? 'notYetValid' : 'active';
}

/** The bounds as epoch milliseconds, for who judges often: active where `from <= at < until`. */
export function boundsOf({ validFrom, validUntil }: Validity): { from: number; until: number } {
  return {
    from: validFrom === null ? -Infinity : (parseInstant(validFrom) ?? Infinity),
    until: validUntil === null ? Infinity : (parseInstant(validUntil) ?? -Infinity),
  };
}

/** Whether the two bounds leave any time at all. Bounds that are not instants leave none. */
export function isSpan(validity: Validity): boolean {
  const { from, until } = boundsOf(validity);
  return from < until;
}
