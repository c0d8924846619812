// JSON over HTTP for feeds of many documents, with one budget over all of them.
import type { WebLimits, WebResponse } from '../../../ports/web.ts';
import { FetchError, hostOf, type SourceContext } from './source.ts';

/**
 * What one read of a feed may take in all, however many requests it makes: as long as one alone may last, because the host
 * ends the function and all feeds wait for the slowest.
 */
export class ReadBudget {
  readonly #maxBytes: number;
  readonly #maxMs: number;
  readonly #startedAt = performance.now();
  #bytes = 0;

  constructor({ feed, limits }: Pick<SourceContext, 'feed' | 'limits'>) {
    this.#maxBytes = feed.maxBytes;
    this.#maxMs = limits.totalMs;
  }

  /** More bytes came than the feed may have. */
  get isOverdrawn(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  /** The limits of the next exchange. Throws when no time is left for one. */
  limitsOf(limits: WebLimits): WebLimits {
    const left = this.#maxMs - (performance.now() - this.#startedAt);
    if (left > 0) return { ...limits, totalMs: Math.min(limits.totalMs, Math.ceil(left)) };
    throw new FetchError('timeout', `reading it takes longer than ${this.#maxMs / 1000} s`);
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    if (!this.isOverdrawn) return;
    throw new FetchError('tooLarge', `the feed is larger than its ${this.#maxBytes} bytes`);
  }
}

/** The body of an answer, unpacked, as JSON. A byte that is not UTF-8 spoils its own text only. */
export async function readJsonBody(
  response: WebResponse,
  budget: ReadBudget,
  maxBytes: number,
): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    budget.take(chunk.length);
    length += chunk.length;
    if (length > maxBytes) {
      throw new FetchError('tooLarge', `${hostOf(response)} answers with over ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown;
  } catch (cause) {
    throw new FetchError('badJson', `${hostOf(response)} answers with what is no JSON`, { cause });
  }
}
