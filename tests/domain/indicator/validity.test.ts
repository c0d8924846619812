import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isValidAt, validityAt } from '../../../shared/domain/indicator/validity.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';

const from = Date.parse('2026-08-01T00:00:00Z');
const until = Date.parse('2026-09-01T00:00:00Z');
const august = { validFrom: formatInstant(from), validUntil: formatInstant(until) };

describe('the validity of an indicator', () => {
  it('begins with its first instant and ends before its last', () => {
    assert.equal(validityAt(august, from - 1), 'notYetValid');
    assert.equal(validityAt(august, from), 'active');
    assert.equal(validityAt(august, until - 1), 'active');
    assert.equal(validityAt(august, until), 'expired');
  });

  it('is open where nothing is said', () => {
    assert.equal(validityAt({ validFrom: null, validUntil: null }, 0), 'active');
    assert.equal(validityAt({ ...august, validFrom: null }, -1e12), 'active');
    assert.equal(validityAt({ ...august, validUntil: null }, 1e14), 'active');
  });

  it('holds at an instant only if it is active there', () => {
    const bound = fc.option(fc.integer({ min: from, max: until }));
    fc.assert(
      fc.property(bound, bound, fc.integer({ min: from, max: until }), (low, high, at) => {
        const validity = {
          validFrom: low === null ? null : formatInstant(low),
          validUntil: high === null ? null : formatInstant(high),
        };
        const holds = (low === null || low <= at) && (high === null || at < high);
        assert.equal(isValidAt(validity, at), holds);
        assert.equal(validityAt(validity, at) === 'active', holds);
      }),
    );
  });

  it('never holds with a bound that is no instant', () => {
    assert.equal(isValidAt({ validFrom: 'yesterday', validUntil: null }, from), false);
    assert.equal(isValidAt({ validFrom: null, validUntil: 'tomorrow' }, from), false);
  });
});
