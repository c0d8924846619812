import { isDeepStrictEqual } from 'node:util';
import type { WrittenFeed } from './configuration-target.ts';

export interface FeedOutcome {
  readonly name: string;
  /** `kept`: it is configured otherwise, and stays so. */
  readonly outcome: 'added' | 'changed' | 'unchanged' | 'kept';
  /** The fields that differ. */
  readonly fields: readonly string[];
}

export interface Merged {
  readonly feeds: readonly WrittenFeed[];
  readonly outcomes: readonly FeedOutcome[];
}

/**
 * The feeds with `given` among them. A feed of the same name, whatever its case, is replaced where it stands and keeps the
 * spelling under which its states are stored; with `keep` it stays as it is configured.
 */
export function mergeFeeds(
  feeds: readonly WrittenFeed[],
  given: readonly WrittenFeed[],
  { keep = false }: { readonly keep?: boolean } = {},
): Merged {
  const merged = [...feeds];
  const outcomes = given.map((feed): FeedOutcome => {
    const at = merged.findIndex(({ name }) => isSameName(name, feed.name));
    if (at < 0) {
      merged.push(feed);
      return { name: feed.name, outcome: 'added', fields: [] };
    }
    const { name } = merged[at]!;
    const fields = differing(merged[at]!, { ...feed, name });
    if (fields.length === 0) return { name, outcome: 'unchanged', fields };
    if (keep) return { name, outcome: 'kept', fields };
    merged[at] = { ...feed, name };
    return { name, outcome: 'changed', fields };
  });
  return { feeds: merged, outcomes };
}

export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function differing(a: WrittenFeed, b: WrittenFeed): readonly string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((name) => !isDeepStrictEqual(a[name], b[name]));
}
