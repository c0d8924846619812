import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseInstant } from '../../../shared/domain/time/instant.ts';
import {
  FIRST_FILE,
  hourOf,
  hourOfFile,
  nextFileName,
} from '../../../shared/pipeline/log/file-name.ts';

describe('the name of a log file', () => {
  it('begins with the hour', () => {
    assert.equal(hourOf(parseInstant('2026-08-22T11:59:59.999Z')!), '20260822T11');
    assert.equal(hourOf(parseInstant('2026-08-22T12:00:00.000Z')!), '20260822T12');
    assert.equal(nextFileName(FIRST_FILE, '20260822T11'), '20260822T11-000000.log');
    assert.equal(hourOfFile('20260822T11-000012.log'), '20260822T11');
  });

  it('counts within the hour', () => {
    assert.equal(nextFileName('20260822T11-000009.log', '20260822T11'), '20260822T11-000010.log');
    assert.equal(nextFileName('20260822T11-000009.log', '20260822T12'), '20260822T12-000000.log');
  });

  it('sorts behind the one before while hours do not fall', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3 * 3_600_000), { maxLength: 300 }), (steps) => {
        const names = [FIRST_FILE];
        let time = 0;
        for (const step of steps) {
          time += step;
          names.push(nextFileName(names.at(-1)!, hourOf(time)));
        }
        assert.deepEqual(names.toSorted(), names);
        assert.equal(new Set(names).size, names.length);
      }),
      { numRuns: 30 },
    );
  });
});
