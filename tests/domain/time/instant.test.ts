import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatInstant, parseInstant } from '../../../shared/domain/time/instant.ts';

const MIN = Date.parse('0000-01-01T00:00:00.000Z');
const MAX = Date.parse('9999-12-31T23:59:59.999Z');
const instants = fc.integer({ min: MIN, max: MAX });

describe('formatting an instant', () => {
  it('agrees with Date', () => {
    fc.assert(
      fc.property(instants, (ms) => {
        assert.equal(formatInstant(ms), new Date(ms).toISOString());
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with Date on every day around the turns of centuries', () => {
    for (const year of ['1900', '1970', '2000', '2100', '2400']) {
      const start = Date.parse(`${year}-01-01T00:00:00Z`);
      for (let day = -366; day <= 366; day++) {
        const ms = start + day * 86_400_000;
        assert.equal(formatInstant(ms), new Date(ms).toISOString());
        assert.equal(parseInstant(formatInstant(ms)), ms);
      }
    }
  });

  it('cuts what is below the millisecond, before the epoch too', () => {
    assert.equal(formatInstant(1.9), '1970-01-01T00:00:00.001Z');
    assert.equal(formatInstant(-0.5), '1969-12-31T23:59:59.999Z');
  });

  it('refuses what four digits of year cannot write', () => {
    assert.equal(formatInstant(MIN), '0000-01-01T00:00:00.000Z');
    assert.equal(formatInstant(MAX), '9999-12-31T23:59:59.999Z');
    for (const ms of [MIN - 1, MAX + 1, Number.NaN, Infinity, -Infinity]) {
      assert.throws(() => formatInstant(ms), RangeError);
    }
  });
});

describe('parsing an instant', () => {
  it('is the inverse of formatting', () => {
    fc.assert(
      fc.property(instants, (ms) => assert.equal(parseInstant(formatInstant(ms)), ms)),
      { numRuns: 2000 },
    );
  });

  it('agrees with Date on zones and fractions', () => {
    const zones = fc.oneof(
      fc.constant('Z'),
      fc
        .tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59))
        .map(
          ([sign, h, m]) => `${sign}${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`,
        ),
    );
    const inside = fc.integer({ min: MIN + 86_400_000, max: MAX - 86_400_000 });
    fc.assert(
      fc.property(inside, fc.nat(3), zones, (ms, digits, zone) => {
        const fraction = digits === 0 ? '' : new Date(ms).toISOString().slice(19, 20 + digits);
        const text = `${new Date(ms).toISOString().slice(0, 19)}${fraction}${zone}`;
        assert.equal(parseInstant(text), Date.parse(text));
      }),
    );
  });

  it('takes a time without zone as UTC, as hosts send it', () => {
    const expected = Date.parse('2024-03-07T19:09:08.123Z');
    assert.equal(parseInstant('2024-03-07T19:09:08.123'), expected);
    assert.equal(parseInstant('2024-03-07 19:09:08.123'), expected);
  });

  it('takes a date alone as its midnight, and a time without seconds', () => {
    assert.equal(parseInstant('2024-02-29'), Date.parse('2024-02-29T00:00:00Z'));
    assert.equal(parseInstant('2024-02-29T10:30Z'), Date.parse('2024-02-29T10:30:00Z'));
    assert.equal(parseInstant('2024-02-29T10:30+0130'), Date.parse('2024-02-29T09:00:00Z'));
  });

  it('cuts up to nine fraction digits to milliseconds and never rounds up', () => {
    const second = Date.parse('2024-03-07T19:09:08Z');
    for (const [fraction, ms] of [
      ['.9', 900],
      ['.99', 990],
      ['.9996', 999],
      ['.1234567', 123],
      ['.999999999', 999],
    ] as const) {
      assert.equal(parseInstant(`2024-03-07T19:09:08${fraction}Z`), second + ms);
    }
  });

  for (const text of [
    '',
    'now',
    '2024',
    '2024-1-1',
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '2024-00-10',
    '2024-13-10',
    '2024-01-00',
    '2024-01-32',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:60Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00.1234567890Z',
    '2024-01-01T00:00:00+24:00',
    '2024-01-01T00:00:00+01:60',
    '2024-01-01T00:00:00 Z',
    ' 2024-01-01T00:00:00Z',
    '2024-01-01T00:00:00Z\n',
    '2024-01-01Z',
    '+002024-01-01T00:00:00Z',
    '\u0662024-01-01',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseInstant(text), null));
  }

  it('takes a leap day of a year that 400 divides', () => {
    assert.equal(parseInstant('2000-02-29'), Date.parse('2000-02-29T00:00:00Z'));
  });
});
