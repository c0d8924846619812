import { parseArgs } from 'node:util';
import type { SnapshotStat } from '../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { printable } from '../feeds/printable.ts';
import { readSnapshotFile } from '../feeds/snapshot-file.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'index stat',
  summary: 'check a snapshot and say what is in it',
  usage: `index stat FILE [--json]

Checks the snapshot FILE (- is stdin) and prints its counts, feeds and sections.

  --json   one JSON object`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) {
      throw new UsageError(`one FILE was expected, found ${positionals.length}`);
    }
    const { stat } = await readSnapshotFile(file, io);
    const json = () => `${JSON.stringify({ record: 'stat', ...stat })}\n`;
    await write(io.stdout, values.json ? json() : asText(stat));
    return 0;
  },
};

function asText(stat: SnapshotStat): string {
  const { bytes, version, ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = stat;
  return [
    `version ${version}, ${bytes} bytes\n`,
    `IPv4: ${ipv4Addresses} addresses, ${ipv4Prefixes} prefixes\n`,
    `IPv6: ${ipv6Addresses} addresses, ${ipv6Prefixes} prefixes\n`,
    'feeds:\n',
    ...stat.feeds.map(({ name, indicators }) => `  ${printable(name)}: ${indicators} indicators\n`),
    stat.warningLists.length === 0 ? '' : 'warning lists:\n',
    ...stat.warningLists.map(
      ({ name, indicators }) => `  ${printable(name)}: ${indicators} entries\n`,
    ),
    'sections:\n',
    ...Object.entries(stat.sections).map(([name, size]) => `  ${name}: ${size} bytes\n`),
  ].join('');
}
