import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { AllowEntry } from '../../shared/domain/indicator/allowlist.ts';
import { type AllowRecord, allowRecord } from '../../shared/format/allowlist.ts';
import { parseAllowlist } from '../../shared/pipeline/feeds/configuration/allowlist.ts';
import { API_OPTIONS, API_USAGE, type ApiClient, openApi } from '../api-client.ts';
import { allowPath } from '../feeds/allow-path.ts';
import { type AllowStep, planAllowlist } from '../feeds/plan-allowlist.ts';
import { printable } from '../feeds/printable.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'allowlist apply',
  summary: 'make the allowlist what a file says',
  usage: `allowlist apply FILE [--prune] [--plan] [--url URL] [--key KEY] [--data DIR] [--json]

FILE (- is stdin) is a JSON list of {"network", "reason", "expiresAt"?}. Shows what differs from the allowlist, then adds and
changes those entries; applied again it changes nothing. Entries whose end has passed are left out.

  --prune      also remove what FILE does not have
  --plan       only show what would be done
${API_USAGE}
  --json       one JSON object a step`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        prune: { type: 'boolean', default: false },
        plan: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) {
      throw new UsageError(`one FILE was expected, found ${positionals.length}`);
    }
    const now = Date.now();
    const wanted = (await readEntries(file, io)).filter(
      ({ expiresAt }) => expiresAt === null || expiresAt > now,
    );
    const api = openApi(values, io);
    const { value } = (await api.get<{ value: readonly AllowRecord[] }>('allowlist')).body;
    const plan = planAllowlist(value, wanted.map(allowRecord), values.prune);
    await write(io.stdout, plan.map(values.json ? stepJson : stepText).join(''));
    if (!values.json && plan.length === 0)
      await write(io.stdout, 'the allowlist is as it should be\n');
    if (!values.plan) for (const step of plan) await take(step, api);
    return 0;
  },
};

async function readEntries(file: string, io: CommandIo): Promise<AllowEntry[]> {
  const content =
    file === '-' ? await text(io.stdin) : await readFile(resolve(io.cwd, file), 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new Error(`${file === '-' ? 'stdin' : file} is not JSON`, { cause: error });
  }
  return parseAllowlist(value);
}

async function take({ action, entry }: AllowStep, api: ApiClient): Promise<void> {
  const path = allowPath(entry.network);
  if (action === 'remove') return api.delete(path);
  await api.put(path, { reason: entry.reason, expiresAt: entry.expiresAt });
}

function stepJson({ action, entry }: AllowStep): string {
  const { network, reason, expiresAt } = entry;
  return `${JSON.stringify({ record: 'step', action, network, reason, expiresAt })}\n`;
}

function stepText({ action, entry }: AllowStep): string {
  const { network, reason, expiresAt } = entry;
  const until = expiresAt === null ? '' : ` until ${expiresAt}`;
  return printable(`${action} ${network}${until} (${reason})`) + '\n';
}
