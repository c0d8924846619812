/** Why a body is not a security message; docs/wire-format.md says what each means. */
export type MessageRefusal = keyof typeof REFUSED;

/**
 * While a body is read, a refusal is a negative number where a position or 0 is expected: a hot loop that stores a
 * reason instead of returning one takes 1.7 times as long (Node 24).
 */
export const REFUSED = {
  empty: -1,
  legacyJson: -2,
  tooLong: -3,
  truncated: -4,
  badVtable: -5,
  badString: -6,
  badPayload: -7,
  missingField: -8,
  overBudget: -9,
} as const;

const REASONS = Object.keys(REFUSED) as MessageRefusal[];

/** The word for a negative result; null for any other. */
export function refusalOf(result: number): MessageRefusal | null {
  return REASONS[-result - 1] ?? null;
}
