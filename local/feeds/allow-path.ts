import { apiPath } from '../api-client.ts';

/** The path of a network on the allowlist; its slash stays one. */
export function allowPath(network: string): string {
  return apiPath('allowlist', ...network.split('/'));
}
