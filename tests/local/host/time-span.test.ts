import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseTimeSpan } from '../../../local/host/time-span.ts';

describe('a .NET time span', () => {
  it('gives milliseconds', () => {
    assert.equal(parseTimeSpan('00:01:00'), 60_000);
    assert.equal(parseTimeSpan('1:30'), 5_400_000);
    assert.equal(parseTimeSpan('00:00:15.25'), 15_250);
    assert.equal(parseTimeSpan('2.03:00:00'), 183_600_000);
    assert.equal(parseTimeSpan('7'), 604_800_000);
  });

  it('is refused when a part is out of range', () => {
    for (const text of ['24:00:00', '00:60:00', '00:00:60', '', '-1', '1:2:3:4', '0 0 * * * *']) {
      assert.equal(parseTimeSpan(text), null, text);
    }
  });

  it('is read back from its parts', () => {
    const part = (max: number) => fc.integer({ min: 0, max });
    fc.assert(
      fc.property(part(999), part(23), part(59), part(59), part(999), (d, h, m, s, ms) => {
        const text = `${d}.${h}:${m}:${s}.${String(ms).padStart(3, '0')}`;
        assert.equal(parseTimeSpan(text), (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });
});
