import { hash } from 'node:crypto';
import type { FeedFiles } from '../../ports/feed-files.ts';

interface File {
  readonly bytes: Uint8Array;
  /** Epoch milliseconds of the latest time that somebody stored it. */
  readonly storedAt: number;
}

/** As the blobs: a file that was stored within the last hour stays, whoever asks. */
const FRESH_MS = 3_600_000;

export class MemoryFeedFiles implements FeedFiles {
  readonly #feeds = new Map<string, Map<string, File>>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async store(feed: string, bytes: Uint8Array): Promise<string> {
    const id = hash('sha256', bytes, 'hex');
    const files = this.#feeds.get(feed) ?? new Map<string, File>();
    this.#feeds.set(feed, files);
    files.set(id, { bytes: new Uint8Array(bytes), storedAt: this.#now() });
    return id;
  }

  async read(feed: string, id: string): Promise<Uint8Array | null> {
    const file = this.#feeds.get(feed)?.get(id);
    return file === undefined ? null : new Uint8Array(file.bytes);
  }

  async keepOnly(feed: string, ids: ReadonlySet<string>): Promise<void> {
    const files = this.#feeds.get(feed) ?? new Map<string, File>();
    for (const [id, { storedAt }] of files) {
      if (!ids.has(id) && storedAt < this.#now() - FRESH_MS) files.delete(id);
    }
  }
}
