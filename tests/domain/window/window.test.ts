import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  PIECE_MS,
  alignedDown,
  alignedUp,
  holds,
} from '../../../shared/domain/window/window.ts';

const time = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
const size = fc
  .oneof(fc.constantFrom(1, 3, 5, 60, 90, 1440), fc.integer({ min: 1, max: 10_000 }))
  .map((minutes) => minutes * MINUTE_MS);

const windowAt = (time: number, size: number) => {
  const start = alignedDown(time, size);
  return { start, end: start + size };
};

describe('a window', () => {
  it('holds its start and not its end', () => {
    const window = { start: 1000, end: 2000 };
    const held = [999, 1000, 1999, 2000].map((time) => holds(window, time));
    assert.deepEqual(held, [false, true, true, false]);
  });

  it('of a size is the one aligned to the Unix epoch that holds the time, before 1970 too', () => {
    fc.assert(
      fc.property(time, size, (time, size) => {
        const window = windowAt(time, size);
        assert.ok(holds(window, time));
        assert.equal(window.end - window.start, size);
        assert.ok(Object.is(Math.abs(window.start % size), 0));
        const [before, after] = [window.start - 1, window.end];
        assert.equal(windowAt(before, size).end, window.start);
        assert.equal(windowAt(after, size).start, window.end);
      }),
    );
  });

  it('begins at the last aligned instant, and the next one at the first that is not before', () => {
    fc.assert(
      fc.property(time, size, (time, size) => {
        const [down, up] = [alignedDown(time, size), alignedUp(time, size)];
        assert.ok(down <= time && time <= up && up - down === (time % size === 0 ? 0 : size));
      }),
    );
  });

  it('of a piece, an hour or a day nests in the longer ones', () => {
    fc.assert(
      fc.property(time, (time) => {
        const [piece, hour, day] = [PIECE_MS, HOUR_MS, DAY_MS].map((size) => windowAt(time, size));
        assert.ok(hour!.start <= piece!.start && piece!.end <= hour!.end);
        assert.ok(day!.start <= hour!.start && hour!.end <= day!.end);
      }),
    );
  });
});
