import type { FeedRecord } from '../domain/indicator/feed.ts';

export interface StoredFeed {
  readonly feed: FeedRecord;
  readonly version: string;
}

/** One record a configured feed. */
export interface FeedStore {
  /** Null when there is none. */
  read(name: string): Promise<StoredFeed | null>;
  list(): Promise<readonly StoredFeed[]>;
  /** Writes over the record that was read in `version` (null: there was none); false when it is no longer that one. */
  write(feed: FeedRecord, version: string | null): Promise<boolean>;
  /** Also true when there was none. */
  remove(name: string): Promise<void>;
}
