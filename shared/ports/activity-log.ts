/** A partition of a stream; `stream` is `{namespace}~{event hub}`. */
export interface PartitionRef {
  readonly stream: string;
  readonly partition: string;
}

export interface LogFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** The file is not there any more: retention took it. */
export class LogFileGoneError extends Error {
  readonly code = 'LOG_FILE_GONE';
}

/** `conflict`: the file is not `offset` bytes long (somebody else appended), or is not there. */
export type AppendOutcome = 'appended' | 'conflict';

/**
 * The activity log as files that only grow. An operation that throws has an unknown outcome: it may have happened, or
 * may happen yet.
 */
export interface ActivityLog {
  /** Every partition that has a file. */
  partitions(): Promise<readonly PartitionRef[]>;
  /** In order of name; from `fromName` on where given. */
  files(partition: PartitionRef, fromName?: string): Promise<readonly LogFile[]>;
  /** The bytes from `from` to before `to`; fewer when the file ends first. Throws a `LogFileGoneError` where there is none. */
  read(partition: PartitionRef, file: string, from: number, to: number): Promise<Uint8Array>;
  /** Appends if the file is exactly `offset` bytes long: the one condition that everything rests on. */
  append(
    partition: PartitionRef,
    file: string,
    offset: number,
    bytes: Uint8Array,
  ): Promise<AppendOutcome>;
  /** Creates an empty file; false when it is there already. */
  create(partition: PartitionRef, file: string): Promise<boolean>;
}
