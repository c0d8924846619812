import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HttpError } from '../loopback-http.ts';
import { Journal } from './journal.ts';
import {
  badRequest,
  checkContainer,
  checkDocument,
  checkResource,
  isExpired,
  type Json,
  partitionKeyOf,
  type Resource,
} from './resources.ts';

interface Container {
  readonly resource: Resource;
  /** By partition key and id. */
  readonly documents: Map<string, Resource>;
}

interface Database {
  readonly resource: Resource;
  readonly containers: Map<string, Container>;
}

/** A line of the journal: the write's number, what it was about, and what stands there now (null: nothing). */
type JournalRecord =
  | readonly [sequence: number, kind: 'account']
  | readonly [sequence: number, kind: 'database', id: string, resource: Resource | null]
  | readonly [
      sequence: number,
      kind: 'container',
      database: string,
      id: string,
      resource: Resource | null,
    ]
  | readonly [
      sequence: number,
      kind: 'document',
      database: string,
      container: string,
      key: string,
      resource: Resource | null,
    ];

export interface StoreOptions {
  readonly directory: string;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** Whether a write replaced something. */
export interface Written {
  readonly resource: Resource;
  readonly created: boolean;
}

/** The journal is rewritten when it has grown to so many times what it was, and is not small. */
const COMPACT_FACTOR = 4;
const COMPACT_BYTES = 64 * 1024 * 1024;

/** Databases, containers and documents in memory, each write in a journal first. Refuses with the statuses of Cosmos. */
export class CosmosStore {
  readonly #journal: Journal;
  readonly #now: () => number;
  readonly #databases = new Map<string, Database>();
  #sequence = 0;
  #compactedBytes = 0;

  constructor(options: StoreOptions) {
    this.#now = options.now ?? Date.now;
    mkdirSync(options.directory, { recursive: true });
    this.#journal = new Journal(join(options.directory, 'journal.ndjson'));
    for (const record of this.#journal.read()) this.#apply(record as JournalRecord);
    this.#compact();
  }

  close(): void {
    this.#journal.close();
  }

  databases(): readonly Resource[] {
    return [...this.#databases.values()].map(({ resource }) => resource);
  }

  database(databaseId: string): Resource {
    return this.#database(databaseId).resource;
  }

  createDatabase(body: unknown): Resource {
    const database = checkResource(body);
    if (this.#databases.has(database.id)) throw conflict(database.id);
    const rid = Buffer.alloc(4);
    rid.writeUInt32BE(this.#sequence + 1);
    return this.#write(database, rid, 'dbs/', (resource) => [
      resource._lsn,
      'database',
      resource.id,
      resource,
    ]);
  }

  deleteDatabase(databaseId: string): void {
    this.#database(databaseId);
    this.#commit([this.#sequence + 1, 'database', databaseId, null]);
  }

  containers(databaseId: string): readonly Resource[] {
    return [...this.#database(databaseId).containers.values()].map(({ resource }) => resource);
  }

  container(databaseId: string, containerId: string): Resource {
    return this.#container(databaseId, containerId).resource;
  }

  createContainer(databaseId: string, body: unknown): Resource {
    const { resource: parent, containers } = this.#database(databaseId);
    const container = checkContainer(body);
    if (containers.has(container.id)) throw conflict(container.id);
    const rid = Buffer.alloc(8);
    Buffer.from(parent._rid, 'base64').copy(rid);
    rid.writeUInt32BE(this.#sequence + 1, 4);
    return this.#write(container, rid, `${parent._self}colls/`, (resource) => [
      resource._lsn,
      'container',
      databaseId,
      resource.id,
      resource,
    ]);
  }

  deleteContainer(databaseId: string, containerId: string): void {
    this.#container(databaseId, containerId);
    this.#commit([this.#sequence + 1, 'container', databaseId, containerId, null]);
  }

  /** Documents that have not expired; of one partition key if given. In the order of `_rid`. */
  documents(databaseId: string, containerId: string, partitionKey?: string): readonly Resource[] {
    const { resource: container, documents } = this.#container(databaseId, containerId);
    const nowSeconds = this.#nowSeconds();
    return [...documents.values()]
      .filter(
        (document) =>
          !isExpired(container, document, nowSeconds) &&
          (partitionKey === undefined || partitionKeyOf(container, document) === partitionKey),
      )
      .sort((a, b) => (a._rid < b._rid ? -1 : 1));
  }

  document(databaseId: string, containerId: string, partitionKey: string, id: string): Resource {
    const container = this.#container(databaseId, containerId);
    const document = this.#find(container, partitionKey, id);
    if (document === undefined) throw notFound(`the document "${id}"`);
    return document;
  }

  /** `upsert` takes what stands there for granted; else an id that is taken is a conflict. */
  createDocument(
    databaseId: string,
    containerId: string,
    partitionKey: string,
    body: unknown,
    options: { readonly upsert: boolean; readonly ifMatch?: string | undefined },
  ): Written {
    const container = this.#container(databaseId, containerId);
    const document = checkDocument(body);
    checkPartitionKey(container, document, partitionKey);
    const existing = this.#find(container, partitionKey, document.id);
    if (existing === undefined) {
      const resource = this.#writeDocument(databaseId, container, partitionKey, document);
      return { resource, created: true };
    }
    if (!options.upsert) throw conflict(document.id);
    checkMatch(existing, options.ifMatch);
    const resource = this.#writeDocument(databaseId, container, partitionKey, document, existing);
    return { resource, created: false };
  }

  replaceDocument(
    databaseId: string,
    containerId: string,
    partitionKey: string,
    id: string,
    body: unknown,
    ifMatch: string | undefined,
  ): Resource {
    const container = this.#container(databaseId, containerId);
    const document = checkDocument(body);
    checkPartitionKey(container, document, partitionKey);
    if (document.id !== id) throw badRequest('a document keeps its id');
    const existing = this.document(databaseId, containerId, partitionKey, id);
    checkMatch(existing, ifMatch);
    return this.#writeDocument(databaseId, container, partitionKey, document, existing);
  }

  deleteDocument(
    databaseId: string,
    containerId: string,
    partitionKey: string,
    id: string,
    ifMatch: string | undefined,
  ): void {
    checkMatch(this.document(databaseId, containerId, partitionKey, id), ifMatch);
    const key = documentKey(partitionKey, id);
    this.#commit([this.#sequence + 1, 'document', databaseId, containerId, key, null]);
  }

  #database(id: string): Database {
    const database = this.#databases.get(id);
    if (database === undefined) throw notFound(`the database "${id}"`);
    return database;
  }

  #container(databaseId: string, id: string): Container {
    const container = this.#database(databaseId).containers.get(id);
    if (container === undefined) throw notFound(`the container "${id}"`);
    return container;
  }

