import type { Checkpoint, Checkpoints } from '../../ports/checkpoints.ts';

export class MemoryCheckpoints implements Checkpoints {
  readonly #checkpoints = new Map<string, { text: string; version: string }>();
  #writes = 0;

  async read(name: string): Promise<Checkpoint | null> {
    const stored = this.#checkpoints.get(name);
    return stored === undefined
      ? null
      : { value: JSON.parse(stored.text) as unknown, version: stored.version };
  }

  async write(name: string, value: unknown, version: string | null): Promise<string | null> {
    if ((this.#checkpoints.get(name)?.version ?? null) !== version) return null;
    const next = String(++this.#writes);
    this.#checkpoints.set(name, { text: JSON.stringify(value), version: next });
    return next;
  }

  async remove(name: string): Promise<void> {
    this.#checkpoints.delete(name);
  }
}
