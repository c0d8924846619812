import { parseArgs } from 'node:util';
import type { ShownAllowEntry } from '../../shared/pipeline/feeds/operate/manage-allowlist.ts';
import { API_OPTIONS, API_USAGE, openApi } from '../api-client.ts';
import { table } from '../console/table.ts';
import { type Command, write } from './command.ts';

export const command: Command = {
  name: 'allowlist list',
  summary: 'the addresses that you vouch for',
  usage: `allowlist list [--url URL] [--key KEY] [--data DIR] [--json]

Lists the networks contact with which raises nothing, each with its reason and its end.

${API_USAGE}
  --json       one JSON object a network`,

  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { ...API_OPTIONS, json: { type: 'boolean', default: false } },
    });
    const { body } = await openApi(values, io).get<{ value: readonly ShownAllowEntry[] }>(
      'allowlist',
    );
    const text = values.json ? body.value.map(asJson).join('') : asText(body.value);
    await write(io.stdout, text);
    return 0;
  },
};

function asJson(entry: ShownAllowEntry): string {
  return `${JSON.stringify({ record: 'allowed', ...entry })}\n`;
}

function asText(entries: readonly ShownAllowEntry[]): string {
  if (entries.length === 0) return 'nothing is on the allowlist\n';
  const rows = entries.map(({ network, reason, expiresAt, expired }) => [
    network,
    `${expiresAt ?? '-'}${expired === true ? ' (expired)' : ''}`,
    reason,
  ]);
  return table([['NETWORK', 'UNTIL', 'REASON'], ...rows]);
}
