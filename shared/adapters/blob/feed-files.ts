import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { FeedFiles } from '../../ports/feed-files.ts';
import { HashMismatchError } from '../../ports/hash-mismatch.ts';
import { CONTAINERS, statusOf } from './blob-service.ts';
import { listOlder, readHashed, removeOlder, storeHashed } from './hashed-blobs.ts';

/** A refresher stores files first and names them in the feed's record afterwards: so long they belong to nobody. */
const FRESH_MS = 3_600_000;

/** `indicators/feeds/{feed}/{sha256}`. */
export class BlobFeedFiles implements FeedFiles {
  readonly #container: ContainerClient;
  readonly #now: () => number;

  /** `now` is held against the times that the service gives its blobs: the machine's clock, not a virtual one. */
  constructor(service: BlobServiceClient, now: () => number = Date.now) {
    this.#container = service.getContainerClient(CONTAINERS.indicators);
    this.#now = now;
  }

  async store(feed: string, bytes: Uint8Array): Promise<string> {
    return storeHashed(this.#container, folderOf(feed), bytes);
  }

  async read(feed: string, id: string): Promise<Uint8Array | null> {
    try {
      return await readHashed(this.#container, folderOf(feed), id);
    } catch (error) {
      if (error instanceof HashMismatchError || statusOf(error) === 404) return null;
      throw error;
    }
  }

  async keepOnly(feed: string, ids: ReadonlySet<string>): Promise<void> {
    const folder = folderOf(feed);
    const olderThan = this.#now() - FRESH_MS;
    for (const id of await listOlder(this.#container, folder, olderThan)) {
      if (!ids.has(id)) await removeOlder(this.#container, `${folder}/${id}`, olderThan);
    }
  }
}

/** One step of a path: a feed must not reach into the files of another. */
function folderOf(feed: string): string {
  if (!/^[^/\\]+$/.test(feed) || feed === '.' || feed === '..') {
    throw new Error('a feed name that can be the name of a folder was expected');
  }
  return `feeds/${feed}`;
}
