const DAY = 86_400_000;

/**
 * Milliseconds of a .NET TimeSpan (`hh:mm`, `hh:mm:ss`, `d.hh:mm:ss`, fractions of a second, whole days); null for anything else.
 */
export function parseTimeSpan(text: string): number | null {
  if (/^\d{1,8}$/.test(text)) return Number(text) * DAY;
  const match = /^(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?$/.exec(text);
  if (match === null) return null;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  // .NET reads 24:00:00 as 24 days; nobody means that.
  if (hours! > 23 || minutes! > 59 || seconds! >= 60) return null;
  return Math.round(days! * DAY + hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1000);
}
