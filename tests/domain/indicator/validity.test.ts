import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  boundsOf,
  type Claim,
  isSpan,
  stateAt,
  validityAt,
} from '../../../shared/domain/indicator/validity.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';

const isValidAt = (...asked: Parameters<typeof validityAt>) => validityAt(...asked) === 'active';

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
      }),
    );
  });

  it('never holds with a bound that is no instant', () => {
    assert.equal(isValidAt({ validFrom: 'yesterday', validUntil: null }, from), false);
    assert.equal(isValidAt({ validFrom: null, validUntil: 'tomorrow' }, from), false);
  });
});

describe('the bounds of a validity', () => {
  it('are the instants, with infinity where it is open', () => {
    assert.deepEqual(boundsOf(august), { from, until });
    assert.deepEqual(boundsOf({ validFrom: null, validUntil: null }), {
      from: -Infinity,
      until: Infinity,
    });
  });

  it('leave no time where one of them is no instant', () => {
    for (const bad of ['', 'yesterday', '2026-02-30T00:00:00Z', '1785542400']) {
      assert.equal(boundsOf({ ...august, validFrom: bad }).from, Infinity);
      assert.equal(boundsOf({ ...august, validUntil: bad }).until, -Infinity);
    }
  });
});

describe('a span', () => {
  it('lasts a millisecond at least', () => {
    assert.equal(isSpan(august), true);
    assert.equal(isSpan({ ...august, validUntil: formatInstant(from + 1) }), true);
    assert.equal(isSpan({ ...august, validUntil: august.validFrom }), false);
    assert.equal(isSpan({ validFrom: august.validUntil, validUntil: august.validFrom }), false);
  });

  it('may be open on either side', () => {
    assert.equal(isSpan({ validFrom: null, validUntil: null }), true);
    assert.equal(isSpan({ ...august, validFrom: null }), true);
    assert.equal(isSpan({ ...august, validUntil: null }), true);
  });

  it('is none with a bound that is no instant', () => {
    assert.equal(isSpan({ validFrom: 'x', validUntil: null }), false);
    assert.equal(isSpan({ validFrom: null, validUntil: 'x' }), false);
  });

  it('is what some instant lies in', () => {
    const bound = fc.option(fc.integer({ min: 0, max: 5 }));
    fc.assert(
      fc.property(bound, bound, (low, high) => {
        const text = (at: number | null) => (at === null ? null : formatInstant(at));
        const validity = { validFrom: text(low), validUntil: text(high) };
        const lies = [-1, 0, 1, 2, 3, 4, 5, 6].some((at) => isValidAt(validity, at));
        assert.equal(isSpan(validity), lies);
      }),
    );
  });
});

describe('the state of an indicator', () => {
  const claim: Claim = { ...august, standing: 'listed', tlp: null };
  const accepting = { acceptTlpRed: true };

  it('is that of its validity if it is listed', () => {
    assert.equal(stateAt(claim, from), 'active');
    assert.equal(stateAt(claim, from - 1), 'notYetValid');
    assert.equal(stateAt(claim, until), 'expired');
  });

  it('is revoked for good, whatever else holds', () => {
    for (const at of [from - 1, from, until]) {
      assert.equal(
        stateAt({ ...claim, standing: 'revoked', tlp: 'red' }, at, accepting),
        'revoked',
      );
    }
  });

  it('is context where the feed tells of it as no threat', () => {
    for (const at of [from - 1, from, until]) {
      assert.equal(stateAt({ ...claim, standing: 'context' }, at), 'context');
    }
  });

  it('is context for TLP:RED unless the operator says that it may be used', () => {
    const red: Claim = { ...claim, tlp: 'red' };
    assert.equal(stateAt(red, from), 'context');
    assert.equal(stateAt(red, from, { acceptTlpRed: false }), 'context');
    assert.equal(stateAt(red, from, accepting), 'active');
    assert.equal(stateAt(red, until, accepting), 'expired');
  });

  it('is not changed by any other marking', () => {
    for (const tlp of ['clear', 'green', 'amber', 'amber+strict'] as const) {
      assert.equal(stateAt({ ...claim, tlp }, from), 'active');
    }
  });
});
