import { API_VERSION } from '../../shared/format/security-group/arm-request.ts';
import { GROUP_TYPE } from '../../shared/format/security-group/group-resource.ts';
import { apiPath } from '../api-client.ts';

/** A Threadwatch serves one hub and takes any id for it: commands need not know which. */
const HUB =
  'subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/threadwatch/providers/Microsoft.Devices/IotHubs/threadwatch';

/** Of all groups, or of the one that is named. */
export function groupPath(name: string | null): string {
  const one = name === null ? '' : `/${apiPath(name)}`;
  return `${HUB}/providers/${GROUP_TYPE}${one}?api-version=${API_VERSION}`;
}
