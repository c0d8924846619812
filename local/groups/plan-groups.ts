import { type SecurityGroup, groupKey } from '../../shared/domain/security-group/security-group.ts';
import type { PresentGroup } from './present-groups.ts';
import { changesOf } from './rule-text.ts';

export interface GroupStep {
  readonly action: 'create' | 'change' | 'delete';
  readonly name: string;
  /** Null where the group is deleted. */
  readonly group: SecurityGroup | null;
  /** Of the group that is there, null where there is none. */
  readonly etag: string | null;
  readonly changes: readonly string[];
}

/** What leads from the groups that there are to the wanted ones; without `prune` no other group is touched. */
export function planGroups(
  present: readonly PresentGroup[],
  wanted: readonly SecurityGroup[],
  prune: boolean,
): readonly GroupStep[] {
  const known = new Map(present.map((one) => [groupKey(one.group.name), one]));
  const named = new Set(wanted.map(({ name }) => groupKey(name)));
  const steps = wanted.flatMap((group): GroupStep[] => {
    const before = known.get(groupKey(group.name));
    const changes = changesOf(before?.group ?? null, group);
    if (before === undefined) {
      return [{ action: 'create', name: group.name, group, etag: null, changes }];
    }
    if (changes.length === 0) return [];
    const { name } = before.group;
    return [{ action: 'change', name, group, etag: before.etag, changes }];
  });
  const others = present.filter(({ group }) => prune && !named.has(groupKey(group.name)));
  return [
    ...steps,
    ...others.map(({ group: { name }, etag }): GroupStep => ({
      action: 'delete',
      name,
      group: null,
      etag,
      changes: [],
    })),
  ];
}
