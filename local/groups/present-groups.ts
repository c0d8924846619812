// The groups of a running Threadwatch, as commands work with them.
import type { SecurityGroup } from '../../shared/domain/security-group/security-group.ts';
import type { GroupResource } from '../../shared/format/security-group/group-resource.ts';
import { readGroup } from '../../shared/format/security-group/read-group.ts';
import type { ApiClient } from '../api-client.ts';
import { groupPath } from './group-path.ts';

export interface PresentGroup {
  readonly group: SecurityGroup;
  readonly etag: string;
}

export async function presentResources(api: ApiClient): Promise<readonly GroupResource[]> {
  return (await api.get<{ value: readonly GroupResource[] }>(groupPath(null))).body.value;
}

export async function presentGroups(api: ApiClient): Promise<readonly PresentGroup[]> {
  return (await presentResources(api)).map((resource) => ({
    group: understood(resource),
    etag: resource.etag,
  }));
}

export function understood(resource: GroupResource): SecurityGroup {
  const { group, problems } = readGroup(resource.name, resource);
  if (problems === null) return group;
  const [{ path, message }] = problems as [(typeof problems)[0]];
  // A Threadwatch of a later version has rules that this command does not know.
  throw new Error(`the group ${resource.name} is not understood: ${path}: ${message}`);
}
