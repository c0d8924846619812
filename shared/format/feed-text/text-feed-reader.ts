import type { FeedEntry } from '../../domain/indicator/feed-entry.ts';
import { LineCutter } from './line-cutter.ts';
import { promisedBy } from './promise.ts';
import { readLine } from './read-line.ts';

/**
 * Reads a list of one entry a line from its bytes, chunk by chunk. Comments (`#`, `;`, `//`) and blank lines are no
 * entries; every other line is accepted, or refused with a reason.
 */
export class TextFeedReader {
  readonly #lines: LineCutter;
  #promised: number | null = null;

  constructor(onEntry: (entry: FeedEntry) => void) {
    this.#lines = new LineCutter((line) => {
      const entry = readLine(line);
      if (entry !== null) onEntry(entry);
      else this.#promised = promisedBy(line) ?? this.#promised;
    });
  }

  /** How many entries the list says that it has, in a comment read so far; null if it does not say. */
  get promised(): number | null {
    return this.#promised;
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** Must follow the last chunk: the last line may lack its newline. */
  end(): void {
    this.#lines.end();
  }
}
