import { parseArgs } from 'node:util';
import type { FeedStatusWithHistory } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { API_OPTIONS, API_USAGE, apiPath, openApi } from '../api-client.ts';
import { statusDetail, statusJson } from '../feeds/status-text.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'feeds accept',
  summary: 'put the state of a feed that is held back in use',
  usage: `feeds accept NAME [--state STATE] [--url URL] [--key KEY] [--data DIR] [--json]

A feed that turned empty, shrank, grew or changed beyond belief keeps its last good state; "feeds status NAME" tells why.
This says that the new state is right: it is published at once.

  --state STATE  only if this is the state that is held, by its id or the beginning of it: a refresh may bring another
${API_USAGE}
  --json       one JSON object`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        state: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) {
      throw new UsageError(`one NAME was expected, found ${positionals.length}`);
    }
    const path = `${apiPath('feeds', name)}/accept`;
    const wanted = values.state === undefined ? {} : { state: values.state };
    const { body } = await openApi(values, io).post<FeedStatusWithHistory>(path, wanted);
    await write(io.stdout, values.json ? statusJson(body) : statusDetail(body, Date.now()));
    return 0;
  },
};
