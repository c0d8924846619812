import { NEWLINE } from '../ascii.ts';

/** No real list comes near: the longest line of the measured ones has 197 bytes. */
export const MAX_LINE_BYTES = 4096;

/** The bytes from `start` to `end`, without the newline; cut at the cap if `tooLong`. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly number: number;
  readonly tooLong: boolean;
}

/** Cuts chunks into lines. Keeps one line at most and no more of it than the cap, however long the line. */
export class LineCutter {
  readonly #onLine: (line: Line) => void;
  readonly #maxBytes: number;
  readonly #kept: Uint8Array;
  #keptBytes = 0;
  #tooLong = false;
  #number = 0;

  /** A line is valid during the call only: its bytes are the caller's chunk or reused. */
  constructor(onLine: (line: Line) => void, maxBytes = MAX_LINE_BYTES) {
    this.#onLine = onLine;
    this.#maxBytes = maxBytes;
    this.#kept = new Uint8Array(maxBytes);
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (this.#keptBytes === 0 && end - start <= this.#maxBytes) {
        this.#onLine({ bytes: chunk, start, end, number: ++this.#number, tooLong: false });
      } else {
        this.#keep(chunk, start, end);
        this.#finishKept();
      }
      start = end + 1;
    }
    this.#keep(chunk, start, chunk.length);
  }

  end(): void {
    if (this.#keptBytes > 0) this.#finishKept();
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const room = this.#maxBytes - this.#keptBytes;
    if (end - start > room) this.#tooLong = true;
    const part = chunk.subarray(start, Math.min(end, start + room));
    this.#kept.set(part, this.#keptBytes);
    this.#keptBytes += part.length;
  }

  #finishKept(): void {
    this.#onLine({
      bytes: this.#kept,
      start: 0,
      end: this.#keptBytes,
      number: ++this.#number,
      tooLong: this.#tooLong,
    });
    this.#keptBytes = 0;
    this.#tooLong = false;
  }
}
