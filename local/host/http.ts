import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';
import type { RegisteredFunction } from './core-module.ts';
import { type HttpAnswer, httpPayload, toAnswer } from './http-payload.ts';
import { parseRoute, type Route } from './route.ts';
import type { Trigger, TriggerHost } from './trigger.ts';
import { toError } from './worker.ts';

export type { HttpAnswer } from './http-payload.ts';

const bindingOptions = z.object({
  methods: z.array(z.string().toUpperCase()),
  authLevel: z.string().toLowerCase(),
  route: z.string().optional(),
});

interface Endpoint {
  readonly registered: RegisteredFunction;
  readonly methods: readonly string[];
  readonly anonymous: boolean;
  readonly route: Route;
}

/** A request for a part of the host itself, below the path where that part is mounted. */
export interface MountedRequest {
  readonly method: string;
  /** Decoded segments. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
}

interface Mount {
  /** Ends in a slash. */
  readonly path: string;
  readonly answer: (request: MountedRequest) => HttpAnswer;
}

/** The limit of the .NET host. */
const MAX_BODY_BYTES = 104_857_600;

/** An answer that no function gives. */
class Refusal extends Error {
  readonly code = 'REFUSED';
  readonly status: number;

  constructor(status: number) {
    super(`answered with ${status}`);
    this.status = status;
  }
}

/** A second port, with the same endpoints under TLS; certificate and key as PEM. */
export interface TlsOptions {
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
}

/** Answers HTTP functions on the loopback address. Until `serve` is called it answers 503. */
export class HttpListener {
  readonly #server: Server;
  readonly #tlsServer: Server | null;
  readonly #keys: readonly string[];
  readonly #mounts: Mount[] = [];
  #endpoints: readonly Endpoint[] = [];
  #host: TriggerHost | null = null;

  private constructor(keys: readonly string[], tls: TlsOptions | null) {
    this.#keys = keys;
    const handle = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#handle(request, response);
    this.#server = createServer(handle);
    this.#tlsServer =
      tls === null ? null : createTlsServer({ cert: tls.certificate, key: tls.key }, handle);
  }

  /** Without keys nobody is asked for one. */
  static async open(
    port: number,
    keys: readonly string[] = [],
    tls: TlsOptions | null = null,
  ): Promise<HttpListener> {
    const listener = new HttpListener(keys, tls);
    await listenOn(listener.#server, port);
    try {
      if (listener.#tlsServer !== null) await listenOn(listener.#tlsServer, tls?.port ?? 0);
    } catch (error) {
      listener.close();
      throw error;
    }
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** One that it takes; null if it asks for none. */
  get key(): string | null {
    return this.#keys[0] ?? null;
  }

  /** Null without TLS. */
  get tlsPort(): number | null {
    return this.#tlsServer === null ? null : (this.#tlsServer.address() as AddressInfo).port;
  }

  serve(host: TriggerHost): void {
    this.#host = host;
  }

  /** Takes no further request; what is being answered may end. */
  close(): void {
    this.#server.close();
    this.#tlsServer?.close();
  }

  /** Cuts what is still being answered. */
  cut(): void {
    this.#server.closeAllConnections();
    this.#tlsServer?.closeAllConnections();
  }

  add(registered: RegisteredFunction, { route, methods, anonymous }: HttpEndpoint): void {
    const endpoint = { registered, route: parseRoute(route), methods, anonymous };
    this.#endpoints = [...this.#endpoints, endpoint].sort((a, b) =>
      a.route.precedence.localeCompare(b.route.precedence),
    );
  }

  /** A part of the host itself; it goes before the functions and asks for a key if there are any. */
  mount(path: string, answer: Mount['answer']): void {
    this.#mounts.push({ path: `/${path}/`, answer });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, headers, body } = await this.#answer(request);
      response.writeHead(status, headers).end(body);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) this.#report(request, thrown);
      if (!response.headersSent)
        response.writeHead(thrown instanceof Refusal ? thrown.status : 500);
      response.end();
    }
  }

