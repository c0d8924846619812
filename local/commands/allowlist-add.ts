import { parseArgs } from 'node:util';
import { parsePrefix } from '../../shared/domain/address/prefix.ts';
import { parseInstant } from '../../shared/domain/time/instant.ts';
import type { ShownAllowEntry } from '../../shared/pipeline/feeds/operate/manage-allowlist.ts';
import { API_OPTIONS, API_USAGE, openApi } from '../api-client.ts';
import { allowPath } from '../feeds/allow-path.ts';
import { printable } from '../feeds/printable.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'allowlist add',
  summary: 'vouch for an address or network: contact with it raises nothing',
  usage: `allowlist add NETWORK --reason TEXT [--until TIME] [--url URL] [--key KEY] [--data DIR] [--json]

From now on contact with NETWORK (an address, or as 192.0.2.0/24) raises nothing, whatever feeds say. An entry that is there
gets the new reason and end.

  --reason TEXT  why; shown wherever the entry has an effect
  --until TIME   ISO 8601; without it the entry holds until it is removed
${API_USAGE}
  --json         one JSON object`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        reason: { type: 'string' },
        until: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [network, ...more] = positionals;
    if (network === undefined || more.length > 0) {
      throw new UsageError(`one NETWORK was expected, found ${positionals.length}`);
    }
    if (parsePrefix(network) === null) {
      throw new UsageError(`${JSON.stringify(network)} is no address or network`);
    }
    if (values.reason === undefined) throw new UsageError('--reason was expected: say why');
    if (values.until !== undefined && parseInstant(values.until) === null) {
      throw new UsageError(`--until must be an ISO 8601 time, not "${values.until}"`);
    }
    const { status, body } = await openApi(values, io).put<ShownAllowEntry>(allowPath(network), {
      reason: values.reason,
      expiresAt: values.until ?? null,
    });
    const text = `${status === 201 ? 'added' : 'on the allowlist'}: ${body.network}`;
    const record = { record: 'allowed', ...body };
    await write(io.stdout, `${values.json ? JSON.stringify(record) : printable(text)}\n`);
    return 0;
  },
};
