import { parseInstant } from '../time/instant.ts';

/** ISO 8601 instants as `formatInstant` writes them; null is open on that side. */
export interface Validity {
  readonly validFrom: string | null;
  readonly validUntil: string | null;
}

/** Half-open: `validFrom <= at < validUntil`. A bound that is not an instant never holds. */
export function isValidAt(validity: Validity, at: number): boolean {
  return validityAt(validity, at) === 'active';
}

export function validityAt(
  { validFrom, validUntil }: Validity,
  at: number,
): 'active' | 'expired' | 'notYetValid' {
  const until = validUntil === null ? Infinity : parseInstant(validUntil);
  if (until === null || at >= until) return 'expired';
  const from = validFrom === null ? -Infinity : parseInstant(validFrom);
  return from === null || at < from ? 'notYetValid' : 'active';
}
