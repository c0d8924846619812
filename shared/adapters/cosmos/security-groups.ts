import { createHash } from 'node:crypto';
import type { Container, CosmosClient, ItemResponse } from '@azure/cosmos';
import {
  type GroupSet,
  type SecurityGroup,
  groupKey,
} from '../../domain/security-group/security-group.ts';
import type { SecurityGroups, StoredGroup } from '../../ports/security-groups.ts';
import { DATABASE, SECURITY_GROUPS, statusOf } from './cosmos.ts';

interface GroupDocument {
  /** A hash of the key: names may be longer than an id, and have characters that an id must not have. */
  readonly id: string;
  readonly record: 'securityGroup';
  readonly key: string;
  /** How often the group was written or removed. A removed one stays as a tombstone, so that the sum over all never falls. */
  readonly revision: number;
  readonly group: SecurityGroup | null;
}

interface Read {
  readonly document: GroupDocument;
  readonly version: string;
}

type Stored = GroupDocument & { readonly _etag: string };

export class CosmosSecurityGroups implements SecurityGroups {
  readonly #container: Container;

  constructor(client: CosmosClient) {
    this.#container = client.database(DATABASE).container(SECURITY_GROUPS);
  }

  async read(key: string): Promise<StoredGroup | null> {
    const read = await this.#read(key);
    return read === null ? null : storedGroup(read);
  }

  async list(): Promise<readonly StoredGroup[]> {
    return (await this.#all()).flatMap((read) => storedGroup(read) ?? []);
  }

  async current(): Promise<GroupSet> {
    const all = await this.#all();
    return {
      revision: all.reduce((sum, { document }) => sum + document.revision, 0),
      groups: all.flatMap(({ document }) => document.group ?? []),
    };
  }

  async write(group: SecurityGroup, version: string | null): Promise<string | null> {
    return this.#put(groupKey(group.name), group, version);
  }

  async remove(key: string, version: string): Promise<boolean> {
    return (await this.#put(key, null, version)) !== null;
  }

  /** Over the group of that version, or over none: then over a tombstone, if there is one. */
  async #put(
    key: string,
    group: SecurityGroup | null,
    version: string | null,
  ): Promise<string | null> {
    const read = await this.#read(key);
    const present = read === null || read.document.group === null ? null : read.version;
    if (present !== version) return null;
    const document = toDocument(key, (read?.document.revision ?? 0) + 1, group);
    try {
      const { etag } = await (read === null
        ? this.#container.items.create(document)
        : this.#replace(document, read.version));
      return etag;
    } catch (error) {
      if (statusOf(error) === (read === null ? 409 : 412)) return null;
      throw error;
    }
  }

  #replace(document: GroupDocument, version: string): Promise<ItemResponse<GroupDocument>> {
    return this.#container.item(document.id, document.id).replace(document, {
      accessCondition: { type: 'IfMatch', condition: version },
    });
  }

  async #read(key: string): Promise<Read | null> {
    const id = idOf(key);
    const { resource, etag, statusCode } = await this.#container.item(id, id).read<GroupDocument>();
    // The SDK gives a missing item as an answer with 404; so it does for a missing container, where `create` then throws.
    if (statusCode === 404 || resource === undefined) return null;
    return { document: resource, version: etag };
  }

  /** In order of key, tombstones included. */
  async #all(): Promise<readonly Read[]> {
    const pages = this.#container.items
      .query<Stored>("SELECT * FROM c WHERE c.record = 'securityGroup'")
      .getAsyncIterator();
    const all: Read[] = [];
    for await (const { resources } of pages) {
      for (const document of resources) all.push({ document, version: document._etag });
    }
    return all.sort((a, b) => (a.document.key < b.document.key ? -1 : 1));
  }
}

function idOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function toDocument(key: string, revision: number, group: SecurityGroup | null): GroupDocument {
  return { id: idOf(key), record: 'securityGroup', key, revision, group };
}

function storedGroup({ document, version }: Read): StoredGroup | null {
  return document.group === null ? null : { group: document.group, version };
}
