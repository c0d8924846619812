/** The group of a device without a tag. */
export const DEFAULT_GROUP = 'default';

/**
 * The group that a message enrichment stamped. Names compare without case, so the lower-case form is the name. IoT Hub
 * stamps the literal `$twin.tags.SecurityGroup` where the tag is missing: that is no name.
 */
export function groupNameOf(stamped: unknown): string {
  if (typeof stamped !== 'string' && typeof stamped !== 'number') return DEFAULT_GROUP;
  // A tag may be a number; as a property it is text.
  const name = String(stamped).trim().toLowerCase();
  return name === '' || name.startsWith('$twin.') ? DEFAULT_GROUP : name;
}

export const MAX_GROUP_NAME = 256;

/** What keeps a text from being the name of a group, null for a name: those of a twin tag that can stand in a path of the API. */
export function groupNameProblem(name: string): string | null {
  if (name === '') return 'a name was expected';
  if (name.length > MAX_GROUP_NAME) {
    return `a name has at most ${MAX_GROUP_NAME} characters; this one has ${name.length}`;
  }
  if (!name.isWellFormed()) return 'a name must be text; half a surrogate pair was found';
  const barred = /[/\\?#%\p{Cc}]/u.exec(name);
  if (barred !== null) {
    return `a name has no / \\ ? # % and no control character; ${JSON.stringify(barred[0])} was found`;
  }
  if (name.trim() !== name) return 'a name has no blanks around it';
  // A URL takes them for steps of its path.
  if (name === '.' || name === '..') return `${name} cannot be a name`;
  // Devices whose tag looks so are in the default group: such a group would judge nobody.
  if (name.toLowerCase().startsWith('$twin.')) return 'a name does not begin with $twin.';
  return null;
}
