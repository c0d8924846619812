import { formatPrefix } from '../../domain/address/prefix.ts';
import { NO_DETAIL } from '../../domain/indicator/indicator.ts';
import type { SnapshotFeed, SnapshotIndicator } from './collect.ts';
import type { IndicatorSnapshot } from './indicator-snapshot.ts';

/** What `after` lists and `before` (null: nothing) does not. */
export function newIndicators(
  after: IndicatorSnapshot,
  before: IndicatorSnapshot | null,
): SnapshotFeed[] {
  const key = ({ prefix, feed, detail }: SnapshotIndicator & { feed: string }) =>
    JSON.stringify([formatPrefix(prefix), feed, { ...(detail ?? NO_DETAIL), listedSince: null }]);
  const known = new Set(before === null ? [] : [...before.indicators()].map(key));
  const kinds = new Map(after.stat.feeds.map(({ name, kind }) => [name, kind]));
  const feeds = new Map<string, SnapshotIndicator[]>();
  for (const one of after.indicators()) {
    if (known.has(key(one))) continue;
    const list = feeds.get(one.feed) ?? [];
    list.push(one);
    feeds.set(one.feed, list);
  }
  return [...feeds].map(([name, indicators]) => ({ name, kind: kinds.get(name)!, indicators }));
}
