// Windows are half-open stretches of IoT Hub's time, aligned to the Unix epoch. Times are epoch milliseconds.

export interface Window {
  readonly start: number;
  /** Not in it. */
  readonly end: number;
}

export const MINUTE_MS = 60_000;
/** What activity is kept by; windows of a multiple of it are merged from there. */
export const PIECE_MS = 5 * MINUTE_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The last instant at or before `time` at which a window of `size` begins. */
export function alignedDown(time: number, size: number): number {
  return Math.floor(time / size) * size;
}

/** The first one at or after it. */
export function alignedUp(time: number, size: number): number {
  return Math.ceil(time / size) * size;
}

export function holds({ start, end }: Window, time: number): boolean {
  return time >= start && time < end;
}
