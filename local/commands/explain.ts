import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { formatAddress, parseAddress } from '../../shared/domain/address/address.ts';
import type {
  ExplainedIndicator,
  Explanation,
} from '../../shared/pipeline/feeds/operate/explain-address.ts';
import type { RecentContacts } from '../../shared/pipeline/hunt/recent-contacts.ts';
import { API_OPTIONS, API_USAGE, apiPath, openApi } from '../api-client.ts';
import { printable } from '../feeds/printable.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'explain',
  summary: 'who lists an address, what a contact would raise, and which devices had one',
  usage: `explain ADDRESS... [--url URL] [--key KEY] [--data DIR] [--json]

Tells of each ADDRESS what a running Threadwatch knows: the feeds that list it, by which network, since when and until when;
warning lists and the allowlist; in one sentence what a contact of a device would raise now; and the devices that talked to
it in the last day ("hunt" looks further back). - reads addresses from stdin. Ends with 0 whether listed or not.

${API_USAGE}
  --json       one JSON object an address`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...API_OPTIONS, json: { type: 'boolean', default: false } },
    });
    const addresses = await addressesOf(positionals, io);
    const api = openApi(values, io);
    for (const address of addresses) {
      const { body } = await api.get<Explained>(apiPath('indicators', address));
      await write(io.stdout, values.json ? asJson(body) : asText(body));
    }
    return 0;
  },
};

/** As `GET /api/indicators/{address}` answers. */
interface Explained extends Explanation {
  /** Absent from a version before 0.2. */
  readonly contacts?: RecentContacts;
}

async function addressesOf(given: readonly string[], io: CommandIo): Promise<readonly string[]> {
  if (given.length === 0) throw new UsageError('ADDRESS was expected');
  if (given.filter((argument) => argument === '-').length > 1) {
    throw new UsageError('stdin (-) can be read once only');
  }
  const texts: string[] = [];
  for (const argument of given) {
    if (argument === '-') texts.push(...(await text(io.stdin)).split(/\s+/).filter(Boolean));
    else texts.push(argument);
  }
  return texts.map(canonical);
}

function canonical(argument: string): string {
  const address = parseAddress(argument);
  if (address !== null) return formatAddress(address);
  throw new UsageError(`${JSON.stringify(argument)} is not an IPv4 or IPv6 address`);
}

function asJson(explanation: Explained): string {
  return `${JSON.stringify({ record: 'explanation', ...explanation })}\n`;
}

function asText(explained: Explained): string {
  const { address, effect, indicators, warningLists, allowlist, contacts } = explained;
  const lines = [
    `${address}: ${indicators.length > 0 ? 'listed' : 'not listed'}`,
    `  ${effect}`,
    ...indicators.map(indicatorLine),
    ...warningLists.map(({ list, matchedPrefix }) => `  warning list ${list}  ${matchedPrefix}`),
    ...(allowlist === null ? [] : [`  allowlist  ${allowlist.network}  ${allowlist.reason}`]),
    ...(contacts === undefined ? [] : contactLines(contacts)),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function contactLines(contacts: RecentContacts): string[] {
  const { devices, devicesLeftOut, complete, problem, since } = contacts;
  const reason = problem ?? 'the log of that time was too much; "hunt" reads it all';
  const known = devices.length + devicesLeftOut;
  const count = `${complete ? '' : 'at least '}${known} device${known === 1 ? '' : 's'}`;
  const more = devicesLeftOut === 0 ? [] : [`    and ${devicesLeftOut} more`];
  return [
    `  contacts  ${count} since ${since}${complete ? '' : `: ${reason}`}`,
    ...devices.map(
      ({ deviceId, messages, connections, firstSeen, lastSeen }) =>
        `    ${deviceId}  ${messages} messages  ${connections} connections  first ${firstSeen}  last ${lastSeen}`,
    ),
    ...more,
  ];
}

function indicatorLine(indicator: ExplainedIndicator): string {
  const { feed, kind, matchedPrefix, state, sources, labels, constraint } = indicator;
  const isOfOthers = sources.length > 1 || sources[0] !== feed;
  const known: Readonly<Record<string, string | number | null>> = {
    id: indicator.id,
    'listed since': indicator.listedSince,
    'valid from': indicator.validFrom,
    'valid until': indicator.validUntil,
    confidence: indicator.confidence,
    tlp: indicator.tlp,
    ports: constraint?.ports?.join(',') ?? null,
    direction: constraint?.direction ?? null,
    protocol: constraint?.protocol ?? null,
    labels: labels.length > 0 ? labels.join(', ') : null,
    said: isOfOthers ? `by ${sources.join(', ')}` : null,
  };
  const details = Object.entries(known)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `  ${name} ${value}`);
  return `  ${feed}  ${kind}  ${matchedPrefix}  ${state}${details.join('')}`;
}
