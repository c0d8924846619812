import { hash } from 'node:crypto';
import {
  type IndicatorSnapshots,
  SnapshotLostError,
  type SnapshotPointer,
  type StoredPointer,
} from '../../ports/indicator-snapshots.ts';

interface File {
  readonly bytes: Uint8Array;
  /** Epoch milliseconds of the latest time that somebody stored it. */
  readonly storedAt: number;
}

export class MemoryIndicatorSnapshots implements IndicatorSnapshots {
  readonly #snapshots = new Map<string, File>();
  readonly #allowlists = new Map<string, File>();
  readonly #now: () => number;
  #pointer: StoredPointer | null = null;
  #moves = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async current(): Promise<StoredPointer | null> {
    return this.#pointer;
  }

  async read(id: string): Promise<Uint8Array> {
    return copyOf(this.#snapshots, id);
  }

  async store(bytes: Uint8Array): Promise<string> {
    return this.#keep(this.#snapshots, bytes);
  }

  async point(to: SnapshotPointer, version: string | null): Promise<boolean> {
    if ((this.#pointer?.version ?? null) !== version) return false;
    this.#pointer = { pointer: to, version: String(++this.#moves) };
    return true;
  }

  async storeAllowlist(bytes: Uint8Array): Promise<string> {
    return this.#keep(this.#allowlists, bytes);
  }

  async readAllowlist(id: string): Promise<Uint8Array> {
    return copyOf(this.#allowlists, id);
  }

  async remove(olderThan: number, keep: ReadonlySet<string>): Promise<number> {
    const removed = [...this.#snapshots].filter(
      ([id, { storedAt }]) =>
        storedAt < olderThan && !keep.has(id) && id !== this.#pointer?.pointer.id,
    );
    for (const [id] of removed) this.#snapshots.delete(id);
    return removed.length;
  }

  #keep(files: Map<string, File>, bytes: Uint8Array): string {
    const id = hash('sha256', bytes, 'hex');
    files.set(id, { bytes: new Uint8Array(bytes), storedAt: this.#now() });
    return id;
  }
}

function copyOf(files: ReadonlyMap<string, File>, id: string): Uint8Array {
  const file = files.get(id);
  if (file === undefined) throw new SnapshotLostError(`there is no file ${id}`);
  return new Uint8Array(file.bytes);
}
