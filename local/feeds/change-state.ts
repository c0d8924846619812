import { parseArgs } from 'node:util';
import type { FeedStatusWithHistory } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { API_OPTIONS, apiPath, openApi } from '../api-client.ts';
import { type CommandIo, UsageError, write } from '../commands/command.ts';
import { statusDetail, statusJson } from './status-text.ts';

/** Asks for another state of the one feed that is named, of the one in --state if that is given, and shows what came of it. */
export async function changeState(
  args: readonly string[],
  io: CommandIo,
  action: 'accept' | 'rollback',
): Promise<number> {
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
  const path = `${apiPath('feeds', name)}/${action}`;
  const wanted = values.state === undefined ? {} : { state: values.state };
  const { body } = await openApi(values, io).post<FeedStatusWithHistory>(path, wanted);
  await write(io.stdout, values.json ? statusJson(body) : statusDetail(body, Date.now()));
  return 0;
}
