import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';

const CHUNK_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

/**
 * Records in a file, one JSON text a line. What `append` returned from survives the death of the process; a line that it
 * cut short is dropped at the next read. A power cut may lose the last seconds.
 */
export class Journal {
  readonly #path: string;
  #file: number;
  #bytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT);
    this.#bytes = fstatSync(this.#file).size;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  /** All whole records, and drops a torn last one. */
  *read(): Generator {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let pending: Buffer[] = [];
    let position = 0;
    let whole = 0;
    for (;;) {
      const read = readSync(this.#file, chunk, 0, CHUNK_BYTES, position);
      if (read === 0) break;
      let start = 0;
      for (
        let end;
        (end = chunk.subarray(0, read).indexOf(NEWLINE, start)) !== -1;
        start = end + 1
      ) {
        const line = Buffer.concat([...pending, chunk.subarray(start, end)]);
        pending = [];
        yield this.#parse(line, whole);
        whole += line.length + 1;
      }
      pending.push(Buffer.from(chunk.subarray(start, read)));
      position += read;
    }
    ftruncateSync(this.#file, whole);
    this.#bytes = whole;
  }

  append(record: unknown): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    try {
      writeFully(this.#file, line, this.#bytes);
    } catch (error) {
      // A full disk: half a line must not stand before the next one.
      ftruncateSync(this.#file, this.#bytes);
      throw error;
    }
    this.#bytes += line.length;
  }

  /** Puts a shorter journal that says the same in place of this one, at once. */
  rewrite(records: Iterable<unknown>): void {
    const temporary = `${this.#path}.new`;
    const file = openSync(temporary, 'w+');
    let bytes = 0;
    for (const record of records) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`);
      writeFully(file, line, bytes);
      bytes += line.length;
    }
    renameSync(temporary, this.#path);
    closeSync(this.#file);
    this.#file = file;
    this.#bytes = bytes;
  }

  close(): void {
    closeSync(this.#file);
  }

  #parse(line: Buffer, position: number): unknown {
    try {
      return JSON.parse(line.toString());
    } catch (cause) {
      throw new Error(`${this.#path} is damaged at byte ${position}`, { cause });
    }
  }
}

function writeFully(file: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
