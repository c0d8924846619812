import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { metadataOf, recordsOf } from '../../../shared/format/feed-record/json-shape.ts';

const record = { ip: '45.66.64.1' };

describe('the records of a JSON document', () => {
  for (const [name, document, expected] of [
    ['a list of objects', [record, record], [record, record]],
    ['a list of texts', ['45.66.64.1'], ['45.66.64.1']],
    ['a list with some that are neither', [7, record, null], [7, record, null]],
    ['an empty list', [], []],
    ['an answer', { query_status: 'ok', data: [record] }, [record]],
    ['an answer with a name and other lists', { results: [record], errors: [1] }, [record]],
    ['an answer without any', { data: [], total: 0 }, []],
    ['an answer with another member of that kind', { data: 'x', results: [record] }, [record]],
    [
      'records by their ids',
      { 12: [{ ioc_value: 'a' }], 345: [{ ioc_value: 'b' }, { ioc_value: 'c' }] },
      [
        { id: '12', ioc_value: 'a' },
        { id: '345', ioc_value: 'b' },
        { id: '345', ioc_value: 'c' },
      ],
    ],
    ['a record by its id, that has one', { 12: [{ id: 'own' }] }, [{ id: 'own' }]],
    ['an id without a record', { 12: [] }, []],
    ['a document that is a record itself', record, [record]],
    ['what is no record under an id', { 12: [7] }, [7]],
  ] as const) {
    it(`are those of ${name}`, () => {
      assert.deepEqual(recordsOf(document), expected);
    });
  }

  for (const document of [
    null,
    undefined,
    7,
    'text',
    {},
    [1, 2],
    [[record]],
    { data: record },
    { data: [1] },
    { data: [[record]] },
    { data: [record], results: [record] },
    { Data: [record] },
    { 12: record },
    { 12: [record], name: [record] },
    { '-1': [record] },
    { '1x': [record] },
    { message: 'not found' },
    { type: 'bundle', objects: [record] },
  ]) {
    it(`are not found in ${JSON.stringify(document)}`, () => {
      assert.equal(recordsOf(document), null);
    });
  }

  it('are not found on the prototype of anything', () => {
    assert.equal(recordsOf(JSON.parse('{"__proto__":{"data":["45.66.64.1"]}}')), null);
    const records = recordsOf(JSON.parse('{"12":[{"__proto__":{"ip":"45.66.64.1"}}]}'))!;
    assert.deepEqual(Object.keys(records[0] as object), ['id', '__proto__']);
    assert.equal((records[0] as { ip?: unknown }).ip, undefined);
  });

  it('are a list or nothing, whatever the document', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (document) => {
        const records = recordsOf(document);
        assert.ok(records === null || Array.isArray(records));
      }),
    );
  });
});

describe('what a feed says of itself', () => {
  it('is the number of its records and their bytes', () => {
    const metadata = { type: 'metadata', timestamp: 1, size: 85_741, records: '1406' };
    assert.deepEqual(metadataOf(metadata), { records: 1406, sizeBytes: 85_741 });
  });

  it('may be without figures, or with wrong ones', () => {
    assert.deepEqual(metadataOf({ type: 'metadata' }), { records: null, sizeBytes: null });
    for (const records of [-1, 1.5, 'many', null, [1], 1e300]) {
      assert.equal(metadataOf({ type: 'metadata', records })?.records, null, String(records));
    }
  });

  it('is no record of it', () => {
    for (const record of [
      { cidr: '45.66.64.0/24' },
      { type: 'ip' },
      {},
      null,
      'metadata',
      ['metadata'],
    ]) {
      assert.equal(metadataOf(record), null);
    }
  });
});
