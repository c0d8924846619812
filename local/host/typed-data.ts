// Values as they travel between the Functions host and a Node worker (protobuf `TypedData`), and how the .NET host
// makes them from its own.

/** A 64-bit integer as protobuf.js hands it to the worker. */
export interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

export interface RpcHttp {
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  query?: Record<string, string>;
  params?: Record<string, string>;
  nullableHeaders?: Record<string, { value: string }>;
  nullableQuery?: Record<string, { value: string }>;
  nullableParams?: Record<string, { value: string }>;
  body?: TypedData | null;
  rawBody?: TypedData | null;
  statusCode?: string;
  cookies?: readonly RpcCookie[];
  enableContentNegotiation?: boolean;
}

export interface RpcCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { value: string };
  readonly path?: { value: string };
  readonly expires?: { value: { seconds: number } };
  readonly secure?: { value: boolean };
  readonly httpOnly?: { value: boolean };
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  readonly maxAge?: { value: number };
}

/** One of these keys is set. */
export interface TypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly http?: RpcHttp;
  readonly int?: number;
  readonly double?: number;
  readonly collectionBytes?: { readonly bytes: readonly Uint8Array[] };
  readonly collectionString?: { readonly string: readonly string[] };
  readonly collectionSint64?: { readonly sint64: readonly Long[] };
}

export function toLong(value: number): Long {
  return { low: value | 0, high: Math.floor(value / 2 ** 32) | 0, unsigned: false };
}

/** The whole value as JSON text, as Newtonsoft writes it: bytes in base64, 64-bit integers as plain numbers. */
export function jsonData(value: unknown): TypedData {
  return { json: JSON.stringify(plain(value)) };
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** A single value of the trigger metadata; null is left out by the host, so it has none. */
export function metadataValue(value: unknown): TypedData | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return { string: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { int: value } : { double: value };
  return jsonData(value);
}

/** `2024-03-07T19:09:08.100Z` as .NET writes a DateTime of unspecified kind: no zone, no zeros at the end. */
export function zonelessTime(isoTime: string): string {
  return new Date(isoTime).toISOString().replace(/\.?0*Z$/, '');
}
