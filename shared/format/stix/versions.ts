import { type FeedEntry, shownText } from '../../domain/indicator/feed-entry.ts';
import { parseInstant } from '../../domain/time/instant.ts';
import type { StixReading } from './indicator-object.ts';

/** Before the fraction, its digits, and behind it. */
const TIMESTAMP = /^([^.,]*)(?:[.,](\d+))?([^.,]*)$/;

/**
 * Below 0 if `a` is the older. As instants and exactly, however fine: servers that keep microseconds make two versions
 * within a millisecond. What is no time is older than all that is.
 */
export function compareModified(a: string | null, b: string | null): number {
  const [one, other] = [exactTime(a), exactTime(b)];
  return one.second - other.second || compareFractions(one.fraction, other.fraction);
}

interface ExactTime {
  /** Epoch milliseconds of the whole second. */
  readonly second: number;
  readonly fraction: string;
}

/** Older than the year 0, and finite, so that two of them are equal. */
const NO_TIME: ExactTime = { second: Number.MIN_SAFE_INTEGER, fraction: '' };

function exactTime(text: string | null): ExactTime {
  const match = text === null ? null : TIMESTAMP.exec(text);
  if (match === null) return NO_TIME;
  const second = parseInstant(`${match[1]}${match[3]}`);
  return second === null ? NO_TIME : { second, fraction: match[2] ?? '' };
}

/** Zeros at the end do not count. */
function compareFractions(a: string, b: string): number {
  const digits = Math.max(a.length, b.length);
  for (let i = 0; i < digits; i++) {
    const difference = digitAt(a, i) - digitAt(b, i);
    if (difference !== 0) return difference;
  }
  return 0;
}

function digitAt(fraction: string, i: number): number {
  return i < fraction.length ? fraction.charCodeAt(i) - 48 : 0;
}

/**
 * The state of a feed out of the versions that it holds, in any order: of every id the newest. At the same time the
 * first counts, since what differs is undefined (STIX 2.1 section 3.6), unless another one revokes it.
 */
export class NewestVersions {
  /** In order of arrival; of a version that another one replaced only its refusal is kept. */
  readonly #arrivals: (StixReading | FeedEntry)[] = [];
  readonly #newestById = new Map<string, number>();

  add(reading: StixReading): void {
    const at = this.#arrivals.length;
    this.#arrivals.push(reading);
    if (reading.id === null) return;
    const known = this.#newestById.get(reading.id);
    if (known === undefined) {
      this.#newestById.set(reading.id, at);
      return;
    }
    const isNewer = replaces(reading, this.#arrivals[known] as StixReading);
    if (isNewer) this.#newestById.set(reading.id, at);
    this.#supersede(isNewer ? known : at);
  }

  /** Of a version that is not the newest one refused entry. `entriesOf` may say more of a reading than it did itself. */
  *entries(
    entriesOf: (reading: StixReading) => readonly FeedEntry[] = ({ entries }) => entries,
  ): Iterable<FeedEntry> {
    for (const arrival of this.#arrivals) {
      if ('entries' in arrival) yield* entriesOf(arrival);
      else yield arrival;
    }
  }

  *newest(): Iterable<StixReading> {
    for (const arrival of this.#arrivals) if ('entries' in arrival) yield arrival;
  }

  #supersede(at: number): void {
    const { id, modified } = this.#arrivals[at] as StixReading;
    const text = shownText(modified ?? '');
    this.#arrivals[at] = { kind: 'refused', line: null, id, reason: 'superseded', text };
  }
}

function replaces(later: StixReading, earlier: StixReading): boolean {
  const order = compareModified(later.modified, earlier.modified);
  return order > 0 || (order === 0 && later.revoked && !earlier.revoked);
}
