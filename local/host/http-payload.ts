// A request as the .NET host hands it to the worker, and a response as it comes back.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Payload } from './invoker.ts';
import type { RpcCookie, RpcHttp } from './typed-data.ts';

/** The body is what the request declared by Content-Length; null without one. */
export function httpPayload(
  request: IncomingMessage,
  url: URL,
  params: Readonly<Record<string, string>>,
  body: Uint8Array | null,
): Payload {
  const headers = Object.entries(request.headersDistinct).map(([name, values = []]) => [
    name,
    values.join(','),
  ]);
  const query = new Map<string, string[]>();
  for (const [name, value] of url.searchParams) {
    query.set(name, [...(query.get(name) ?? []), value]);
  }
  return {
    input: {
      http: {
        method: request.method ?? 'GET',
        url: url.href,
        headers: {},
        query: {},
        params: {},
        nullableHeaders: nullable(headers.filter(([, value]) => value !== '')),
        nullableQuery: nullable([...query].map(([name, values]) => [name, values.join(',')])),
        nullableParams: nullable(Object.entries(params)),
        body: body === null ? null : { bytes: body },
        cookies: [],
        rawBody: null,
      },
    },
    triggerMetadata: {},
  };
}

function nullable(entries: readonly (readonly string[])[]): Record<string, { value: string }> {
  return Object.fromEntries(entries.map(([name, value = '']) => [name!, { value }]));
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

const EMPTY = new Uint8Array();
// The length and the way of transfer follow from the body.
const OF_THE_CONNECTION = new Set(['content-length', 'transfer-encoding', 'connection']);

/** A function that returns nothing answers 204. */
export function toAnswer(response: RpcHttp | undefined): HttpAnswer {
  if (response === undefined) return { status: 204, headers: {}, body: EMPTY };
  const headers: OutgoingHttpHeaders = Object.fromEntries(
    Object.entries(response.headers ?? {}).filter(([name]) => !OF_THE_CONNECTION.has(name)),
  );
  const cookies = (response.cookies ?? []).map(serializeCookie);
  const own = headers['set-cookie'];
  if (cookies.length > 0) {
    headers['set-cookie'] = typeof own === 'string' ? [own, ...cookies] : cookies;
  }
  return { status: Number(response.statusCode), headers, body: response.body?.bytes ?? EMPTY };
}

function serializeCookie(cookie: RpcCookie): string {
  const { name, value, domain, path, expires, maxAge, secure, httpOnly, sameSite } = cookie;
  const parts = [`${name}=${encodeURIComponent(value)}`, `path=${path?.value ?? '/'}`];
  if (domain) parts.push(`domain=${domain.value}`);
  if (expires) parts.push(`expires=${new Date(expires.value.seconds * 1000).toUTCString()}`);
  if (maxAge) parts.push(`max-age=${maxAge.value}`);
  if (secure?.value === true) parts.push('secure');
  if (httpOnly?.value === true) parts.push('httponly');
  if (sameSite && sameSite !== 'none') {
    parts.push(`samesite=${sameSite === 'explicitNone' ? 'none' : sameSite}`);
  }
  return parts.join('; ');
}
