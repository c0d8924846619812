import { UsageError } from '../commands/command.ts';
import type { WrittenFeed } from './configuration-target.ts';
import { isSameName } from './merge-feeds.ts';
import starter from './starter-feeds.json' with { type: 'json' };

/** Feeds that anybody may use, each with its licence and terms. */
export const STARTER_FEEDS: readonly (WrittenFeed & {
  readonly address: string;
  readonly kind: string;
  readonly licence: string;
  readonly attribution: string;
  readonly terms: string;
})[] = starter.feeds;

/** Those of these names, or `all`. */
export function starterFeeds(names: readonly string[]): readonly WrittenFeed[] {
  if (names.length === 1 && names[0] === 'all') return STARTER_FEEDS;
  return names.map((name) => {
    const feed = STARTER_FEEDS.find((feed) => isSameName(feed.name, name));
    if (feed !== undefined) return feed;
    throw new UsageError(`"${name}" is no feed of the starter set; "feeds starter" lists them`);
  });
}
