// The part of the Cosmos REST protocol that @azure/cosmos needs. The Authorization header is not verified: who can reach
// the loopback address is trusted. One physical partition, so a query over all partition keys is answered whole.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import {
  type Answer,
  type Call,
  createLoopbackServer,
  HttpError,
  readBody,
  type Route,
} from '../loopback-http.ts';
import { runQuery } from './query.ts';
import { badRequest, parsePartitionKey, type Resource } from './resources.ts';
import type { CosmosStore } from './store.ts';

/** Cosmos takes no request above 2 MB. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
const DEFAULT_PAGE = 1000;

/** What a test may have the server do wrong. */
export interface Throttle {
  /** So many document requests from now on are answered 429. */
  remaining: number;
  retryAfterMilliseconds: number;
}

export function createCosmosFace(store: CosmosStore): Server {
  const throttle: Throttle = { remaining: 0, retryAfterMilliseconds: 0 };
  const routes = [
    ...accountRoutes(),
    ...databaseRoutes(store),
    ...containerRoutes(store),
    ...documentRoutes(store).map((route) => withThrottle(route, throttle)),
  ].map(withCommonHeaders);
  return createLoopbackServer([...routes, throttleRoute(throttle)]);
}

function accountRoutes(): Route[] {
  const answer = ({ request }: Call): Answer => {
    // The client goes on to the address named here, so it is the one by which it came.
    const location = { name: 'local', databaseAccountEndpoint: `http://${request.headers.host}/` };
    return {
      body: {
        id: 'local',
        _rid: 'local',
        _self: '',
        _dbs: '//dbs/',
        addresses: '//addresses/',
        media: '//media/',
        writableLocations: [location],
        readableLocations: [location],
        enableMultipleWriteLocations: false,
        userConsistencyPolicy: { defaultConsistencyLevel: 'Session' },
        queryEngineConfiguration: '{}',
      },
    };
  };
  return [{ method: 'GET', path: /^\/$/, answer }];
}

function databaseRoutes(store: CosmosStore): Route[] {
  return [
    {
      method: 'GET',
      path: /^\/dbs$/,
      answer: () => feed('Databases', store.databases()),
    },
    {
      method: 'POST',
      path: /^\/dbs$/,
      answer: async ({ request }) => written(201, store.createDatabase(await readJson(request))),
    },
    {
      method: 'GET',
      path: /^\/dbs\/([^/]+)$/,
      answer: ({ open: [db = ''] }) => written(200, store.database(db)),
    },
    {
      method: 'DELETE',
      path: /^\/dbs\/([^/]+)$/,
      answer: ({ open: [db = ''] }) => {
        store.deleteDatabase(db);
        return { status: 204 };
      },
    },
  ];
}

