import { type WebLimits, WebError } from '../../ports/web.ts';

interface Destroyable {
  destroy(error?: Error): unknown;
}

/** One `get`, from its first name resolution to its last byte: its two clocks, and the one stream that is open. */
export class Exchange {
  /** Whom we are talking to now; what messages name. */
  host = '';
  readonly #idleMs: number;
  readonly #total: NodeJS.Timeout;
  readonly #over = Promise.withResolvers<never>();
  #idle: NodeJS.Timeout | undefined;
  #open: Destroyable | null = null;
  #ended = false;
  #failure: WebError | null = null;

  constructor(limits: WebLimits) {
    this.#idleMs = limits.idleMs;
    this.#total = setTimeout(() => this.#expire('took too long'), limits.totalMs);
    // Nobody may be waiting when the exchange ends.
    this.#over.promise.catch(() => undefined);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The timeout that ended it, null as long as there was none: what a broken stream should be blamed on. */
  get failure(): WebError | null {
    return this.#failure;
  }

  /** The stream that goes when the exchange goes; the one before is the caller's to destroy. */
  hold(stream: Destroyable): void {
    this.#open = stream;
    if (this.#ended) stream.destroy();
  }

  /** Waits for something that gives no bytes to watch. Not for every chunk: a race holds on to all it saw. */
  async waitFor<T>(coming: Promise<T>): Promise<T> {
    this.expectBytes();
    try {
      return await Promise.race([coming, this.#over.promise]);
    } finally {
      this.gotBytes();
    }
  }

  /** Starts the clock of silence, or starts it anew. */
  expectBytes(): void {
    clearTimeout(this.#idle);
    if (this.#ended) return;
    const timer = setTimeout(() => {
      // A busy process is not a silent peer: bytes that came meanwhile are read before `setImmediate` fires.
      setImmediate(() => {
        if (this.#idle === timer) this.#expire('sent nothing for too long');
      });
    }, this.#idleMs);
    this.#idle = timer;
  }

  gotBytes(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }

  /** Closes what is open and stops the clocks. Only the first call counts. */
  end(failure: WebError | null = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    clearTimeout(this.#total);
    this.gotBytes();
    this.#open?.destroy(failure ?? undefined);
    this.#over.reject(failure ?? new WebError('network', `${this.host}: the exchange was ended`));
  }

  #expire(what: string): void {
    this.end(new WebError('timeout', `${this.host} ${what}`));
  }
}
