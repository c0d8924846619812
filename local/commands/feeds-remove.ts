import { parseArgs } from 'node:util';
import { API_OPTIONS, API_USAGE } from '../api-client.ts';
import { editFeeds, openTarget } from '../feeds/configuration-target.ts';
import { isSameName } from '../feeds/merge-feeds.ts';
import { printable } from '../feeds/printable.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'feeds remove',
  summary: 'take feeds out of the configuration',
  usage: `feeds remove NAME... [--file FILE] [--url URL] [--key KEY] [--data DIR] [--json]

Takes feeds out of the configuration; their indicators leave the index, and their states the store, within a minute. A feed
that is not there is said, and no error.

  --file FILE  edit this configuration file instead of a running Threadwatch
${API_USAGE}
  --json       one JSON object a feed`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        file: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw new UsageError('NAME was expected');
    const removed: string[] = [];
    await editFeeds(openTarget(values, io), (feeds) => {
      const isNamed = (name: string) => positionals.some((given) => isSameName(given, name));
      removed.splice(0, removed.length, ...feeds.map(({ name }) => name).filter(isNamed));
      return removed.length === 0 ? null : feeds.filter(({ name }) => !isNamed(name));
    });
    for (const name of positionals) {
      const outcome = removed.some((one) => isSameName(one, name)) ? 'removed' : 'absent';
      const line = values.json
        ? JSON.stringify({ record: 'feed', name, outcome })
        : printable(outcome === 'removed' ? `removed ${name}` : `no feed is called ${name}`);
      await write(io.stdout, `${line}\n`);
    }
    return 0;
  },
};
