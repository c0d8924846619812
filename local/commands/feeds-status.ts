import { parseArgs } from 'node:util';
import type { FeedStatus } from '../../shared/pipeline/feeds/operate/feed-status.ts';
import type { FeedStatusWithHistory } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { API_OPTIONS, API_USAGE, apiPath, openApi } from '../api-client.ts';
import { statusDetail, statusJson, statusTable } from '../feeds/status-text.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'feeds status',
  summary: 'how each feed is: its state, counts, last success, and what is wrong',
  usage: `feeds status [NAME] [--url URL] [--key KEY] [--data DIR] [--json]

Shows every configured feed; with NAME one of them, with the reasons for which entries were refused and the earlier states
that "feeds rollback" can go back to. States: current; held (a new state waits for "feeds accept"); failing; expired (nothing
of it is matched any more); waiting (not yet fetched); disabled.

${API_USAGE}
  --json       one JSON object a feed`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...API_OPTIONS, json: { type: 'boolean', default: false } },
    });
    const [name, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`one NAME at most, found ${positionals.length}`);
    const api = openApi(values, io);
    if (name !== undefined) {
      const { body } = await api.get<FeedStatusWithHistory>(apiPath('feeds', name));
      await write(io.stdout, values.json ? statusJson(body) : statusDetail(body, Date.now()));
      return 0;
    }
    const feeds = (await api.get<{ value: readonly FeedStatus[] }>('feeds')).body.value;
    const text = values.json ? feeds.map(statusJson).join('') : statusTable(feeds, Date.now());
    await write(io.stdout, text);
    return 0;
  },
};
