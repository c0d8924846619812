import type { Runs } from '../../ports/runs.ts';

export class MemoryRuns implements Runs {
  readonly #files = new Map<string, Uint8Array>();

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#files.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  async write(
    name: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<boolean> {
    const parts: Uint8Array[] = [];
    for await (const piece of pieces) parts.push(piece.slice());
    if (this.#files.has(name)) return false;
    this.#files.set(name, new Uint8Array(Buffer.concat(parts)));
    return true;
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = this.#files.get(name);
    return bytes === undefined ? null : inPieces(bytes);
  }

  async remove(prefix: string, most = Infinity): Promise<number> {
    const names = (await this.list(prefix)).slice(0, most);
    for (const name of names) this.#files.delete(name);
    return names.length;
  }
}

const PIECE_BYTES = 64 * 1024;

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    yield bytes.slice(from, from + PIECE_BYTES);
  }
}
