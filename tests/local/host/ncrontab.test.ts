import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseSchedule } from '../../../local/host/ncrontab.ts';

const at = (text: string) => Date.parse(text);

function next(schedule: string, after: string): string | null {
  const time = parseSchedule(schedule).next(at(after));
  return time === null ? null : new Date(time).toISOString();
}

describe('a NCRONTAB schedule', () => {
  it('fires at the next second, minute, hour, day, month and day of week that match', () => {
    const after = '2026-03-07T19:09:08.120Z'; // a Saturday
    assert.equal(next('* * * * * *', after), '2026-03-07T19:09:09.000Z');
    assert.equal(next('0 */5 * * * *', after), '2026-03-07T19:10:00.000Z');
    assert.equal(next('30 15 3 * * *', after), '2026-03-08T03:15:30.000Z');
    assert.equal(next('0 0 0 1 * *', after), '2026-04-01T00:00:00.000Z');
    assert.equal(next('0 0 0 * 1 *', after), '2027-01-01T00:00:00.000Z');
    assert.equal(next('0 0 12 * * 1-5', after), '2026-03-09T12:00:00.000Z');
    assert.equal(next('0 10/20 * * * *', after), '2026-03-07T19:10:00.000Z');
    assert.equal(next('0 0 9-17/4,22 * * *', after), '2026-03-07T22:00:00.000Z');
  });

  it('knows months and days by name', () => {
    assert.equal(next('0 0 0 * jan MON', '2026-03-07T00:00:00Z'), '2027-01-04T00:00:00.000Z');
    assert.equal(next('0 0 0 * * Wednesday', '2026-03-07T00:00:00Z'), '2026-03-11T00:00:00.000Z');
  });

  it('never gives the time that it starts from', () => {
    assert.equal(next('0 0 * * * *', '2026-03-07T19:00:00Z'), '2026-03-07T20:00:00.000Z');
    assert.equal(next('0 0 * * * *', '2026-03-07T18:59:59.999Z'), '2026-03-07T19:00:00.000Z');
  });

  it('wants day and day of week both', () => {
    assert.equal(next('0 0 0 13 * fri', '2026-03-14T00:00:00Z'), '2026-11-13T00:00:00.000Z');
  });

  it('waits a generation for a leap day on a given day of the week', () => {
    assert.equal(next('0 0 0 29 2 sun', '2088-02-29T00:00:00Z'), '2128-02-29T00:00:00.000Z');
  });

  it('may never fire', () => {
    assert.equal(next('0 0 0 30 2 *', '2026-03-07T00:00:00Z'), null);
  });

  it('takes five fields as without seconds', () => {
    assert.equal(next('30 2 * * *', '2026-03-07T02:30:00Z'), '2026-03-08T02:30:00.000Z');
  });

  it('is frequent when it can fire twice in a minute', () => {
    assert.equal(parseSchedule('*/30 * * * * *').frequent, true);
    assert.equal(parseSchedule('15 * * * * *').frequent, false);
    assert.equal(parseSchedule('00:00:59').frequent, true);
    assert.equal(parseSchedule('00:01:00').frequent, false);
  });

  it('is refused with the field that is wrong', () => {
    const wrong = [
      ['60 * * * * *', /second/],
      ['* 60 * * * *', /minute/],
      ['* * 24 * * *', /hour/],
      ['* * * 0 * *', /day/],
      ['* * * * 13 *', /month/],
      ['* * * * * 7', /day of week/],
      ['*/0 * * * * *', /second/],
      ['30-10 * * * * *', /second/],
      ['1,,2 * * * * *', /second/],
      ['*-5 * * * * *', /second/],
      ['-5 * * * * *', /second/],
      ['* * * * jam *', /month/],
      ['* * * *', /six fields/],
      ['00:00:00', /no length/],
      ['25:00:00', /six fields/],
      ['', /six fields/],
    ] as const;
    for (const [schedule, reason] of wrong) {
      assert.throws(() => parseSchedule(schedule), reason, schedule);
    }
  });

  it('agrees with looking at every second', () => {
    const field = (from: number, to: number) =>
      fc.oneof(
        fc.constant({ text: '*', matches: () => true }),
        fc.integer({ min: from, max: to }).map((n) => ({
          text: String(n),
          matches: (value: number) => value === n,
        })),
        fc
          .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: 1, max: 20 }))
          .map(([n, step]) => ({
            text: `${n}/${step}`,
            matches: (value: number) => value >= n && (value - n) % step === 0,
          })),
        fc
          .uniqueArray(fc.integer({ min: from, max: to }), { minLength: 2, maxLength: 4 })
          .map((values) => ({
            text: values.join(','),
            matches: (value: number) => values.includes(value),
          })),
      );
    const start = at('2028-02-28T23:40:00Z');
    const horizon = 8 * 3600;
    fc.assert(
      fc.property(
        fc.tuple(field(0, 59), field(0, 59), field(0, 23), field(28, 31), field(2, 3), field(0, 6)),
        fc.integer({ min: 0, max: 7_200_000 }),
        ([second, minute, hour, day, month, weekday], offset) => {
          const fields = [second, minute, hour, day, month, weekday];
          const after = start + offset;
          let expected: number | null = null;
          let time = Math.floor(after / 1000) * 1000 + 1000;
          for (let i = 0; i < horizon && expected === null; i++, time += 1000) {
            const date = new Date(time);
            const parts = [
              date.getUTCSeconds(),
              date.getUTCMinutes(),
              date.getUTCHours(),
              date.getUTCDate(),
              date.getUTCMonth() + 1,
              date.getUTCDay(),
            ];
            if (fields.every((f, k) => f.matches(parts[k]!))) expected = time;
          }
          const found = parseSchedule(fields.map((f) => f.text).join(' ')).next(after);
          if (expected !== null) assert.equal(found, expected);
          else assert.ok(found === null || found >= time);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a time span as schedule', () => {
  it('fires that long after the run before', () => {
    assert.equal(next('00:10:00', '2026-03-07T19:09:08.120Z'), '2026-03-07T19:19:08.120Z');
    assert.equal(next('1.00:00:00', '2026-03-07T19:09:08Z'), '2026-03-08T19:09:08.000Z');
  });
});
