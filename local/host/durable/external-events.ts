/** Waits for events by name, and events that came before anyone waited. The extension does not mind the case of names. */
export class ExternalEvents {
  readonly #waits = new Map<string, (() => void)[]>();
  readonly #buffered = new Map<string, number>();

  get waiting(): number {
    return [...this.#waits.values()].reduce((count, waits) => count + waits.length, 0);
  }

  /** Calls back at once if an event is there. */
  wait(name: string, arrived: () => void): void {
    const key = name.toLowerCase();
    const buffered = this.#buffered.get(key) ?? 0;
    if (buffered > 0) {
      this.#buffered.set(key, buffered - 1);
      arrived();
    } else {
      this.#waits.set(key, [...(this.#waits.get(key) ?? []), arrived]);
    }
  }

  /** The newest wait is served first: who waits in a loop has given up the older ones. */
  raise(name: string): void {
    const key = name.toLowerCase();
    const arrived = this.#waits.get(key)?.pop();
    if (arrived === undefined) this.#buffered.set(key, (this.#buffered.get(key) ?? 0) + 1);
    else arrived();
  }
}
