/** How far a partition's log has been read: the last row, in the numbering of its epoch. */
export interface LogPosition {
  readonly epoch: number;
  readonly sequence: number;
}

export function isAfter(a: LogPosition, b: LogPosition | undefined): boolean {
  if (b === undefined) return true;
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.sequence > b.sequence;
}
