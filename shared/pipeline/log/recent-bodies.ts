import { widened } from '../../domain/telemetry/widened.ts';

const NONE = 0xffffffff;

/**
 * The bodies seen lately, by 64-bit hash and IoT Hub time: a message that a device sent twice within the horizon is a
 * repeat. Columns and chains instead of objects: a busy partition has a hundred thousand of them.
 */
export class RecentBodies {
  /** Every body with a time at or after this is known. */
  completeFrom: number;
  readonly #heads = new Map<number, number>();
  #high = new Uint32Array(256);
  #time = new Float64Array(256);
  #next = new Uint32Array(256);
  #low = new Uint32Array(256);
  #count = 0;

  constructor(completeFrom: number) {
    this.completeFrom = completeFrom;
  }

  get size(): number {
    return this.#count;
  }

  /** By absolute difference: IoT Hub's time is not monotone in a partition. */
  hasWithin(hashLow: number, hashHigh: number, time: number, horizon: number): boolean {
    for (let i = this.#heads.get(hashLow) ?? NONE; i !== NONE; i = this.#next[i]!) {
      if (this.#high[i] === hashHigh && Math.abs(this.#time[i]! - time) <= horizon) return true;
    }
    return false;
  }

  add(hashLow: number, hashHigh: number, time: number): void {
    if (this.#count === this.#time.length) this.#grow();
    const i = this.#count++;
    this.#low[i] = hashLow;
    this.#high[i] = hashHigh;
    this.#time[i] = time;
    this.#next[i] = this.#heads.get(hashLow) ?? NONE;
    this.#heads.set(hashLow, i);
  }

  /** Forgets what is older. A batch that reaches further back makes its caller read the log again. */
  forgetBefore(time: number): void {
    const kept = new RecentBodies(Math.max(this.completeFrom, time));
    for (let i = 0; i < this.#count; i++) {
      if (this.#time[i]! >= time) kept.add(this.#low[i]!, this.#high[i]!, this.#time[i]!);
    }
    this.completeFrom = kept.completeFrom;
    this.#heads.clear();
    for (const [low, head] of kept.#heads) this.#heads.set(low, head);
    this.#high = kept.#high;
    this.#low = kept.#low;
    this.#time = kept.#time;
    this.#next = kept.#next;
    this.#count = kept.#count;
  }

  #grow(): void {
    const capacity = this.#time.length * 2;
    this.#low = widened(this.#low, new Uint32Array(capacity));
    this.#high = widened(this.#high, new Uint32Array(capacity));
    this.#time = widened(this.#time, new Float64Array(capacity));
    this.#next = widened(this.#next, new Uint32Array(capacity));
  }
}
