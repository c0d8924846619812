// What a security group may hold. Defender published no limits: these are ours (docs/security-groups.md).

/** ARM's thresholds are 32-bit integers. */
export const MAX_THRESHOLD = 2_147_483_647;
export const MIN_WINDOW_MS = 60_000;
export const MAX_WINDOW_MS = 86_400_000;
export const MAX_VALUES = 10_000;
/** Of one value. */
export const MAX_VALUE_LENGTH = 256;
/** Of all values of a group, so that its document stays below the 2 MB of Cosmos DB, at three bytes a character. */
export const MAX_VALUES_LENGTH = 500_000;
/** Beyond this the rest is not told. */
export const MAX_PROBLEMS = 50;
