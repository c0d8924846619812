export interface WebRequest {
  /** `https:`; `http:` only where `allowPrivate` says so. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers that go to the first origin only: a redirect elsewhere does not get them. Never in errors or logs. */
  readonly secretHeaders: Readonly<Record<string, string>>;
  /** Allows plain http, and private, loopback and link-local targets. */
  readonly allowPrivate: boolean;
  readonly limits: WebLimits;
}

export interface WebLimits {
  /** Of the whole exchange, redirects and body included. */
  readonly totalMs: number;
  /** Longest silence while waiting for the next bytes. */
  readonly idleMs: number;
  /** Of the body as it comes over the wire, and after its Content-Encoding is undone. */
  readonly maxWireBytes: number;
  readonly maxBodyBytes: number;
  readonly maxRedirects: number;
}

export interface WebResponse {
  readonly status: number;
  /** Names in lower case; a header that came twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects; without credentials. */
  readonly url: string;
  /** Decoded; may be read once. Throws a `WebError` when a limit is passed. Must be read to the end, or discarded. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the exchange without reading the body. */
  discard(): void;
}

export type WebErrorCode =
  | 'badUrl'
  /** A target that is private, loopback, link-local or the platform's own, or plain http. */
  | 'privateTarget'
  | 'tooManyRedirects'
  | 'badRedirect'
  | 'timeout'
  | 'tooLarge'
  /** A Content-Encoding that is unknown or that does not unpack. */
  | 'encoding'
  /** Name resolution, connection, TLS, or a connection that broke. */
  | 'network';

/** The message names host and cause, never a header or a query. */
export class WebError extends Error {
  readonly code: WebErrorCode;
  constructor(code: WebErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** GET over HTTP, for bodies of hostile servers. An answer of any status is an answer. */
export interface Web {
  get(request: WebRequest): Promise<WebResponse>;
}
