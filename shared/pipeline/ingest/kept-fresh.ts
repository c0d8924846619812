import type { Clock } from '../../ports/clock.ts';

/**
 * What a store says, for so long after it was asked. Asked for often enough, it is read again ahead of time and beside the
 * batches, which go on with what there is until the new one is ready: so no batch waits for a reading.
 */
export class KeptFresh<T> {
  readonly #read: (loaded: T | null) => Promise<T>;
  readonly #clock: Clock;
  readonly #freshMs: number;
  #loaded: T | null = null;
  #checkedAt = -Infinity;
  #refreshing: Promise<T> | null = null;

  /** `read` is told what is loaded, and may give it again. */
  constructor(read: (loaded: T | null) => Promise<T>, clock: Clock, freshMs: number) {
    this.#read = read;
    this.#clock = clock;
    this.#freshMs = freshMs;
  }

  /** What was held against the store lately enough; throws when that cannot be done now. */
  async fresh(): Promise<T> {
    const age = this.#clock.now() - this.#checkedAt;
    // Below 0 the clock was wrong then, or is now.
    if (this.#loaded === null || age < 0 || age > this.#freshMs) return this.refresh();
    // A third of the time is left for the loading; what fails here is tried again, and then waited for.
    if (age > (this.#freshMs * 2) / 3) this.refresh().catch(() => {});
    return this.#loaded;
  }

  /** Asks the store in any case. Batches that ask at once share one reading. */
  async refresh(): Promise<T> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #ask(): Promise<T> {
    const askedAt = this.#clock.now();
    this.#loaded = await this.#read(this.#loaded);
    this.#checkedAt = askedAt;
    return this.#loaded;
  }
}
