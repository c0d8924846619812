/** How far a partition's log has been read: the last row, in the numbering of its epoch. */
export interface LogPosition {
  readonly epoch: number;
  readonly sequence: number;
}

export function isAfter(a: LogPosition, b: LogPosition | undefined): boolean {
  if (b === undefined) return true;
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.sequence > b.sequence;
}

/** A stretch of a partition's log, both ends included: from the first row of a block to the last row of another. */
export interface LogRange {
  readonly from: LogPosition;
  readonly to: LogPosition;
}

export function covers({ from, to }: LogRange, position: LogPosition): boolean {
  return !isAfter(from, position) && !isAfter(position, to);
}

/** One range from the first of both to the last of both. */
export function spanOf(a: LogRange, b: LogRange): LogRange {
  return {
    from: isAfter(a.from, b.from) ? b.from : a.from,
    to: isAfter(b.to, a.to) ? b.to : a.to,
  };
}

/** Whether rows may lie between the two. */
export function areApart(a: LogRange, b: LogRange): boolean {
  const [first, second] = isAfter(a.from, b.from) ? [b, a] : [a, b];
  const next = { ...first.to, sequence: first.to.sequence + 1 };
  return isAfter(second.from, next);
}
