// NCRONTAB, the cron dialect of timer triggers: {second} {minute} {hour} {day} {month} {day of week}, in UTC. Five
// fields leave out the seconds. All fields must match, day and day of week too (other crons take either).
import { parseTimeSpan } from './time-span.ts';

export interface Schedule {
  /** The first occurrence after a time, both in milliseconds since the Unix epoch; null if there is none. */
  next(after: number): number | null;
  /** May fire more than once a minute: the .NET host then keeps no status for it. */
  readonly frequent: boolean;
  readonly adjustForDst: boolean;
}

const MONTHS =
  'january february march april may june july august september october november december'.split(
    ' ',
  );
const DAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'second', from: 0, to: 59 },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, names: MONTHS },
  { name: 'day of week', from: 0, to: 6, names: DAYS },
];

const DAY = 86_400_000;
/** 29 February falls on a given day of the week once in 28 years, or in 40 across a century without a leap day. */
const HORIZON_DAYS = 41 * 366;

/** A NCRONTAB expression, or a TimeSpan between occurrences. Throws on anything else. */
export function parseSchedule(text: string): Schedule {
  const period = parseTimeSpan(text);
  if (period !== null) {
    if (period === 0) throw new Error(`The schedule "${text}" has no length`);
    return { next: (after) => after + period, frequent: period < 60_000, adjustForDst: false };
  }
  const given = text.trim().split(/\s+/);
  const fields = given.length === 5 ? ['0', ...given] : given;
  if (fields.length !== FIELDS.length) {
    throw new Error(
      `The schedule "${text}" has neither six fields (NCRONTAB) nor the form hh:mm:ss`,
    );
  }
  const [seconds, minutes, hours, days, months, weekdays] = fields.map((field, i) =>
    parseField(field, FIELDS[i]!, text),
  ) as [Matches, Matches, Matches, Matches, Matches, Matches];

  const timeOfDay = (atLeast: number): number | null => {
    for (const hour of hours) {
      for (const minute of minutes) {
        // Whole hours and minutes that lie before are passed over without a look at their seconds.
        if ((hour * 60 + minute + 1) * 60_000 <= atLeast) continue;
        for (const second of seconds) {
          const time = ((hour * 60 + minute) * 60 + second) * 1000;
          if (time >= atLeast) return time;
        }
      }
    }
    return null;
  };
  const next = (after: number): number | null => {
    const first = Math.floor(after / DAY) * DAY;
    for (let day = first; day < first + HORIZON_DAYS * DAY; day += DAY) {
      const date = new Date(day);
      if (!months.has(date.getUTCMonth() + 1)) continue;
      if (!days.has(date.getUTCDate()) || !weekdays.has(date.getUTCDay())) continue;
      const time = timeOfDay(day === first ? after - first + 1 : 0);
      if (time !== null) return day + time;
    }
    return null;
  };
  return { next, frequent: seconds.size > 1, adjustForDst: true };
}

/** In rising order. */
type Matches = ReadonlySet<number>;

function parseField(text: string, field: Field, schedule: string): Matches {
  const matches = new Set<number>();
  for (const part of text.split(',')) {
    const [, start = '', end, step] = /^([^-/]+)(?:-([^-/]+))?(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    const every = Number(step ?? 1);
    const from = start === '*' ? field.from : parseValue(start, field);
    // "5/15" goes on to the end of the field, "5" does not.
    const open = start === '*' || step !== undefined;
    const to = end === undefined ? (open ? field.to : from) : parseValue(end, field);
    if (
      Number.isNaN(from) ||
      Number.isNaN(to) ||
      from > to ||
      every === 0 ||
      (start === '*' && end)
    ) {
      throw new Error(`The schedule "${schedule}" has a wrong ${field.name}: "${part}"`);
    }
    for (let value = from; value <= to; value += every) matches.add(value);
  }
  return new Set([...matches].sort((a, b) => a - b));
}

/** NaN for what is no value of the field. Names may be cut to three letters: "Monday", "mon". */
function parseValue(text: string, { from, to, names = [] }: Field): number {
  const name = text.toLowerCase();
  const named = name.length < 3 ? -1 : names.findIndex((whole) => whole.startsWith(name));
  const value = /^\d{1,2}$/.test(text) ? Number(text) : named >= 0 ? named + from : Number.NaN;
  return value >= from && value <= to ? value : Number.NaN;
}
