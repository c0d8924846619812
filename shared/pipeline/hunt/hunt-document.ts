import type { Checkpoints } from '../../ports/checkpoints.ts';

/** Somebody else writes the state of this hunt: they hunt, and this one ends. */
export class HuntTakenError extends Error {
  readonly code = 'HUNT_TAKEN';
}

/**
 * State of a hunt that one hunter at a time writes. Changes of partitions that are searched side by side follow one
 * another; the first one that finds the document changed by somebody else throws.
 */
export class HuntDocument<T> {
  readonly #checkpoints: Checkpoints;
  readonly #name: string;
  #version: string | null;
  #value: T;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(checkpoints: Checkpoints, name: string, version: string | null, value: T) {
    this.#checkpoints = checkpoints;
    this.#name = name;
    this.#version = version;
    this.#value = value;
  }

  /** `initial` where there is none yet. The value is our own writing and is not checked. */
  static async open<T>(
    checkpoints: Checkpoints,
    name: string,
    initial: T,
  ): Promise<HuntDocument<T>> {
    const stored = await checkpoints.read(name);
    const value = stored === null ? initial : (stored.value as T);
    return new HuntDocument(checkpoints, name, stored?.version ?? null, value);
  }

  get value(): T {
    return this.#value;
  }

  /** `change` gives the same value for "nothing to write". */
  async change(change: (value: T) => T): Promise<void> {
    const turn = this.#queue.then(() => this.#write(change(this.#value)));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #write(value: T): Promise<void> {
    if (value === this.#value) return;
    const version =
      (await this.#checkpoints.write(this.#name, value, this.#version)) ??
      (await this.#versionIfOwn(value));
    if (version === null) {
      throw new HuntTakenError(`${this.#name} was changed by somebody else, who goes on with it`);
    }
    this.#version = version;
    this.#value = value;
  }

  /** A write that was repeated underneath, because its first answer was lost, finds itself. */
  async #versionIfOwn(value: T): Promise<string | null> {
    const stored = await this.#checkpoints.read(this.#name);
    return JSON.stringify(stored?.value) === JSON.stringify(value) ? stored!.version : null;
  }
}
