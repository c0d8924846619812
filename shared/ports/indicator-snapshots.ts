/** What `indicators/current.json` says. Ordinals rise with every publication. */
export interface SnapshotPointer {
  readonly ordinal: number;
  /** SHA-256 of the file, hexadecimal: also its name. */
  readonly id: string;
  readonly publishedAt: string;
}

export interface StoredPointer {
  readonly pointer: SnapshotPointer;
  readonly version: string;
}

export interface IndicatorSnapshots {
  /** Null when nothing was published yet. */
  current(): Promise<StoredPointer | null>;
  /** The file's bytes; throws when they are not what `id` promises. */
  read(id: string): Promise<Uint8Array>;
  /** Keeps the file under its hash (the same file twice is kept once) and gives the id. */
  store(bytes: Uint8Array): Promise<string>;
  /** Moves the pointer that was read in `version` (null: there was none); false when somebody else moved it first. */
  point(to: SnapshotPointer, version: string | null): Promise<boolean>;
}
