// A TAXII 2.1 server whose collections each behave in their own way: one as it should, the others as servers do.
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { drip, startWebServer, type WebServer } from './hostile-web.ts';

export interface TaxiiServer extends WebServer {
  /** `…/collections/NAME/`. */
  collection(name: string): string;
  /** The queries of the requests to a collection, in order. */
  queries(name: string): readonly URLSearchParams[];
}

/** Answers a request for `objects/`; `nth` counts the requests to this collection from 1. */
export type Collection = (query: URLSearchParams, response: ServerResponse, nth: number) => void;

export interface Envelope {
  readonly more?: unknown;
  readonly next?: unknown;
  readonly objects?: readonly unknown[];
}

const TAXII_21 = 'application/taxii+json;version=2.1';
const PATH = /^\/api\/collections\/([^/]+)\/objects\/$/;

/** Every collection answers 401 until its requests have these headers. */
export async function startTaxiiServer(
  collections: Readonly<Record<string, Collection>>,
  credential: Readonly<Record<string, string>> = {},
): Promise<TaxiiServer> {
  const counts = new Map<string, number>();
  const server = await startWebServer(({ url = '', headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://taxii.example.com');
    const name = PATH.exec(pathname)?.[1] ?? '';
    const collection = collections[name];
    const isKnown = Object.entries(credential).every(([key, value]) => headers[key] === value);
    if (collection === undefined) sendError(response, 404);
    else if (!isKnown) sendError(response, 401);
    else if (headers.accept !== TAXII_21) sendError(response, 406);
    else {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      collection(searchParams, response, counts.get(name)!);
    }
  });
  return {
    ...server,
    collection: (name) => `${server.origin}/api/collections/${name}/`,
    queries: (name) =>
      server.requests
        .map(({ url }) => new URL(url, server.origin))
        .filter(({ pathname }) => PATH.exec(pathname)?.[1] === name)
        .map(({ searchParams }) => searchParams),
  };
}

export function sendEnvelope(
  response: ServerResponse,
  envelope: Envelope,
  { lastAdded, type = TAXII_21 }: { lastAdded?: string | undefined; type?: string } = {},
): void {
  const dates = lastAdded === undefined ? {} : { 'x-taxii-date-added-last': lastAdded };
  response.writeHead(200, { 'content-type': type, ...dates }).end(JSON.stringify(envelope));
}

function sendError(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': TAXII_21, ...headers });
  response.end(JSON.stringify({ title: 'no', http_status: String(status) }));
}

/** An object of a collection, and when the server took it in. */
export interface Added {
  readonly at: string;
  readonly object: unknown;
}

export interface HonestOptions {
  readonly pageSize: number;
  /** What a page that is not the last names: a token, or only the date of its last object. */
  readonly leadsOnBy: 'token' | 'date';
  /** `added_after` gives what was added at that very time too. */
  readonly inclusive: boolean;
  /** Forgets `match[type]`. */
  readonly losesFilters: boolean;
  /** Forgets `added_after`. */
  readonly losesDates: boolean;
  /** A token in the server's own writing; the number of objects before the page by default. */
  readonly token: (before: number) => string;
}

/** Serves what it has: as the standard says, or with one of the usual deviations. `objects` may grow. */
export function honest(
  objects: readonly Added[],
  options: Partial<HonestOptions> = {},
): Collection {
  const { pageSize = 10, leadsOnBy = 'token', inclusive = false } = options;
  const { losesFilters = false, losesDates = false, token = String } = options;
  return (query, response) => {
    const after = losesDates ? '' : (query.get('added_after') ?? '');
    const types = losesFilters ? null : query.get('match[type]');
    const matching = objects.filter(
      ({ at, object }) =>
        (inclusive ? at >= after : at > after) &&
        (types === null || types.split(',').includes((object as { type: string }).type)),
    );
    const starts = matching.map((_, i) => i).filter((i) => i % pageSize === 0);
    const next = query.get('next');
    const start = next === null ? 0 : (starts.find((i) => token(i) === next) ?? NaN);
    if (Number.isNaN(start)) {
      sendError(response, 400);
      return;
    }
    const page = matching.slice(start, start + pageSize);
    const more = start + page.length < matching.length;
    const leadsOn = leadsOnBy === 'token' ? { next: token(start + pageSize) } : {};
    const envelope = {
      ...(more ? { more, ...leadsOn } : {}),
      ...(page.length > 0 ? { objects: page.map(({ object }) => object) } : {}),
    };
    sendEnvelope(response, envelope, { lastAdded: page.at(-1)?.at });
  };
}

/** New objects and a new token on every page, for ever. */
export function endless(objectOf: (n: number) => unknown, pageSize: number): Collection {
  return (_query, response, nth) => {
    const objects = Array.from({ length: pageSize }, (_, i) => objectOf(nth * pageSize + i));
    sendEnvelope(response, { more: true, next: `page-${nth}`, objects });
  };
}

/** New tokens that lead nowhere: the same page again. */
export function inCircles(objects: readonly unknown[]): Collection {
  return (_query, response, nth) => {
    sendEnvelope(response, { more: true, next: `page-${nth}`, objects });
  };
}

/** The same envelope whatever is asked; with the same token or date it leads back to itself. */
export function always(envelope: Envelope, lastAdded?: string): Collection {
  return (_query, response) => sendEnvelope(response, envelope, { lastAdded });
}

/** One envelope after another; the last again and again. */
export function inTurn(...envelopes: readonly (Envelope & { lastAdded?: string })[]): Collection {
  return (_query, response, nth) => {
    const { lastAdded, ...envelope } = envelopes[Math.min(nth, envelopes.length) - 1]!;
    sendEnvelope(response, envelope, { lastAdded });
  };
}

/** 200 with a body and a media type of any kind; `null` sends none. */
export function text(body: string, type: string | null): Collection {
  return (_query, response) => {
    response.writeHead(200, type === null ? {} : { 'content-type': type }).end(body);
  };
}

export function refusing(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Collection {
  return (_query, response) => sendError(response, status, headers);
}

/** An envelope with so many blanks in it, packed about a thousand to one. */
export function bomb(bytes: number): Collection {
  const packed = gzipSync(`{"objects":[${' '.repeat(bytes)}]}`);
  return (_query, response) => {
    response.writeHead(200, { 'content-type': TAXII_21, 'content-encoding': 'gzip' }).end(packed);
  };
}

/** Byte after byte, without ever closing its envelope. */
export function slow(everyMs: number): Collection {
  return (_query, response) => {
    response.writeHead(200, { 'content-type': TAXII_21 });
    response.write('{"objects":[');
    drip(response, ' ', everyMs);
  };
}

/** Promises a whole page and hangs up in the middle of it. */
export function cut(envelope: Envelope): Collection {
  const body = Buffer.from(JSON.stringify(envelope));
  return (_query, response) => {
    response.writeHead(200, { 'content-type': TAXII_21, 'content-length': String(body.length) });
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  };
}

export interface RecordedExchange {
  readonly name: string;
  readonly request: { readonly url: string };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

/** Answers as recorded, to the very query that was recorded; 404 to any other. */
export function replay(exchanges: readonly RecordedExchange[]): Collection {
  const answers = new Map(exchanges.map((exchange) => [queryOf(exchange), exchange.response]));
  return (query, response) => {
    const answer = answers.get(sorted(query));
    if (answer === undefined) {
      sendError(response, 404);
      return;
    }
    const { status, headers, body } = answer;
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

function queryOf({ request }: RecordedExchange): string {
  return sorted(new URL(request.url).searchParams);
}

function sorted(query: URLSearchParams): string {
  const copy = new URLSearchParams(query);
  copy.sort();
  return copy.toString();
}
