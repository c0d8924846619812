import { parseArgs } from 'node:util';
import { feedConfigurationSchema } from '../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { type Command, write } from './command.ts';

export const command: Command = {
  name: 'feeds schema',
  summary: 'the JSON schema of the configuration of feeds, for editors',
  usage: `feeds schema

Prints the JSON schema of feeds.json. An editor that knows it completes fields and marks what is wrong:
  threadwatch feeds schema > feeds.schema.json     and in feeds.json: "$schema": "./feeds.schema.json"`,

  async run(args, io) {
    parseArgs({ args: [...args], options: {} });
    await write(io.stdout, `${JSON.stringify(feedConfigurationSchema(), null, 2)}\n`);
    return 0;
  },
};
