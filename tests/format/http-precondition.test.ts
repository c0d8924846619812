import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { areMet, etagOf, preconditionsOf } from '../../shared/format/http-precondition.ts';

describe('the conditions of a request', () => {
  it('are met as RFC 9110 says', () => {
    for (const [ifMatch, ifNoneMatch, version, met] of [
      [null, null, null, true],
      [null, null, '1', true],
      ['*', null, null, false],
      ['*', null, '1', true],
      ['"1"', null, '1', true],
      ['"2", "1"', null, '"1"', true],
      ['"2"', null, '1', false],
      ['W/"1"', null, '1', false],
      ['1', null, '1', false],
      ['', null, '1', false],
      [null, '*', null, true],
      [null, '*', '1', false],
      [null, '"1"', '1', false],
      [null, '"2"', '1', true],
      ['"1"', '"2"', '1', true],
      ['"1"', '"1"', '1', false],
    ] as const) {
      assert.equal(areMet({ ifMatch, ifNoneMatch }, version), met, `${ifMatch} ${ifNoneMatch}`);
    }
  });

  it('are read from the headers', () => {
    const headers = new Headers({ 'If-Match': '"1"' });
    assert.deepEqual(preconditionsOf({ headers }), { ifMatch: '"1"', ifNoneMatch: null });
  });

  it('name versions as ETags', () => {
    assert.deepEqual([etagOf('1'), etagOf('"1"')], ['"1"', '"1"']);
  });
});
