// Security groups of files, straight into the store of a platform of this machine.
import { CosmosSecurityGroups } from '../../shared/adapters/cosmos/security-groups.ts';
import { openCosmos } from '../../shared/adapters/cosmos/cosmos.ts';
import type { SecurityGroups } from '../../shared/ports/security-groups.ts';
import type { CommandIo } from '../commands/command.ts';
import type { Platform } from '../platform.ts';
import { readGroupFiles } from './group-files.ts';

export function securityGroupsOf({ cosmos }: Pick<Platform, 'cosmos'>): SecurityGroups {
  return new CosmosSecurityGroups(openCosmos({ connectionString: cosmos.connectionString }));
}

/** Writes the groups where there was never one: what somebody changed or removed since stays so. How many there are then. */
export async function loadFirstGroups(
  store: SecurityGroups,
  path: string,
  io: Pick<CommandIo, 'cwd' | 'stdin'>,
): Promise<number> {
  const { revision, groups: present } = await store.current();
  if (revision > 0) return present.length;
  const { groups } = await readGroupFiles(path, io);
  for (const group of groups) await store.write(group, null);
  return groups.length;
}
