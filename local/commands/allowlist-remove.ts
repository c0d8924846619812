import { parseArgs } from 'node:util';
import { formatPrefix, parsePrefix } from '../../shared/domain/address/prefix.ts';
import { API_OPTIONS, API_USAGE, ApiError, openApi } from '../api-client.ts';
import { allowPath } from '../feeds/allow-path.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'allowlist remove',
  summary: 'no longer vouch for an address or network',
  usage: `allowlist remove NETWORK... [--url URL] [--key KEY] [--data DIR] [--json]

Takes networks off the allowlist; contact with them is judged again from now on. One that is not there is said, and no error.

${API_USAGE}
  --json       one JSON object a network`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...API_OPTIONS, json: { type: 'boolean', default: false } },
    });
    if (positionals.length === 0) throw new UsageError('NETWORK was expected');
    const networks = positionals.map(canonical);
    const api = openApi(values, io);
    for (const network of networks) {
      const isRemoved = await api.delete(allowPath(network)).then(() => true, isAbsent);
      const outcome = isRemoved ? 'removed' : 'absent';
      const text = isRemoved ? `removed: ${network}` : `not on the allowlist: ${network}`;
      const record = { record: 'allowed', network, outcome };
      await write(io.stdout, `${values.json ? JSON.stringify(record) : text}\n`);
    }
    return 0;
  },
};

function canonical(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix !== null) return formatPrefix(prefix);
  throw new UsageError(`${JSON.stringify(text)} is no address or network`);
}

function isAbsent(error: unknown): false {
  if (error instanceof ApiError && error.code === 'UnknownNetwork') return false;
  throw error;
}
