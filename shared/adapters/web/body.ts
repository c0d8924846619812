import type { IncomingMessage } from 'node:http';
import { type WebLimits, WebError } from '../../ports/web.ts';
import { unpackersOf } from './content-encoding.ts';
import { networkError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** RFC 9110 15.3.5 and 15.4.5: no body, though the headers describe one. */
const BODILESS: ReadonlySet<number | undefined> = new Set([204, 304]);

/** The decoded body, to be read once; the exchange ends with it, whole or not. */
export function bodyOf(
  response: IncomingMessage,
  exchange: Exchange,
  limits: WebLimits,
): AsyncIterable<Uint8Array> {
  let taken = false;
  return {
    [Symbol.asyncIterator]: () => {
      // An empty body in its place would pass for an empty feed.
      if (taken) throw new Error('the body of an answer may be read once');
      taken = true;
      return read(response, exchange, limits);
    },
  };
}

async function* read(
  response: IncomingMessage,
  exchange: Exchange,
  limits: WebLimits,
): AsyncGenerator<Uint8Array> {
  try {
    if (exchange.ended) throw new Error('the answer was discarded');
    yield* unpacked(response, exchange, limits);
    // Whatever a destroyed stream may look like, it is no whole body.
    if (exchange.ended) throw new Error('the exchange ended before the body did');
  } catch (error) {
    throw exchange.failure ?? error;
  } finally {
    exchange.end();
  }
}

function unpacked(
  response: IncomingMessage,
  exchange: Exchange,
  limits: WebLimits,
): AsyncIterable<Uint8Array> {
  const { host } = exchange;
  const { 'content-encoding': encoding = '', 'transfer-encoding': transfer = 'chunked' } =
    response.headers;
  const unpackers = BODILESS.has(response.statusCode) ? [] : unpackersOf(encoding);
  // Node undoes `chunked` only; of `gzip, chunked` the gzip would stay.
  if (unpackers === null || transfer.trim().toLowerCase() !== 'chunked') {
    throw new WebError('encoding', `${host} packs its answer in a way that is not understood`);
  }
  let body: AsyncIterable<Uint8Array> = fromWire(response, exchange, limits.maxWireBytes);
  // A bomb in a bomb: what lies between two encodings is bounded like the body.
  for (const unpack of unpackers) {
    body = within(limits.maxBodyBytes, host, unpackErrors(host, unpack(body)));
  }
  return unpackers.length === 0 ? within(limits.maxBodyBytes, host, body) : body;
}

/** The bytes as they come. The clock of silence runs only while this waits, not while the reader works. */
async function* fromWire(
  response: IncomingMessage,
  exchange: Exchange,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  if (!BODILESS.has(response.statusCode) && Number(response.headers['content-length']) > maxBytes) {
    throw tooLarge(exchange.host, maxBytes);
  }
  exchange.expectBytes();
  try {
    for await (const chunk of within(maxBytes, exchange.host, response)) {
      exchange.gotBytes();
      yield chunk;
      exchange.expectBytes();
    }
  } catch (error) {
    throw error instanceof WebError ? error : networkError(exchange.host, error);
  } finally {
    exchange.gotBytes();
  }
  if (!response.complete) throw new WebError('network', `${exchange.host} cut its answer short`);
}

async function* within(
  maxBytes: number,
  host: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(host, maxBytes);
    yield chunk;
  }
}

async function* unpackErrors(
  host: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    if (cause instanceof WebError) throw cause;
    throw new WebError('encoding', `${host} sent an answer that does not unpack`, { cause });
  }
}

function tooLarge(host: string, maxBytes: number): WebError {
  return new WebError('tooLarge', `${host} answers with more than ${maxBytes} bytes`);
}