  #find(
    { resource, documents }: Container,
    partitionKey: string,
    id: string,
  ): Resource | undefined {
    const document = documents.get(documentKey(partitionKey, id));
    if (document === undefined) return undefined;
    return isExpired(resource, document, this.#nowSeconds()) ? undefined : document;
  }

  #writeDocument(
    databaseId: string,
    { resource: container }: Container,
    partitionKey: string,
    document: Json & { readonly id: string },
    existing?: Resource,
  ): Resource {
    const rid = Buffer.alloc(16);
    if (existing === undefined) {
      Buffer.from(container._rid, 'base64').copy(rid);
      rid.writeBigUInt64BE(BigInt(this.#sequence + 1), 8);
    } else {
      Buffer.from(existing._rid, 'base64').copy(rid);
    }
    const key = documentKey(partitionKey, document.id);
    return this.#write(document, rid, `${container._self}docs/`, (resource) => [
      resource._lsn,
      'document',
      databaseId,
      container.id,
      key,
      resource,
    ]);
  }

  #write(
    body: Json & { readonly id: string },
    rid: Buffer,
    parent: string,
    toRecord: (resource: Resource) => JournalRecord,
  ): Resource {
    const lsn = this.#sequence + 1;
    const _rid = rid.toString('base64');
    const resource: Resource = {
      ...body,
      _rid,
      _self: `${parent}${_rid}/`,
      _etag: `"${lsn}"`,
      _ts: this.#nowSeconds(),
      _lsn: lsn,
    };
    this.#commit(toRecord(resource));
    return resource;
  }

  #commit(record: JournalRecord): void {
    this.#journal.append(record);
    this.#apply(record);
    const { sizeBytes } = this.#journal;
    if (sizeBytes > COMPACT_BYTES && sizeBytes > COMPACT_FACTOR * this.#compactedBytes) {
      this.#compact();
    }
  }

  #apply(record: JournalRecord): void {
    this.#sequence = Math.max(this.#sequence, record[0]);
    switch (record[1]) {
      case 'account':
        return;
      case 'database': {
        const [, , id, resource] = record;
        put(this.#databases, id, resource && { resource, containers: new Map() });
        return;
      }
      case 'container': {
        const [, , databaseId, id, resource] = record;
        const { containers } = this.#database(databaseId);
        put(containers, id, resource && { resource, documents: new Map() });
        return;
      }
      case 'document': {
        const [, , databaseId, containerId, key, resource] = record;
        put(this.#container(databaseId, containerId).documents, key, resource);
      }
    }
  }

  #compact(): void {
    const nowSeconds = this.#nowSeconds();
    for (const { containers } of this.#databases.values()) {
      for (const { resource, documents } of containers.values()) {
        for (const [key, document] of documents) {
          if (isExpired(resource, document, nowSeconds)) documents.delete(key);
        }
      }
    }
    this.#journal.rewrite(this.#records());
    this.#compactedBytes = this.#journal.sizeBytes;
  }

  *#records(): Generator<JournalRecord> {
    yield [this.#sequence, 'account'];
    for (const [databaseId, database] of this.#databases) {
      yield [database.resource._lsn, 'database', databaseId, database.resource];
      for (const [containerId, { resource, documents }] of database.containers) {
        yield [resource._lsn, 'container', databaseId, containerId, resource];
        for (const [key, document] of documents) {
          yield [document._lsn, 'document', databaseId, containerId, key, document];
        }
      }
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

/** An id has no slash, so the last one parts the two. */
function documentKey(partitionKey: string, id: string): string {
  return `${partitionKey}/${id}`;
}

function checkPartitionKey({ resource }: Container, document: Json, partitionKey: string): void {
  if (partitionKeyOf(resource, document) === partitionKey) return;
  throw badRequest('the partition key of the document is not that of the header', {
    'x-ms-substatus': '1001',
  });
}

function checkMatch(existing: Resource, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch === existing._etag) return;
  throw new HttpError(
    412,
    'PreconditionFailed',
    `If-Match is ${ifMatch}, the document has ${existing._etag}`,
  );
}

function notFound(what: string): HttpError {
  return new HttpError(404, 'NotFound', `${what} does not exist`);
}

function conflict(id: string): HttpError {
  return new HttpError(409, 'Conflict', `"${id}" exists already`);
}
