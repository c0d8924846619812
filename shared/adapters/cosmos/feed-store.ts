import type { Container, CosmosClient } from '@azure/cosmos';
import type { FeedRecord } from '../../domain/indicator/feed.ts';
import type { FeedStore, StoredFeed } from '../../ports/feed-store.ts';
import { DATABASE, FEEDS, statusOf } from './cosmos.ts';

interface FeedDocument {
  /** The feed's name, which is the partition key too. */
  readonly id: string;
  readonly record: 'feed';
  readonly feed: FeedRecord;
}

export class CosmosFeedStore implements FeedStore {
  readonly #container: Container;

  constructor(client: CosmosClient) {
    this.#container = client.database(DATABASE).container(FEEDS);
  }

  async read(name: string): Promise<StoredFeed | null> {
    if (!isDocumentId(name)) return null;
    const { resource, etag, statusCode } = await this.#container
      .item(name, name)
      .read<FeedDocument>();
    // The SDK gives a missing item as an answer with 404.
    if (statusCode === 404 || resource === undefined) return null;
    return { feed: fromDocument(resource), version: etag };
  }

  async list(): Promise<readonly StoredFeed[]> {
    const pages = this.#container.items
      .query<FeedDocument & { readonly _etag: string }>("SELECT * FROM c WHERE c.record = 'feed'")
      .getAsyncIterator();
    const feeds: StoredFeed[] = [];
    for await (const { resources } of pages) {
      for (const document of resources) {
        feeds.push({ feed: fromDocument(document), version: document._etag });
      }
    }
    return feeds.sort((a, b) => (a.feed.name < b.feed.name ? -1 : 1));
  }

  async write(feed: FeedRecord, version: string | null): Promise<boolean> {
    if (!isDocumentId(feed.name)) {
      throw new Error('a feed name that can be the id of a document was expected');
    }
    try {
      await (version === null ? this.#create(feed) : this.#replace(feed, version));
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === (version === null ? 409 : 412)) return false;
      // Replaced, it may have been removed meanwhile; created, a 404 says that the container is missing.
      if (status === 404 && version !== null) return false;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    if (!isDocumentId(name)) return;
    try {
      await this.#container.item(name, name).delete();
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  }

  async #create(feed: FeedRecord): Promise<void> {
    await this.#container.items.create(toDocument(feed));
  }

  async #replace(feed: FeedRecord, version: string): Promise<void> {
    await this.#container.item(feed.name, feed.name).replace(toDocument(feed), {
      accessCondition: { type: 'IfMatch', condition: version },
    });
  }
}

/** Ids are at most 255 long and without `/ \ ? #`; the dots would be taken for steps of a path. */
function isDocumentId(name: string): boolean {
  return /^[^/\\?#]{1,255}$/.test(name) && name !== '.' && name !== '..';
}

function toDocument(feed: FeedRecord): FeedDocument {
  return { id: feed.name, record: 'feed', feed };
}

function fromDocument(document: FeedDocument): FeedRecord {
  return document.feed;
}
