// What the resources of Cosmos look like and what makes one valid, as far as the stand-in goes.
import { HttpError } from '../loopback-http.ts';

/** What the service adds to every resource. */
export interface SystemProperties {
  readonly _rid: string;
  readonly _self: string;
  readonly _etag: string;
  /** Of the last write, seconds. */
  readonly _ts: number;
  /** The number of the write: rises over the whole account. */
  readonly _lsn: number;
}

export type Json = Readonly<Record<string, unknown>>;
export type Resource = Json & SystemProperties & { readonly id: string };

const MAX_ID_BYTES = 1023;
const MAX_TTL_SECONDS = 2_147_483_647;

export function badRequest(
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpError {
  return new HttpError(400, 'BadRequest', message, headers);
}

export function checkResource(body: unknown): Json & { readonly id: string } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('the body is no JSON object');
  }
  const { id } = body as Json;
  if (
    typeof id !== 'string' ||
    id === '' ||
    Buffer.byteLength(id) > MAX_ID_BYTES ||
    /[/\\?#]/.test(id)
  ) {
    throw badRequest(`an id is a text of at most ${MAX_ID_BYTES} bytes without / \\ ? #`);
  }
  return body as Json & { readonly id: string };
}

export function checkContainer(body: unknown): Json & { readonly id: string } {
  const container = checkResource(body);
  partitionKeyPath(container);
  checkTtl(container['defaultTtl'], 'defaultTtl');
  const { uniqueKeys = [] } = (container['uniqueKeyPolicy'] ?? {}) as {
    uniqueKeys?: readonly unknown[];
  };
  if (uniqueKeys.length > 0) throw badRequest('unique keys are not kept here');
  return container;
}

export function checkDocument(body: unknown): Json & { readonly id: string } {
  const document = checkResource(body);
  checkTtl(document['ttl'], 'ttl');
  return document;
}

function checkTtl(ttl: unknown, name: string): void {
  if (ttl === undefined || ttl === -1) return;
  if (Number.isInteger(ttl) && (ttl as number) > 0 && (ttl as number) <= MAX_TTL_SECONDS) return;
  throw badRequest(`${name} is -1 or a number of seconds from 1 to ${MAX_TTL_SECONDS}`);
}

/** The one path of a container's key: `/a/b` as ['a', 'b']. */
function partitionKeyPath(container: Json): readonly string[] {
  const { paths } = (container['partitionKey'] ?? {}) as { paths?: unknown };
  const path: unknown = Array.isArray(paths) && paths.length === 1 ? paths[0] : undefined;
  if (typeof path !== 'string' || !/^(\/[^/"]+)+$/.test(path)) {
    throw badRequest('a container needs a partitionKey with one path');
  }
  return path.slice(1).split('/');
}

/** The key value as text that tells values apart: what the client sends as a header. A missing one is `[{}]`. */
export function partitionKeyOf(container: Json, document: Json): string {
  let value: unknown = document;
  for (const name of partitionKeyPath(container)) {
    value = typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;
  }
  const isKey = value === null || ['string', 'number', 'boolean'].includes(typeof value);
  return JSON.stringify([isKey ? value : {}]);
}

export function parsePartitionKey(header: string): string {
  let values: unknown;
  try {
    values = JSON.parse(header);
  } catch {
    values = undefined;
  }
  if (!Array.isArray(values) || values.length !== 1) {
    throw badRequest(`the partition key ${header} is no array with one value`);
  }
  return JSON.stringify(values);
}

/** Time to live counts from the last write and only where the container turns it on. */
export function isExpired(container: Json, document: Resource, nowSeconds: number): boolean {
  const defaultTtl = container['defaultTtl'] as number | undefined;
  if (defaultTtl === undefined) return false;
  const ttl = (document['ttl'] as number | undefined) ?? defaultTtl;
  return ttl !== -1 && document._ts + ttl <= nowSeconds;
}
