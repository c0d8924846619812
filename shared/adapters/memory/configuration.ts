import type { Configuration, StoredConfiguration } from '../../ports/configuration.ts';

export class MemoryConfiguration implements Configuration {
  readonly #files = new Map<string, { text: string; version: string }>();
  #writes = 0;

  async read(name: string): Promise<StoredConfiguration | null> {
    const stored = this.#files.get(name);
    return stored === undefined
      ? null
      : { value: JSON.parse(stored.text) as unknown, version: stored.version };
  }

  async write(name: string, value: unknown, version: string | null): Promise<string | null> {
    if ((this.#files.get(name)?.version ?? null) !== version) return null;
    const next = String(++this.#writes);
    this.#files.set(name, { text: JSON.stringify(value), version: next });
    return next;
  }
}
