import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatPrefix, parsePrefix } from '../../shared/domain/address/prefix.ts';
import { parseDuration } from '../../shared/domain/time/duration.ts';
import { parseInstant } from '../../shared/domain/time/instant.ts';
import type { HuntContact, HuntRecord } from '../../shared/pipeline/hunt/requested-hunts.ts';
import { API_OPTIONS, API_USAGE, type ApiClient, apiPath, openApi } from '../api-client.ts';
import { ProgressLine } from '../console/progress-line.ts';
import { table } from '../console/table.ts';
import { printable } from '../feeds/printable.ts';
import { networksOfFile } from '../feeds/networks-of-file.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

const POLL_MS = 1000;
/** Contacts that the table shows; `--json` prints all. */
const SHOWN_CONTACTS = 50;

export const command: Command = {
  name: 'hunt',
  summary: 'which devices talked to an address, in all that the log holds',
  usage: `hunt ADDRESS|FILE... [--since TIME] [--no-wait] [--url URL] [--key KEY] [--data DIR] [--json]
       threadwatch hunt --id ID [...]

Searches the activity log of a running Threadwatch for contacts with addresses and networks: each ADDRESS as 203.0.113.5
or 2001:db8::/32, or all that a FILE names (a feed of any format that "feeds parse" reads; - is stdin). Listed or not:
every device that talked to one is told. Contacts with an address that a feed in use lists become alerts, as if they had
been seen live. Waits and shows progress; what is stopped with Ctrl-C goes on there, and --id ID shows it.

  --since TIME  how far back: a time (2026-08-22T11:00:00Z) or a duration (P7D, PT12H); default: 14 days, by setting
  --no-wait     ask only, and print the ID
  --id ID       show a hunt that was asked for before
${API_USAGE}
  --json        one JSON object a contact, then one for the hunt

Ends with 0 whether something was found or not, with 1 if some of the log cannot be read.`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        since: { type: 'string' },
        id: { type: 'string' },
        'no-wait': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (values.id !== undefined && (positionals.length > 0 || values.since !== undefined)) {
      throw new UsageError('--id shows a hunt; it takes neither ADDRESS nor --since');
    }
    const addresses = values.id === undefined ? await addressesOf(positionals, io) : [];
    const since = sinceOf(values.since);
    const api = openApi(values, io);
    const id = values.id ?? (await ask(api, addresses, since)).id;
    const hunt = await followed(api, id, values['no-wait'], io);
    await write(io.stdout, values.json ? asJson(hunt) : asText(hunt));
    if (hunt.failure === null) return 0;
    io.stderr.write(printable(`not all of the log could be read: ${hunt.failure}`) + '\n');
    return 1;
  },
};

async function ask(
  api: ApiClient,
  addresses: readonly string[],
  since: string | undefined,
): Promise<HuntRecord> {
  const body = { addresses, ...(since === undefined ? {} : { since }) };
  return (await api.post<HuntRecord>('hunts', body)).body;
}

/** The hunt when it is done, or as it is when nobody waits any longer. */
async function followed(
  api: ApiClient,
  id: string,
  asksOnly: boolean,
  io: CommandIo,
): Promise<HuntRecord> {
  const progress = new ProgressLine(io.stderr);
  for (;;) {
    const hunt = (await api.get<HuntRecord>(apiPath('hunts', id))).body;
    if (hunt.finishedAt !== null || asksOnly) {
      progress.clear();
      return hunt;
    }
    progress.show(progressText(hunt));
    await wait(POLL_MS, undefined, { signal: io.signal }).catch(() => {});
    if (io.signal.aborted) {
      progress.clear();
      throw new Error(`the hunt goes on; "threadwatch hunt --id ${id}" shows it`);
    }
  }
}

function progressText({ status, progress, contacts }: HuntRecord): string {
  if (status === 'waiting') return 'waiting for the hunt to begin';
  const { partitions, partitionsDone, blocks, bytesRead } = progress;
  return `running, ${partitionsDone} of ${partitions} partitions, ${blocks.toLocaleString('en')} blocks, ${megabytes(bytesRead)} read, ${contacts.length} contacts`;
}

function sinceOf(text: string | undefined): string | undefined {
  if (text === undefined || parseDuration(text) !== null || parseInstant(text) !== null) {
    return text;
  }
  throw new UsageError(
    `--since ${text}: a time as 2026-08-22T11:00:00Z, or a duration as P7D, was expected`,
  );
}

async function addressesOf(given: readonly string[], io: CommandIo): Promise<readonly string[]> {
  if (given.length === 0) throw new UsageError('ADDRESS or FILE was expected');
  if (given.filter((argument) => argument === '-').length > 1) {
    throw new UsageError('stdin (-) can be read once only');
  }
  const networks: string[] = [];
  for (const argument of given) {
    const prefix = parsePrefix(argument);
    if (prefix !== null) networks.push(formatPrefix(prefix));
    else networks.push(...(await networksIn(argument, io)));
  }
  return networks;
}

async function networksIn(file: string, io: CommandIo): Promise<string[]> {
  const path = resolve(io.cwd, file);
  if (file !== '-' && !(await stat(path).catch(() => null))?.isFile()) {
    throw new UsageError(`"${file}" is neither an address, a network nor a file`);
  }
  const networks = await networksOfFile(file === '-' ? io.stdin : createReadStream(path));
  if (networks.length === 0) throw new Error(`${file} names no address and no network`);
  return networks;
}

function asJson({ contacts, ...hunt }: HuntRecord): string {
  const records = [
    ...contacts.map((contact) => ({ record: 'contact', ...contact })),
    { record: 'hunt', ...hunt },
  ];
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function asText(hunt: HuntRecord): string {
  const { contacts, connectionsLeftOut, progress, status, networks, since } = hunt;
  if (status === 'waiting' || status === 'running')
    return `hunt ${hunt.id}: ${progressText(hunt)}\n`;
  const head = ['device', 'address', 'first', 'last', 'messages', 'connections', 'bytes', 'alert'];
  const rows = contacts.slice(0, SHOWN_CONTACTS).map(contactRow);
  const left = contacts.length - rows.length;
  const { blocks, blocksSkipped, bytesRead } = progress;
  const more = connectionsLeftOut === 0 ? '' : ` ${connectionsLeftOut} further connections;`;
  return (
    table(rows.length === 0 ? [] : [head, ...rows]) +
    (left === 0 ? '' : `  and ${left} more; --json prints all\n`) +
    `${contacts.length} contacts with ${networks} addresses and networks since ${since};${more} ` +
    `${blocks.toLocaleString('en')} blocks, ${blocksSkipped.toLocaleString('en')} of them left out by their summary, ${megabytes(bytesRead)} read\n`
  );
}

function contactRow(contact: HuntContact): string[] {
  const { deviceId, address, firstSeen, lastSeen, messages, connections, alertId } = contact;
  const bytes = `${contact.bytesIn} in, ${contact.bytesOut} out`;
  const counts = [String(messages), String(connections), bytes];
  return [deviceId, address, firstSeen, lastSeen, ...counts, alertId ?? 'none'];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
