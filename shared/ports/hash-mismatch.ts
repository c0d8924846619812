/** A file that is named by its hash has other bytes: torn, or put there by somebody else. */
export class HashMismatchError extends Error {
  readonly code = 'HASH_MISMATCH';
}
