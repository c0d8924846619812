import type { Publication } from '../domain/indicator/publication.ts';

/** What `indicators/current.json` says. */
export interface SnapshotPointer extends Publication {
  /** SHA-256 of the allowlist that goes with it; null where nothing is allowed. */
  readonly allowlistId: string | null;
  /** The publications before it, the oldest first: hunts look for what each of them brought. Bounded. */
  readonly earlier: readonly Publication[];
}

/** The file is not there (any more). */
export class SnapshotLostError extends Error {
  readonly code = 'SNAPSHOT_LOST';
}

export interface StoredPointer {
  readonly pointer: SnapshotPointer;
  readonly version: string;
}

export interface IndicatorSnapshots {
  /** Null when nothing was published yet. */
  current(): Promise<StoredPointer | null>;
  /**
   * The file in a buffer of its own, from byte 0 on. Throws a `SnapshotLostError` where there is none, a
   * `HashMismatchError` when its bytes are not what `id` promises.
   */
  read(id: string): Promise<Uint8Array>;
  /** Keeps the file under its hash (the same file twice is kept once, as new) and gives the id. */
  store(bytes: Uint8Array): Promise<string>;
  /** Moves the pointer that was read in `version` (null: there was none); false when somebody else moved it first. */
  point(to: SnapshotPointer, version: string | null): Promise<boolean>;
  /** As `store` and `read`, for the file of an allowlist. */
  storeAllowlist(bytes: Uint8Array): Promise<string>;
  readAllowlist(id: string): Promise<Uint8Array>;
  /**
   * Removes the snapshot files that nobody stored since `olderThan` (epoch milliseconds), save those in `keep` and the
   * one the pointer names now. Gives how many it removed.
   */
  remove(olderThan: number, keep: ReadonlySet<string>): Promise<number>;
}
