import { parseArgs } from 'node:util';
import { table } from '../console/table.ts';
import { STARTER_FEEDS } from '../feeds/starter.ts';
import { type Command, write } from './command.ts';

export const command: Command = {
  name: 'feeds starter',
  summary: 'feeds that anybody may use, with licence and terms',
  usage: `feeds starter [--json]

Lists the starter set: "feeds add --starter NAME..." or "feeds add --starter all" configures them. Read the terms first.

  --json   one JSON object a feed, as the configuration has it`,

  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
    });
    if (values.json) {
      await write(io.stdout, STARTER_FEEDS.map((feed) => `${JSON.stringify(feed)}\n`).join(''));
      return 0;
    }
    const rows = STARTER_FEEDS.map(({ name, kind, licence, terms }) => [
      name,
      kind,
      licence,
      terms,
    ]);
    await write(io.stdout, table([['NAME', 'KIND', 'LICENCE', 'TERMS'], ...rows]));
    return 0;
  },
};
