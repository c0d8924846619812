import { hash } from 'node:crypto';
import type {
  IndicatorSnapshots,
  SnapshotPointer,
  StoredPointer,
} from '../../ports/indicator-snapshots.ts';

export class MemoryIndicatorSnapshots implements IndicatorSnapshots {
  readonly #files = new Map<string, Uint8Array>();
  #pointer: StoredPointer | null = null;

  async current(): Promise<StoredPointer | null> {
    return this.#pointer;
  }

  async read(id: string): Promise<Uint8Array> {
    const bytes = this.#files.get(id);
    if (bytes === undefined) throw new Error(`there is no snapshot ${id}`);
    return bytes;
  }

  async store(bytes: Uint8Array): Promise<string> {
    const id = hash('sha256', bytes, 'hex');
    this.#files.set(id, bytes.slice());
    return id;
  }

  async point(to: SnapshotPointer, version: string | null): Promise<boolean> {
    if ((this.#pointer?.version ?? null) !== version) return false;
    this.#pointer = { pointer: to, version: String(to.ordinal) };
    return true;
  }
}
