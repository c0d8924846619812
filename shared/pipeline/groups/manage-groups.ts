// Security groups over HTTP: read with their ETag, written and removed under the conditions that the caller names.
import { groupNameProblem } from '../../domain/security-group/group-name.ts';
import { type SecurityGroup, groupKey } from '../../domain/security-group/security-group.ts';
import { type Preconditions, areMet } from '../../format/http-precondition.ts';
import { RequestError } from '../../format/http-problem.ts';
import { readGroup } from '../../format/security-group/read-group.ts';
import type { SecurityGroups, StoredGroup } from '../../ports/security-groups.ts';

export const MAX_GROUPS = 1000;
const MAX_CONFLICTS = 5;

export async function getGroup(groups: SecurityGroups, name: string): Promise<StoredGroup> {
  const stored = await groups.read(groupKey(nameIn(name)));
  if (stored !== null) return stored;
  throw new RequestError('ResourceNotFound', `there is no security group ${quoted(name)}`);
}

/**
 * Creates the group or writes over it; a group keeps the spelling of its name with which it was created. Written again it stays in
 * its version.
 */
export async function putGroup(
  groups: SecurityGroups,
  name: string,
  body: unknown,
  conditions: Preconditions,
): Promise<StoredGroup & { readonly created: boolean }> {
  const wanted = groupOf(nameIn(name), body);
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const stored = await groups.read(groupKey(wanted.name));
    requireMet(conditions, stored);
    if (stored === null) await requireRoom(groups);
    const group = { ...wanted, name: stored?.group.name ?? wanted.name };
    if (stored !== null && isSame(group, stored.group)) return { ...stored, created: false };
    const version = await groups.write(group, stored?.version ?? null);
    if (version !== null) return { group, version, created: stored === null };
  }
  throw new RequestError('Conflict', 'the group is being changed by somebody else; try again');
}

/** False when there was none. */
export async function deleteGroup(
  groups: SecurityGroups,
  name: string,
  conditions: Preconditions,
): Promise<boolean> {
  const key = groupKey(nameIn(name));
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const stored = await groups.read(key);
    requireMet(conditions, stored);
    if (stored === null) return false;
    if (await groups.remove(key, stored.version)) return true;
  }
  throw new RequestError('Conflict', 'the group is being changed by somebody else; try again');
}

/** The host leaves an encoded slash of a path as it is. */
function nameIn(segment: string): string {
  const name = segment.replace(/%2f/gi, '/');
  const message = groupNameProblem(name);
  if (message === null) return name;
  throw new RequestError(
    'InvalidRequest',
    `the name of the security group: ${message}`,
    [],
    [{ code: 'InvalidName', message, target: 'name' }],
  );
}

function groupOf(name: string, body: unknown): SecurityGroup {
  const { group, problems } = readGroup(name, body);
  if (problems === null) return group;
  const [first] = problems;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more: see details)`;
  throw new RequestError(
    'InvalidRequest',
    `${first!.path}: ${first!.message}${more}`,
    [],
    problems.map(({ path, message }) => ({ code: 'InvalidValue', message, target: path })),
  );
}

function requireMet(conditions: Preconditions, stored: StoredGroup | null): void {
  if (areMet(conditions, stored?.version ?? null)) return;
  const found =
    conditions.ifMatch !== null
      ? 'the group is not the one that was named; read it again'
      : 'the group exists already';
  const message = stored === null ? 'the group does not exist, or no longer' : found;
  throw new RequestError('PreconditionFailed', message);
}

async function requireRoom(groups: SecurityGroups): Promise<void> {
  if ((await groups.list()).length < MAX_GROUPS) return;
  throw new RequestError('QuotaExceeded', `there are ${MAX_GROUPS} security groups already`);
}

/** Both were read by `readGroup`, so that rules stand in one order; a store may have changed that of fields. */
function isSame(a: SecurityGroup, b: SecurityGroup): boolean {
  return canonical(a) === canonical(b);
}

function canonical({ name, timeWindowRules, allowlistRules, denylistRules }: SecurityGroup) {
  return JSON.stringify([
    name,
    timeWindowRules.map((rule) => [
      rule.ruleType,
      rule.isEnabled,
      rule.minThreshold,
      rule.maxThreshold,
      rule.timeWindowSize,
    ]),
    [allowlistRules, denylistRules].map((rules) =>
      rules.map(({ ruleType, isEnabled, values }) => [ruleType, isEnabled, values]),
    ),
  ]);
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}
