import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  type Address,
  foldMapped,
  formatAddress,
  parseAddress,
} from '../../shared/domain/address/address.ts';
import type { Constraint } from '../../shared/domain/indicator/constraint.ts';
import type { MatchedIndicator, WarningMatch } from '../../shared/domain/indicator/indicator.ts';
import { printable } from '../feeds/printable.ts';
import { readSnapshotFile } from '../feeds/snapshot-file.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'index lookup',
  summary: 'say which feeds of a snapshot list an address, and by which prefix',
  usage: `index lookup FILE ADDRESS... [--json]

Explains each ADDRESS: every feed of the snapshot FILE that lists it, with the prefix that covers it. One of FILE and
ADDRESS may be -, read from stdin (addresses parted by blanks or lines). An IPv4-mapped address is looked up as IPv4.
Ends with 0 whether listed or not.

  --json   one JSON object for each address`,

  async run(args, io) {
    const { file, addresses, json } = await parseOptions(args, io);
    const snapshot = await readSnapshotFile(file, io);
    for (const address of addresses) {
      const found = {
        address: formatAddress(address),
        indicators: snapshot.matchesOf(address),
        warningLists: snapshot.warningsOf(address),
      };
      await write(io.stdout, json ? asJson(found) : asText(found));
    }
    return 0;
  },
};

interface Found {
  readonly address: string;
  readonly indicators: readonly MatchedIndicator[];
  readonly warningLists: readonly WarningMatch[];
}

async function parseOptions(
  args: readonly string[],
  io: CommandIo,
): Promise<{ file: string; addresses: Address[]; json: boolean }> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [file, ...given] = positionals;
  if (file === undefined || given.length === 0)
    throw new UsageError('FILE and ADDRESS were expected');
  if (positionals.filter((positional) => positional === '-').length > 1) {
    throw new UsageError('stdin (-) can be read once only');
  }
  const texts: string[] = [];
  for (const argument of given) {
    if (argument === '-') texts.push(...(await text(io.stdin)).split(/\s+/).filter(Boolean));
    else texts.push(argument);
  }
  return { file, addresses: texts.map(addressOf), json: values.json };
}

function addressOf(argument: string): Address {
  const address = parseAddress(argument);
  if (address === null) {
    throw new UsageError(`${JSON.stringify(argument)} is not an IPv4 or IPv6 address`);
  }
  return foldMapped(address);
}

function asJson({ address, indicators, warningLists }: Found): string {
  const listed = indicators.length > 0;
  const record = { record: 'lookup', address, listed, indicators, warningLists };
  return `${JSON.stringify(record)}\n`;
}

function asText({ address, indicators, warningLists }: Found): string {
  const listed = `${address}: ${indicators.length === 0 ? 'not listed' : 'listed'}\n`;
  return [listed, ...indicators.map(indicatorLine), ...warningLists.map(warningLine)].join('');
}

function warningLine({ list, matchedPrefix }: WarningMatch): string {
  return `${printable(`  on the warning list ${list}  ${matchedPrefix}`)}\n`;
}

function indicatorLine(indicator: MatchedIndicator): string {
  const { feed, kind, matchedPrefix, id, validFrom, validUntil, confidence } = indicator;
  const { labels, tlp, listedSince, constraint } = indicator;
  const known = {
    as: kind === 'threat' ? null : kind,
    id,
    'valid from': validFrom,
    'valid until': validUntil,
    confidence,
    tlp,
    'listed since': listedSince,
    only: constraint === null ? null : constraintText(constraint),
    labels: labels.length > 0 ? labels.join(', ') : null,
  };
  const details = Object.entries(known)
    .filter(([, known]) => known !== null)
    .map(([name, known]) => `  ${name} ${known}`);
  return `${printable(`  ${feed}  ${matchedPrefix}${details.join('')}`)}\n`;
}

function constraintText({ ports, direction, protocol }: Constraint): string {
  const parts = [
    protocol,
    ports === null ? null : `port ${ports.join(', ')}`,
    direction === null ? null : `as ${direction}`,
  ];
  return parts.filter((part) => part !== null).join(' ');
}
