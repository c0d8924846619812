import { setTimeout as wait } from 'node:timers/promises';

/** What the host asks of time; tests and `replay` give it a virtual one. Times are milliseconds since the Unix epoch. */
export interface HostClock {
  now(): number;
  /**
   * Runs the action once, at the time or at once if that has passed; never after `signal` is aborted. The action must not reject.
   */
  runAt(time: number, action: () => Promise<void>, signal: AbortSignal): void;
  /** Waits between two attempts of a retry policy. Resolves early when `signal` is aborted. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void>;
}

// Node's timers fire at once when asked for more than 2^31 - 1 ms.
const LONGEST_TIMER = 2 ** 31 - 1;

export class SystemHostClock implements HostClock {
  now(): number {
    return Date.now();
  }

  runAt(time: number, action: () => Promise<void>, signal: AbortSignal): void {
    void this.#runAt(time, action, signal);
  }

  async #runAt(time: number, action: () => Promise<void>, signal: AbortSignal): Promise<void> {
    do {
      // A timer may fire a millisecond before the wall clock gets there, so the clock is asked again.
      await this.delay(time - this.now(), signal);
    } while (this.now() < time && !signal.aborted);
    if (!signal.aborted) await action();
  }

  async delay(milliseconds: number, signal: AbortSignal): Promise<void> {
    await realDelay(Math.min(Math.max(milliseconds, 0), LONGEST_TIMER), signal);
  }
}

/** A retry under a virtual clock waits at most this long in real time, so that it proceeds without `advanceTo`. */
const LONGEST_VIRTUAL_DELAY = 50;

/** Time that stands still until `advanceTo`. */
export class VirtualHostClock implements HostClock {
  #now: number;
  #due: { time: number; action: () => Promise<void>; signal: AbortSignal }[] = [];

  constructor(startMilliseconds: number) {
    this.#now = startMilliseconds;
  }

  now(): number {
    return this.#now;
  }

  runAt(time: number, action: () => Promise<void>, signal: AbortSignal): void {
    this.#due.push({ time, action, signal });
  }

  async delay(milliseconds: number, signal: AbortSignal): Promise<void> {
    await realDelay(Math.min(Math.max(milliseconds, 0), LONGEST_VIRTUAL_DELAY), signal);
  }

  /**
   * Moves time forward and runs what falls due on the way, in time order, each to its end before the next; what they
   * arm for a time on the way runs too. One caller at a time. Time never moves back: an earlier time only runs what is due.
   */
  async advanceTo(time: number): Promise<void> {
    for (;;) {
      this.#due = this.#due.filter((entry) => !entry.signal.aborted);
      const target = Math.max(time, this.#now);
      const next = this.#earliest();
      if (next === undefined || next.time > target) {
        this.#now = target;
        return;
      }
      this.#due.splice(this.#due.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.time);
      await next.action();
    }
  }

  #earliest() {
    let earliest = this.#due[0];
    for (const entry of this.#due) {
      if (earliest !== undefined && entry.time < earliest.time) earliest = entry;
    }
    return earliest;
  }
}

async function realDelay(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
