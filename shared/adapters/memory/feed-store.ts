import type { FeedRecord } from '../../domain/indicator/feed.ts';
import type { FeedStore, StoredFeed } from '../../ports/feed-store.ts';

export class MemoryFeedStore implements FeedStore {
  /** Kept as text, so that nobody holds a reference into the store. */
  readonly #feeds = new Map<string, { text: string; version: string }>();
  #writes = 0;

  async read(name: string): Promise<StoredFeed | null> {
    const stored = this.#feeds.get(name);
    return stored === undefined ? null : opened(stored);
  }

  async list(): Promise<readonly StoredFeed[]> {
    return [...this.#feeds]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, stored]) => opened(stored));
  }

  async write(feed: FeedRecord, version: string | null): Promise<boolean> {
    if ((this.#feeds.get(feed.name)?.version ?? null) !== version) return false;
    this.#feeds.set(feed.name, { text: JSON.stringify(feed), version: String(++this.#writes) });
    return true;
  }

  async remove(name: string): Promise<void> {
    this.#feeds.delete(name);
  }
}

function opened({ text, version }: { text: string; version: string }): StoredFeed {
  return { feed: JSON.parse(text) as FeedRecord, version };
}
