import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { FEED_KINDS } from '../../shared/domain/indicator/feed-kind.ts';
import { FEED_FORMATS } from '../../shared/pipeline/feeds/read/feed-format.ts';
import { API_OPTIONS, API_USAGE } from '../api-client.ts';
import {
  type WrittenFeed,
  editFeeds,
  openTarget,
  parseFeeds,
} from '../feeds/configuration-target.ts';
import { FEED_OPTIONS, feedOfOptions } from '../feeds/feed-options.ts';
import { type FeedOutcome, mergeFeeds } from '../feeds/merge-feeds.ts';
import { printable } from '../feeds/printable.ts';
import { starterFeeds } from '../feeds/starter.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

const OPTIONS = {
  ...API_OPTIONS,
  ...FEED_OPTIONS,
  starter: { type: 'boolean', default: false },
  from: { type: 'string' },
  file: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const command: Command = {
  name: 'feeds add',
  summary: 'configure a feed, feeds of the starter set, or the feeds of a file',
  usage: `feeds add NAME ADDRESS [options]
       threadwatch feeds add --starter NAME...|all
       threadwatch feeds add --from FILE

Configures feeds; they are fetched within a minute. A feed of the same name is replaced, and the same feed again changes
nothing. --starter adds feeds that anybody may use ("feeds starter" lists them) and leaves those alone that are configured
otherwise. --from takes the feeds of a configuration file, or of a list of feeds; - is stdin.

  --format F             auto (default), ${FEED_FORMATS.join(', ')}
  --kind K               ${FEED_KINDS.join(', ')}
  --confidence N         0 to 100, for indicators whose feed says nothing
  --minimum-confidence N indicators below are left out
  --refresh-every D      ISO 8601 duration, as PT1H
  --time-to-live D       how long its last good state is used, as P7D
  --direction D          source or destination where the feed names neither; both lifts what it names
  --tlp T                clear, green, amber, amber+strict or red, for indicators whose feed says nothing
  --credential-setting S name of the app setting with the secret; it begins with FeedCredential
  --credential-type T    bearer (default), basic with --user U, header with --header H
  --allow-private        plain http, and private and loopback addresses
  --licence, --attribution, --terms
  --disabled             configured, but not fetched

  --file FILE  edit this configuration file instead of a running Threadwatch
${API_USAGE}
  --json       one JSON object a feed`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: OPTIONS,
    });
    const given = await feedsToAdd(positionals, values, io);
    let outcomes: readonly FeedOutcome[] = [];
    await editFeeds(openTarget(values, io), (feeds) => {
      const merged = mergeFeeds(feeds, given, { keep: values.starter });
      ({ outcomes } = merged);
      return outcomes.every(isAsBefore) ? null : merged.feeds;
    });
    await write(io.stdout, outcomes.map(values.json ? outcomeJson : outcomeText).join(''));
    return 0;
  },
};

type AddValues = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

async function feedsToAdd(
  positionals: readonly string[],
  values: AddValues,
  io: CommandIo,
): Promise<readonly WrittenFeed[]> {
  const { starter, from } = values;
  if (starter && from !== undefined) throw new UsageError('either --starter or --from');
  if (starter || from !== undefined) refuseFeedOptions(values);
  if (starter) {
    if (positionals.length === 0) throw new UsageError('--starter: NAME or "all" was expected');
    return starterFeeds(positionals);
  }
  if (from !== undefined) {
    if (positionals.length > 0) throw new UsageError(`--from: no "${positionals[0]}" was expected`);
    const content =
      from === '-' ? await text(io.stdin) : await readFile(resolve(io.cwd, from), 'utf8');
    return parseFeeds(content, from === '-' ? 'stdin' : from);
  }
  const [name, address] = positionals;
  if (name === undefined || address === undefined || positionals.length > 2) {
    throw new UsageError(`NAME and ADDRESS were expected, found ${positionals.length} arguments`);
  }
  return [feedOfOptions(name, address, values)];
}

function refuseFeedOptions(values: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(FEED_OPTIONS).find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} goes with NAME and ADDRESS only`);
}

function isAsBefore({ outcome }: FeedOutcome): boolean {
  return outcome === 'unchanged' || outcome === 'kept';
}

function outcomeJson(outcome: FeedOutcome): string {
  return `${JSON.stringify({ record: 'feed', ...outcome })}\n`;
}

function outcomeText({ name, outcome, fields }: FeedOutcome): string {
  const what =
    outcome === 'kept'
      ? ` as it is configured, which differs in: ${fields.join(', ')}`
      : fields.length > 0
        ? `: ${fields.join(', ')}`
        : '';
  return printable(`${outcome} ${name}${what}`) + '\n';
}
