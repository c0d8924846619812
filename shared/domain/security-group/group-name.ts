/** The group of a device without a tag. */
export const DEFAULT_GROUP = 'default';

/**
 * The group that a message enrichment stamped. Names compare without case, so the lower-case form is the name. IoT Hub
 * stamps the literal `$twin.tags.SecurityGroup` where the tag is missing: that is no name.
 */
export function groupNameOf(stamped: unknown): string {
  if (typeof stamped !== 'string') return DEFAULT_GROUP;
  const name = stamped.trim().toLowerCase();
  return name === '' || name.startsWith('$twin.') ? DEFAULT_GROUP : name;
}
