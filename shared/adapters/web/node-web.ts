import { lookup as resolveName } from 'node:dns/promises';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { type RequestOptions, request as httpsRequest } from 'node:https';
import { type LookupFunction, isIP } from 'node:net';
import { type Web, type WebRequest, type WebResponse, WebError } from '../../ports/web.ts';
import { bodyOf } from './body.ts';
import { ACCEPT_ENCODING } from './content-encoding.ts';
import { networkError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { hostOf, isPublicAddress, parseTarget } from './target.ts';

export interface NodeWebOptions {
  /** All addresses of a name; the system's resolver by default. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** Which addresses may be connected to where `allowPrivate` is false; `isPublicAddress` by default. */
  readonly isPublic?: (address: string) => boolean;
  /** PEM of an authority to trust instead of the well-known ones. */
  readonly ca?: string;
}

const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

/**
 * A client of its own because `fetch` hides name resolution, the size on the wire and redirects.
 * One connection an exchange and hop, none kept: an answer that is not read or discarded ends with `totalMs`.
 */
export class NodeWeb implements Web {
  readonly #resolve: (name: string) => Promise<readonly string[]>;
  readonly #isPublic: (address: string) => boolean;
  readonly #ca: string | undefined;

  constructor(options: NodeWebOptions = {}) {
    this.#resolve = options.resolve ?? systemAddresses;
    this.#isPublic = options.isPublic ?? isPublicAddress;
    this.#ca = options.ca;
  }

  async get(request: WebRequest): Promise<WebResponse> {
    const first = parseTarget(request.url, request.allowPrivate);
    const exchange = new Exchange(request.limits);
    try {
      const { url, response } = await this.#follow(first, request, exchange);
      return {
        status: response.statusCode ?? 0,
        headers: headersOf(response),
        url: url.href,
        body: bodyOf(response, exchange, request.limits),
        discard: () => exchange.end(),
      };
    } catch (error) {
      exchange.end();
      throw error instanceof WebError ? error : networkError(exchange.host, error);
    }
  }

  async #follow(
    first: URL,
    request: WebRequest,
    exchange: Exchange,
  ): Promise<{ url: URL; response: IncomingMessage }> {
    let url = first;
    for (let redirects = 0; ; redirects++) {
      exchange.host = url.host;
      const addresses = await this.#addressesOf(url, request.allowPrivate, exchange);
      const headers = headersFor(request, url.origin === first.origin);
      const response = await exchange.waitFor(this.#send(url, addresses, headers, exchange));
      if (!REDIRECTS.has(response.statusCode)) return { url, response };
      response.destroy();
      if (redirects >= request.limits.maxRedirects) {
        throw new WebError('tooManyRedirects', `${url.host} redirects once more`);
      }
      url = parseTarget(locationOf(response, url), request.allowPrivate, url);
    }
  }

  /** What the host resolves to, all of it checked: a name with one private address among its own is refused. */
  async #addressesOf(
    url: URL,
    allowPrivate: boolean,
    exchange: Exchange,
  ): Promise<readonly string[]> {
    const host = hostOf(url);
    const addresses = isIP(host) === 0 ? await exchange.waitFor(this.#resolve(host)) : [host];
    if (addresses.length === 0) throw new WebError('network', `${url.host} has no address`);
    if (!allowPrivate && !addresses.every(this.#isPublic)) {
      throw new WebError('privateTarget', `${url.host} is not on the public Internet`);
    }
    return addresses;
  }

  async #send(
    url: URL,
    addresses: readonly string[],
    headers: Record<string, string>,
    exchange: Exchange,
  ): Promise<IncomingMessage> {
    const options: RequestOptions = {
      hostname: hostOf(url),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers,
      agent: false,
      lookup: answerWith(addresses),
      rejectUnauthorized: true,
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    };
    const outgoing = openRequest(url, options);
    exchange.hold(outgoing);
    outgoing.once('socket', (socket) => {
      socket.once('connect', () => exchange.expectBytes());
      socket.once('secureConnect', () => exchange.expectBytes());
    });
    return new Promise((resolve, reject) => {
      // Stays to the end: an 'error' without a listener would end the process.
      outgoing.on('error', reject);
      outgoing.once('response', (response) => {
        // It may break before anybody reads it.
        response.on('error', () => undefined);
        exchange.hold(response);
        resolve(response);
      });
      outgoing.once('upgrade', (_response, socket) => {
        socket.destroy();
        reject(new WebError('network', `${url.host} speaks another protocol than HTTP`));
      });
      outgoing.end();
    });
  }
}

function openRequest(url: URL, options: RequestOptions): ClientRequest {
  try {
    return url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
  } catch {
    // Node refuses a header with a line break in it, a pasted credential for instance. Its error names the header.
    throw new WebError('badUrl', `${url.host}: a header of the request cannot be sent`);
  }
}

/** Hands the addresses that were checked to the connection, so that no second resolution can answer otherwise. */
function answerWith(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    process.nextTick(() => {
      if (options.all === true) callback(null, found);
      else callback(null, found[0]!.address, found[0]!.family);
    });
  };
}

async function systemAddresses(name: string): Promise<readonly string[]> {
  const found = await resolveName(name, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

/** Names in lower case, so that ours stand once; what frames the message is not the caller's. */
function headersFor(request: WebRequest, isFirstOrigin: boolean): Record<string, string> {
  const given = { ...request.headers, ...(isFirstOrigin ? request.secretHeaders : {}) };
  const named = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const);
  const { host: _host, ...headers } = Object.fromEntries(named);
  return { ...headers, 'accept-encoding': ACCEPT_ENCODING, connection: 'close' };
}

function headersOf(response: IncomingMessage): Readonly<Record<string, string>> {
  const entries = Object.entries(response.headersDistinct);
  return Object.fromEntries(entries.map(([name, values = []]) => [name, values.join(', ')]));
}

function locationOf(response: IncomingMessage, from: URL): string {
  const [location, ...more] = response.headersDistinct['location'] ?? [];
  if (location === undefined || location === '' || more.length > 0) {
    throw new WebError('badRedirect', `${from.host} redirects without telling where to`);
  }
  return location;
}
