// What a request for security groups says beside its body: the version of the API, the hub's resource id, the name.
import { RequestError } from '../http-problem.ts';

/** Behind the route prefix; the id of the hub has a route of its own segments, because nothing may follow a catch-all. */
export const GROUPS_ROUTE =
  'subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/{hubProvider}/{hubType}/{hub}/providers/Microsoft.Security/deviceSecurityGroups';

export const API_VERSION = '2019-08-01';

interface ArmRequest {
  readonly query: Iterable<readonly [string, string]>;
  readonly params: Readonly<Record<string, string>>;
}

export interface GroupRequest {
  /** The resource id under which the groups were asked for. Threadwatch serves one hub and does not compare it. */
  readonly scope: string;
  /** Empty where none was named. */
  readonly name: string;
}

/** Refuses another version of the API. */
export function groupRequest({ query, params }: ArmRequest): GroupRequest {
  // Names of query parameters have no case in ARM.
  const version = [...query].find(([key]) => key.toLowerCase() === 'api-version');
  requireApiVersion(version?.[1] ?? null);
  const part = (name: string) => params[name] ?? '';
  const hub = `providers/${part('hubProvider')}/${part('hubType')}/${part('hub')}`;
  return {
    scope: `/subscriptions/${part('subscription')}/resourceGroups/${part('resourceGroup')}/${hub}`,
    name: part('name'),
  };
}

function requireApiVersion(version: string | null): void {
  if (version === API_VERSION) return;
  if (version === null || version === '') {
    const message = `the query parameter api-version is missing: ?api-version=${API_VERSION}`;
    throw new RequestError('MissingApiVersionParameter', message);
  }
  const message = `the api-version ${JSON.stringify(version.slice(0, 64))} is not served, only ${API_VERSION}`;
  throw new RequestError('InvalidApiVersionParameter', message);
}
