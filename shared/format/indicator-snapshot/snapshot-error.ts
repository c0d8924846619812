/**
 * `foreign`: not a snapshot. `truncated`: shorter than it says. `corrupt`: its CRC does not hold. `inconsistent`: its parts
 * contradict each other.
 */
export type SnapshotErrorCode =
  | 'foreign'
  | 'truncated'
  | 'unsupportedVersion'
  | 'unknownSection'
  | 'corrupt'
  | 'inconsistent';

export class SnapshotError extends Error {
  readonly code: SnapshotErrorCode;
  constructor(code: SnapshotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function notJson(cause: unknown): SnapshotError {
  return new SnapshotError('inconsistent', 'a JSON section of the snapshot does not parse', {
    cause,
  });
}

export function inconsistent(what: string): SnapshotError {
  return new SnapshotError('inconsistent', `${what} of the snapshot points outside`);
}
