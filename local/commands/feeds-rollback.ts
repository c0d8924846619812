import { parseArgs } from 'node:util';
import type { FeedStatusWithHistory } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { API_OPTIONS, API_USAGE, apiPath, openApi } from '../api-client.ts';
import { statusDetail, statusJson } from '../feeds/status-text.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'feeds rollback',
  summary: 'put an earlier state of a feed in use',
  usage: `feeds rollback NAME [--to STATE] [--url URL] [--key KEY] [--data DIR] [--json]

Goes back to the state that a feed had before, and publishes that at once. The feed stays there: what its source lists from
then on is held until "feeds accept NAME", or until the source lists that earlier state again.

  --to STATE   an earlier state, by its id or the beginning of it; "feeds status NAME" lists them
${API_USAGE}
  --json       one JSON object`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        to: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) {
      throw new UsageError(`one NAME was expected, found ${positionals.length}`);
    }
    const path = `${apiPath('feeds', name)}/rollback`;
    const wanted = values.to === undefined ? {} : { state: values.to };
    const { body } = await openApi(values, io).post<FeedStatusWithHistory>(path, wanted);
    await write(io.stdout, values.json ? statusJson(body) : statusDetail(body, Date.now()));
    return 0;
  },
};
