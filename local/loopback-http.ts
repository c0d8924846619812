import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import process from 'node:process';

/** A request that cannot be served: the status and a code for programs, the message for people. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export interface Call {
  readonly request: IncomingMessage;
  /** Aborts when the caller has gone. */
  readonly gone: AbortSignal;
  readonly query: URLSearchParams;
  /** The parts of the path that the route's expression leaves open, decoded. */
  readonly open: readonly string[];
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes go as they are, all else as JSON; undefined sends none. */
  readonly body?: unknown;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (call: Call) => Answer | Promise<Answer>;
}

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** A server for programs on this machine: nothing here has a key, so what a browser's page sends is refused. */
export function createLoopbackServer(routes: readonly Route[]): Server {
  return createServer((request, response) => {
    const serve = async (): Promise<void> => {
      refuseBrowsers(request);
      send(response, await findAnswer(routes, request, response));
    };
    serve().catch((error: unknown) => sendError(response, error));
  });
}

/** DNS rebinding shows in the Host header, a page's own request in Origin. */
function refuseBrowsers({ headers }: IncomingMessage): void {
  if (LOOPBACK_HOST.test(headers.host ?? '') && headers.origin === undefined) return;
  throw new HttpError(403, 'Forbidden', 'only programs on this machine may ask');
}

async function findAnswer(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  for (const route of routes) {
    const found = route.method === request.method ? route.path.exec(path) : null;
    if (found === null) continue;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return route.answer({
      request,
      gone: gone.signal,
      query: new URLSearchParams(search),
      open: found.slice(1).map(decodeSegment),
    });
  }
  throw new HttpError(404, 'NotFound', `${request.method} ${path} is not served here`);
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, 'BadRequest', `"${segment}" is not percent-encoded`);
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: Answer): void {
  const isBytes = body instanceof Uint8Array;
  const bytes = isBytes ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const contentType = isBytes ? 'application/octet-stream' : 'application/json';
  response
    .writeHead(status, {
      'content-type': contentType,
      'content-length': bytes.length,
      ...headers,
    })
    .end(bytes);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (error instanceof HttpError) {
    const { status, code, message, headers } = error;
    send(response, { status, headers, body: { code, message } });
    return;
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  const body = { code: 'InternalServerError', message: String(error) };
  send(response, { status: 500, body });
}

/** The whole body; a longer one is read to its end without being kept, so that the sender sees the refusal. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limitBytes) chunks.push(chunk);
      else if (length > 16 * limitBytes) request.destroy();
    });
    request.once('end', resolve);
    request.once('error', reject);
    request.once('close', () =>
      reject(new HttpError(400, 'BadRequest', 'the body ended before its end')),
    );
  });
  if (length > limitBytes) {
    throw new HttpError(413, 'RequestEntityTooLarge', `a body has at most ${limitBytes} bytes`);
  }
  return Buffer.concat(chunks);
}
