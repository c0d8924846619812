import type { Writable } from 'node:stream';

/** One line that is written over, where somebody looks at it; nothing in a file or a pipe. */
export class ProgressLine {
  readonly #stream: Writable;
  readonly #terminal: boolean;
  #shown = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    this.#terminal = 'isTTY' in stream && stream.isTTY === true;
  }

  show(text: string): void {
    if (!this.#terminal) return;
    this.#stream.write(`\r\u001b[K${text}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#stream.write('\r\u001b[K');
    this.#shown = false;
  }
}
