/** Immutable files of what devices did in a stretch of time. Names are paths with `/`. */
export interface Runs {
  /** Names that begin with `prefix`, in order. */
  list(prefix: string): Promise<readonly string[]>;
  /**
   * Whole or not at all; false where a file of this name is there already, which stays. A piece must not change after it was given.
   * What `pieces` throws is thrown.
   */
  write(name: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<boolean>;
  /** In pieces of any size; null when there is none. */
  read(name: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** Removes files whose names begin with `prefix`, all or at most so many; gives how many. */
  remove(prefix: string, most?: number): Promise<number>;
}
