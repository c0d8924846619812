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

export function covers(ranges: readonly LogRange[], position: LogPosition): boolean {
  return ranges.some(({ from, to }) => !isAfter(from, position) && !isAfter(position, to));
}

/** Stretches that hunts of different reach leave apart; beyond this many the oldest hole is closed. */
const MAX_RANGES = 16;

/** The ranges with one more, in order; those that overlap or follow each other are one. */
export function withRange(ranges: readonly LogRange[], added: LogRange): readonly LogRange[] {
  const sorted = [...ranges, added].sort((a, b) => (isAfter(a.from, b.from) ? 1 : -1));
  const joined: LogRange[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last === undefined || isApart(last, range)) joined.push(range);
    else if (isAfter(range.to, last.to)) joined[joined.length - 1] = { ...last, to: range.to };
  }
  // A row in the hole will not be counted: too little, rather than twice.
  while (joined.length > MAX_RANGES) joined.splice(0, 2, bridge(joined[0]!, joined[1]!));
  return joined;
}

function isApart(before: LogRange, after: LogRange): boolean {
  const next = { ...before.to, sequence: before.to.sequence + 1 };
  return isAfter(after.from, next);
}

function bridge(before: LogRange, after: LogRange): LogRange {
  return { from: before.from, to: after.to };
}
