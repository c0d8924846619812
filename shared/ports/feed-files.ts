/** The files of feed states and of their pieces, each under its hash; immutable. */
export interface FeedFiles {
  /** Keeps the file (the same bytes twice are kept once) and gives its SHA-256, hexadecimal. */
  store(feed: string, bytes: Uint8Array): Promise<string>;
  /** Null when it is lost: not there, or not what `id` promises. */
  read(feed: string, id: string): Promise<Uint8Array | null>;
  /** Removes every file of the feed but these, and but those stored within the last hour: somebody may be about to name them. */
  keepOnly(feed: string, ids: ReadonlySet<string>): Promise<void>;
}
