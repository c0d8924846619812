import { parseArgs } from 'node:util';
import { shownAddress } from '../../shared/pipeline/feeds/operate/feed-status.ts';
import { API_OPTIONS, API_USAGE } from '../api-client.ts';
import { table } from '../console/table.ts';
import { type WrittenFeed, openTarget, readFeeds } from '../feeds/configuration-target.ts';
import { type Command, write } from './command.ts';

export const command: Command = {
  name: 'feeds list',
  summary: 'the configured feeds',
  usage: `feeds list [--file FILE] [--url URL] [--key KEY] [--data DIR] [--json]

Lists the feeds as they are configured, on a running Threadwatch or in a file. "feeds status" tells how they are.

  --file FILE  of this configuration file instead
${API_USAGE}
  --json       one JSON object a feed, as the configuration has it`,

  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...API_OPTIONS,
        file: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const feeds = await readFeeds(openTarget(values, io));
    if (values.json) {
      await write(io.stdout, feeds.map((feed) => `${JSON.stringify(feed)}\n`).join(''));
    } else if (feeds.length === 0) {
      await write(io.stdout, 'no feed is configured; "feeds add --starter all" adds some\n');
    } else {
      await write(io.stdout, table([COLUMNS, ...feeds.map(rowOf)]));
    }
    return 0;
  },
};

const COLUMNS = ['NAME', 'FORMAT', 'KIND', 'LICENCE', 'ADDRESS'];

function rowOf(feed: WrittenFeed): readonly string[] {
  const { name, enabled, format, kind, licence, address } = feed;
  const text = (value: unknown, otherwise: string) =>
    typeof value === 'string' ? value : otherwise;
  return [
    enabled === false ? `${name} (disabled)` : name,
    text(format, 'auto'),
    text(kind, '-'),
    text(licence, '-'),
    shownAddress(text(address, '-')),
  ];
}
