// Instants as epoch milliseconds, to and from ISO 8601 text, without `Date`: the pure folders have no clock.

const MS_PER_DAY = 86_400_000;
/** 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of year can write. */
const MIN_INSTANT = -62_167_219_200_000;
const MAX_INSTANT = 253_402_300_799_999;

// Hosts write 'T' or a blank, up to nine fraction digits, and 'Z', an offset or nothing (then it is UTC).
const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?$/;

/**
 * Epoch milliseconds of an ISO 8601 date or time, null for anything else; without a zone it is UTC, a date alone is its
 * midnight. Digits below the millisecond are cut off, never rounded up. No leap seconds, no 24:00.
 */
export function parseInstant(text: string): number | null {
  const match = ISO_8601.exec(text);
  if (match === null) return null;
  const [, yyyy, mm, dd, hour = '0', minute = '0', second = '0', fraction = '', , sign] = match;
  const year = Number(yyyy);
  const month = Number(mm);
  const day = Number(dd);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const [offsetHours, offsetMinutes] = [Number(match[10] ?? 0), Number(match[11] ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return null;

  const offset = (offsetHours * 60 + offsetMinutes) * 60_000 * (sign === '-' ? -1 : 1);
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const time = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + milliseconds;
  const instant = daysFromCivil(year, month, day) * MS_PER_DAY + time - offset;
  return instant < MIN_INSTANT || instant > MAX_INSTANT ? null : instant;
}

/** `YYYY-MM-DDTHH:mm:ss.sssZ`. Throws a RangeError outside the years 0000 to 9999, which that form cannot write. */
export function formatInstant(instant: number): string {
  const ms = Math.floor(instant);
  if (!(ms >= MIN_INSTANT && ms <= MAX_INSTANT)) {
    throw new RangeError(`an instant of the years 0000 to 9999 was expected, found ${instant}`);
  }
  const days = Math.floor(ms / MS_PER_DAY);
  const { year, month, day } = civilFromDays(days);
  const time = ms - days * MS_PER_DAY;
  const seconds = Math.floor(time / 1000);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${clock.map((n) => pad(n, 2)).join(':')}.${pad(time % 1000, 3)}Z`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

// The civil calendar counted in eras of 400 years (146,097 days) that begin on 1 March, so that a leap day ends its year
// (Howard Hinnant, "chrono-compatible low-level date algorithms"). 719,468 days lie between 0000-03-01 and the Unix epoch.

function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}
