import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDuration } from '../../../shared/domain/time/duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('a duration', () => {
  for (const [text, milliseconds] of [
    ['PT0S', 0],
    ['PT1S', SECOND],
    ['PT05M', 5 * MINUTE],
    ['PT90M', 90 * MINUTE],
    ['PT1H30M', 90 * MINUTE],
    ['PT1H5S', HOUR + 5 * SECOND],
    ['PT25H', 25 * HOUR],
    ['P1D', DAY],
    ['P7D', 7 * DAY],
    ['P2W', 14 * DAY],
    ['P1W1D', 8 * DAY],
    ['P1DT1H1M1S', DAY + HOUR + MINUTE + SECOND],
    ['P1W2DT3H4M5S', 9 * DAY + 3 * HOUR + 4 * MINUTE + 5 * SECOND],
    ['P999999D', 999_999 * DAY],
  ] as const) {
    it(`${text} is ${milliseconds} ms`, () => assert.equal(parseDuration(text), milliseconds));
  }

  for (const text of [
    '',
    'P',
    'PT',
    'P1DT',
    'P1M',
    'P1Y',
    'P1Y2D',
    '1H',
    'T1H',
    'P1H',
    'PT1D',
    'PT1M1H',
    'P1D1W',
    'PT1H1H',
    'PT1.5H',
    'PT1,5H',
    'PT-1H',
    '-PT1H',
    '+PT1H',
    'pt1h',
    'PT1h',
    ' PT1H',
    'PT1H ',
    'PT1H\n',
    'PT1H,PT2H',
    'PTH',
    'P1000000D',
    'PT\u06611H',
    '3600',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), null));
  }

  it('is refused at once, however long the text', () => {
    assert.equal(parseDuration(`PT${'1'.repeat(1_000_000)}S`), null);
  });
});