function containerRoutes(store: CosmosStore): Route[] {
  return [
    {
      method: 'GET',
      path: /^\/dbs\/([^/]+)\/colls$/,
      answer: ({ open: [db = ''] }) => feed('DocumentCollections', store.containers(db)),
    },
    {
      method: 'POST',
      path: /^\/dbs\/([^/]+)\/colls$/,
      answer: async ({ request, open: [db = ''] }) =>
        written(201, store.createContainer(db, await readJson(request))),
    },
    {
      method: 'GET',
      path: /^\/dbs\/([^/]+)\/colls\/([^/]+)$/,
      answer: ({ open: [db = '', coll = ''] }) => written(200, store.container(db, coll)),
    },
    {
      method: 'DELETE',
      path: /^\/dbs\/([^/]+)\/colls\/([^/]+)$/,
      answer: ({ open: [db = '', coll = ''] }) => {
        store.deleteContainer(db, coll);
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: /^\/dbs\/([^/]+)\/colls\/([^/]+)\/pkranges$/,
      answer: ({ open: [db = '', coll = ''] }) => {
        const { _rid, _self, _ts } = store.container(db, coll);
        const range = {
          id: '0',
          _rid,
          _self,
          _ts,
          _etag: '"0"',
          minInclusive: '',
          maxExclusive: 'FF',
        };
        return feed('PartitionKeyRanges', [{ ...range, status: 'online', parents: [] }]);
      },
    },
  ];
}

function documentRoutes(store: CosmosStore): Route[] {
  const document = /^\/dbs\/([^/]+)\/colls\/([^/]+)\/docs\/([^/]+)$/;
  return [
    {
      method: 'POST',
      path: /^\/dbs\/([^/]+)\/colls\/([^/]+)\/docs$/,
      answer: (call) => postDocuments(store, call),
    },
    {
      method: 'GET',
      path: document,
      answer: ({ request, open: [db = '', coll = '', id = ''] }) => {
        const found = store.document(db, coll, requiredPartitionKey(request), id);
        const unchanged = request.headers['if-none-match'] === found._etag;
        return unchanged ? { status: 304, headers: { etag: found._etag } } : written(200, found);
      },
    },
    {
      method: 'PUT',
      path: document,
      answer: async ({ request, open: [db = '', coll = '', id = ''] }) => {
        const body = await readJson(request);
        const key = requiredPartitionKey(request);
        return written(
          200,
          store.replaceDocument(db, coll, key, id, body, request.headers['if-match']),
        );
      },
    },
    {
      method: 'DELETE',
      path: document,
      answer: ({ request, open: [db = '', coll = '', id = ''] }) => {
        const key = requiredPartitionKey(request);
        store.deleteDocument(db, coll, key, id, request.headers['if-match']);
        return { status: 204 };
      },
    },
  ];
}

/** One address for four requests, told apart by headers. */
async function postDocuments(store: CosmosStore, { request, open }: Call): Promise<Answer> {
  const [db = '', coll = ''] = open;
  const body = await readJson(request);
  if (isSet(request, 'x-ms-cosmos-is-query-plan-request')) {
    // The client asks beforehand and only looks at the plan when a query is refused for want of one.
    throw badRequest('query plans are not made here');
  }
  if (isSet(request, 'x-ms-documentdb-isquery'))
    return queryDocuments(store, request, db, coll, body);
  if (isSet(request, 'x-ms-cosmos-is-batch-request'))
    throw badRequest('batches are not served here');
  const { resource, created } = store.createDocument(
    db,
    coll,
    requiredPartitionKey(request),
    body,
    {
      upsert: isSet(request, 'x-ms-documentdb-is-upsert'),
      ifMatch: request.headers['if-match'],
    },
  );
  return written(created ? 201 : 200, resource);
}

function queryDocuments(
  store: CosmosStore,
  request: IncomingMessage,
  db: string,
  coll: string,
  body: unknown,
): Answer {
  const asked = Number(header(request, 'x-ms-max-item-count') ?? DEFAULT_PAGE);
  const { results, continuation } = runQuery(
    body,
    store.documents(db, coll, partitionKey(request)),
    store.container(db, coll),
    asked > 0 ? asked : DEFAULT_PAGE,
    header(request, 'x-ms-continuation'),
  );
  const more: Record<string, string> =
    continuation === undefined ? {} : { 'x-ms-continuation': continuation };
  return feed('Documents', results, more);
}

function throttleRoute(throttle: Throttle): Route {
  return {
    method: 'POST',
    path: /^\/_throttle$/,
    answer: async ({ request }) => {
      const asked = (await readJson(request)) as Partial<Throttle>;
      if (!Number.isInteger(asked.remaining) || !Number.isInteger(asked.retryAfterMilliseconds)) {
        throw badRequest('a throttle is {"remaining": N, "retryAfterMilliseconds": N}');
      }
      Object.assign(throttle, asked);
      return { status: 204 };
    },
  };
}

function withThrottle(route: Route, throttle: Throttle): Route {
  const answer = (call: Call): Answer | Promise<Answer> => {
    if (throttle.remaining <= 0) return route.answer(call);
    throttle.remaining--;
    throw new HttpError(429, 'TooManyRequests', 'The request rate is too large.', {
      'x-ms-retry-after-ms': String(throttle.retryAfterMilliseconds),
      'x-ms-substatus': '3200',
    });
  };
  return { ...route, answer };
}

function withCommonHeaders(route: Route): Route {
  const answer = async (call: Call): Promise<Answer> => {
    const { headers, ...rest } = await route.answer(call);
    const common = { 'x-ms-activity-id': randomUUID(), 'x-ms-request-charge': '1' };
    return { ...rest, headers: { ...common, ...headers } };
  };
  return { ...route, answer };
}

function written(status: number, resource: Resource): Answer {
  return { status, headers: { etag: resource._etag }, body: resource };
}

function feed(
  name: string,
  items: readonly unknown[],
  headers: Record<string, string> = {},
): Answer {
  return {
    headers: { 'x-ms-item-count': String(items.length), ...headers },
    body: { _rid: '', [name]: items, _count: items.length },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await readBody(request, MAX_BODY_BYTES)).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('the body is no JSON');
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function isSet(request: IncomingMessage, name: string): boolean {
  return header(request, name)?.toLowerCase() === 'true';
}

function partitionKey(request: IncomingMessage): string | undefined {
  const value = header(request, 'x-ms-documentdb-partitionkey');
  return value === undefined ? undefined : parsePartitionKey(value);
}

function requiredPartitionKey(request: IncomingMessage): string {
  const value = partitionKey(request);
  if (value === undefined) throw badRequest('the request names no partition key');
  return value;
}
