export interface StoredConfiguration {
  /** As it stands in the file: not checked. */
  readonly value: unknown;
  readonly version: string;
}

/** The operator's configuration files, JSON by name; changed under their version. */
export interface Configuration {
  /** Null when there is none. */
  read(name: string): Promise<StoredConfiguration | null>;
  /** The new version; null when the file is no longer the one that was read in `version` (null: there was none). */
  write(name: string, value: unknown, version: string | null): Promise<string | null>;
}