  async #answer(request: IncomingMessage): Promise<HttpAnswer> {
    const host = this.#host;
    if (host === null || host.stopping.aborted) throw new Refusal(503);
    const url = this.#parseUrl(request);
    const mount = this.#mounts.find(({ path }) => url.pathname.startsWith(path));
    if (mount !== undefined) return this.#answerMounted(mount, request, url);
    const { endpoint, params } = this.#find(request.method ?? '', pathSegments(url));
    if (!endpoint.anonymous && !this.#hasKey(request, url)) throw new Refusal(401);
    const body = await readBody(request);
    const outcome = await host.invoker.run(
      endpoint.registered,
      randomUUID(),
      () => httpPayload(request, url, params, body),
      null,
    );
    if (outcome.status === 'failed') throw new Refusal(500);
    return toAnswer(outcome.response.returnValue?.http);
  }

  async #answerMounted(
    { path, answer }: Mount,
    request: IncomingMessage,
    url: URL,
  ): Promise<HttpAnswer> {
    if (!this.#hasKey(request, url)) throw new Refusal(401);
    const body = await readBody(request);
    return answer({
      method: request.method ?? '',
      path: pathSegments(url).slice(path.split('/').length - 2),
      query: url.searchParams,
      body: body === null ? '' : Buffer.from(body).toString(),
    });
  }

  #parseUrl({ url = '', headers, socket }: IncomingMessage): URL {
    const isSecure = socket instanceof TLSSocket;
    const own = `localhost:${isSecure ? this.tlsPort : this.port}`;
    const absolute = `${isSecure ? 'https' : 'http'}://${headers.host ?? own}${url}`;
    if (!url.startsWith('/') || !URL.canParse(absolute)) throw new Refusal(400);
    return new URL(absolute);
  }

  #find(method: string, path: readonly string[]) {
    for (const endpoint of this.#endpoints) {
      const params = endpoint.methods.includes(method) ? endpoint.route.match(path) : null;
      if (params !== null) return { endpoint, params };
    }
    // Also for a path that has a function, but not for this method.
    throw new Refusal(404);
  }

  #hasKey(request: IncomingMessage, url: URL): boolean {
    if (this.#keys.length === 0) return true;
    const header = request.headers['x-functions-key'];
    const given = typeof header === 'string' ? header : url.searchParams.get('code');
    return given !== null && this.#keys.some((key) => timingSafeEqual(digest(key), digest(given)));
  }

  #report(request: IncomingMessage, error: unknown): void {
    // A client that went away is not of interest.
    if (request.destroyed && !request.complete) return;
    this.#host?.log({
      level: 'error',
      category: 'host',
      message: `A request could not be answered: ${toError(error).message}`,
    });
  }
}

export interface HttpEndpoint {
  /** With the route prefix. */
  readonly route: string;
  readonly methods: readonly string[];
  readonly anonymous: boolean;
}

/** Without a listener the function stays unreachable. */
export function openHttpTrigger(
  registered: RegisteredFunction,
  routePrefix: string,
  listener: HttpListener | null,
): Trigger {
  const options = bindingOptions.parse(registered.trigger);
  const path = `${routePrefix}/${options.route ?? registered.metadata.name}`;
  const route = path.replace(/^\/+/, '');
  listener?.add(registered, {
    route,
    methods: options.methods,
    anonymous: options.authLevel === 'anonymous',
  });
  return {
    detail: `${options.methods.join(',')} /${route}`,
    // The listener wakes it, and the host waits for what runs.
    start: () => {},
    ended: async () => {},
    drained: async () => {},
  };
}

async function listenOn(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(port, '127.0.0.1', resolve);
  await promise;
}

/**
 * Decoded; an encoded slash stays encoded, as under ASP.NET. One slash at the end is as good as none, and so is one of two:
 * clients of ARM put a resource id, which begins with a slash, behind another.
 */
function pathSegments({ pathname }: URL): string[] {
  const path = pathname.split('/').filter((text) => text !== '');
  try {
    return path.map((text) => decodeURIComponent(text.replace(/%(?=2f)/gi, '%25')));
  } catch {
    throw new Refusal(400);
  }
}

/** As the .NET host, only a body that Content-Length announces. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length === 0) return null;
  if (length > MAX_BODY_BYTES) throw new Refusal(413);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
