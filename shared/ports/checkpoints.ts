/** A durable position in an input; work resumes after it. */
export interface Checkpoint {
  readonly value: unknown;
  readonly version: string;
}

export interface Checkpoints {
  /** Null when there is none yet. */
  read(name: string): Promise<Checkpoint | null>;
  /**
   * Replaces the checkpoint that was read in `version` (null: there was none) and gives the new version. Null when
   * somebody else moved it meanwhile: a checkpoint never goes back.
   */
  write(name: string, value: unknown, version: string | null): Promise<string | null>;
  /** Also where there is none. */
  remove(name: string): Promise<void>;
}
