import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PARTIAL_FAILURES } from '../../shared/domain/indicator/feed.ts';
import type { FeedStatus } from '../../shared/pipeline/feeds/operate/feed-status.ts';
import type { RequestedRefresh } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { API_OPTIONS, API_USAGE, type ApiClient, apiPath, openApi } from '../api-client.ts';
import { ProgressLine } from '../console/progress-line.ts';
import { printable } from '../feeds/printable.ts';
import { statusJson, statusTable } from '../feeds/status-text.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

const POLL_MS = 500;

export const command: Command = {
  name: 'feeds refresh',
  summary: 'fetch feeds now, and wait until that is done',
  usage: `feeds refresh [NAME...] [--wait SECONDS] [--url URL] [--key KEY] [--data DIR] [--json]

Asks for a refresh of the named feeds, or of all that are enabled, and waits until each was tried. Prints how they are then;
ends with 1 if one failed, is held, or was not tried in time.

  --wait SECONDS  how long at most (default: 120); 0 asks only
${API_USAGE}
  --json          one JSON object a feed`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        wait: { type: 'string', default: '120' },
        json: { type: 'boolean', default: false },
      },
    });
    const seconds = /^\d{1,5}$/.test(values.wait) ? Number(values.wait) : null;
    if (seconds === null) {
      throw new UsageError(`--wait must be a number of seconds, not "${values.wait}"`);
    }
    const api = openApi(values, io);
    const asked = await ask(api, positionals);
    if (seconds === 0) {
      io.stderr.write(printable(`asked for: ${[...asked.keys()].join(', ')}`) + '\n');
      return 0;
    }
    const feeds = await tried(api, asked, seconds * 1000, io);
    const text = values.json ? feeds.map(statusJson).join('') : statusTable(feeds, Date.now());
    await write(io.stdout, text);
    const late = feeds.filter((feed) => isPending(feed, asked)).map(({ name }) => name);
    if (late.length > 0) {
      io.stderr.write(printable(`not tried within ${seconds} s: ${late.join(', ')}`) + '\n');
    }
    return late.length > 0 || feeds.some(isWrong) ? 1 : 0;
  },
};

/** By name the time of the request, on the clock of Threadwatch. */
type Asked = ReadonlyMap<string, string>;

async function ask(api: ApiClient, names: readonly string[]): Promise<Asked> {
  const paths = names.length === 0 ? ['feeds/refresh'] : names.map(refreshPath);
  const asked = new Map<string, string>();
  for (const path of paths) {
    const { body } = await api.post<RequestedRefresh>(path);
    for (const name of body.requested) asked.set(name, body.requestedAt);
  }
  return asked;
}

function refreshPath(name: string): string {
  return `${apiPath('feeds', name)}/refresh`;
}

/** The feeds as they are when each was tried, or when the time is up. */
async function tried(
  api: ApiClient,
  asked: Asked,
  withinMs: number,
  io: CommandIo,
): Promise<readonly FeedStatus[]> {
  const progress = new ProgressLine(io.stderr);
  const until = performance.now() + withinMs;
  while (true) {
    const { value } = (await api.get<{ value: readonly FeedStatus[] }>('feeds')).body;
    const feeds = value.filter(({ name }) => asked.has(name));
    const pending = feeds.filter((feed) => isPending(feed, asked)).map(({ name }) => name);
    if (pending.length === 0 || performance.now() >= until || io.signal.aborted) {
      progress.clear();
      return feeds;
    }
    const shown = pending.slice(0, 3).join(', ');
    progress.show(
      printable(`waiting for ${pending.length} of ${feeds.length} feeds: ${shown.slice(0, 60)}`),
    );
    await wait(POLL_MS, undefined, { signal: io.signal }).catch(() => {});
  }
}

/** ISO texts of one form: they compare as the times do. */
function isPending({ name, lastAttempt }: FeedStatus, asked: Asked): boolean {
  return lastAttempt === null || lastAttempt < asked.get(name)!;
}

/** A feed of which parts could not be had has been refreshed; its status says what is missing. */
function isWrong({ failure, held }: FeedStatus): boolean {
  return held !== null || (failure !== null && !PARTIAL_FAILURES.has(failure.code));
}
