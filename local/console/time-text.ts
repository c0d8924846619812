const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago an ISO 8601 time is, or in how long it comes, to one figure that a glance takes in; `-` for null. */
export function timeText(iso: string | null, now: number): string {
  if (iso === null) return '-';
  const away = Date.parse(iso) - now;
  const span = spanText(Math.abs(away));
  if (span === '0 s') return 'now';
  return away < 0 ? `${span} ago` : `in ${span}`;
}

function spanText(milliseconds: number): string {
  if (milliseconds < 2 * MINUTE) return `${Math.floor(milliseconds / 1000)} s`;
  if (milliseconds < 2 * HOUR) return `${Math.floor(milliseconds / MINUTE)} min`;
  if (milliseconds < 2 * DAY) return `${Math.floor(milliseconds / HOUR)} h`;
  return `${Math.floor(milliseconds / DAY)} d`;
}
