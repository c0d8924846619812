import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { jsonRecordReader } from '../../../shared/format/feed-record/json-record.ts';

// Public addresses: a reader refuses those for documentation.

function outcome(entry: FeedEntry): string {
  if (entry.kind === 'refused') return `${entry.reason} ${entry.text}`.trim();
  return `${entry.nets.map(formatPrefix).join(' ')} ${entry.detail?.id ?? ''}`.trim();
}

const read = (record: unknown) => outcome(jsonRecordReader()(record, null));

describe('a JSON record', () => {
  for (const [record, expected] of [
    ['45.66.64.1', '45.66.64.1/32'],
    [' 45.66.64.0/24 ', '45.66.64.0/24'],
    ['evil.example.com', 'domain evil.example.com'],
    ['', 'malformed'],
    [{ cidr: '45.66.64.0/24', sblid: 'SBL1', rir: 'arin' }, '45.66.64.0/24 SBL1'],
    [{ IP: '45.66.64.1', id: 9 }, '45.66.64.1/32 9'],
    [{ ip_address: '45.66.64.1', port: 80 }, '45.66.64.1/32'],
    [{ indicator: 'evil.example.com', type: 'domain' }, 'domain evil.example.com'],
    [{ asn: 932, rir: 'arin', domain: 'xn.net' }, 'noAddress asn 932'],
    [{ asn: 932, cidr: null }, 'noAddress asn 932'],
    [{ asn: 932, cidr: '45.66.64.0/24' }, '45.66.64.0/24'],
    [{ asn: null, rir: 'arin' }, 'malformed asn rir'],
    [{ cidr: '', rir: 'arin' }, 'malformed cidr rir'],
    [{ cidr: ['45.66.64.0/24'] }, 'malformed cidr'],
    [{ url: 'http://45.66.64.1/' }, 'url http://45.66.64.1/'],
    [{ url: 'http://45.66.64.1/', ip: '45.66.64.2' }, '45.66.64.2/32'],
    [{}, 'malformed'],
    [[], 'malformed'],
    [['45.66.64.1'], 'malformed'],
    [null, 'malformed'],
    [undefined, 'malformed'],
    [7, 'malformed 7'],
    [true, 'malformed true'],
    [JSON.parse('{"__proto__":{"ip":"45.66.64.1"}}'), 'malformed __proto__'],
    [JSON.parse('{"__proto__":1,"ip":"45.66.64.1"}'), '45.66.64.1/32'],
  ] as const) {
    it(`${JSON.stringify(record)} is ${expected}`, () => {
      assert.equal(read(record), expected);
    });
  }

  it('keeps its line', () => {
    const reader = jsonRecordReader();
    for (const record of ['45.66.64.1', { ip: '45.66.64.1' }, { asn: 1 }, null]) {
      assert.equal(reader(record, 42).line, 42);
    }
  });

  it('shows of a wide record the first of its fields', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]));
    assert.equal(read(wide), 'malformed k0 k1 k2 k3 k4 k5 k6 k7');
  });

  it('reads the same whatever stood before it', () => {
    const key = fc.constantFrom('ip', 'cidr', 'asn', 'id', 'port', 'type', '__proto__', 'rir');
    const value = fc.oneof(
      fc.constantFrom('45.66.64.1', '45.66.64.0/24', 80, 'domain'),
      fc.jsonValue(),
    );
    const record = fc.oneof(fc.dictionary(key, value), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const reader = jsonRecordReader();
        for (const record of records) {
          assert.deepEqual(reader(record, null), jsonRecordReader()(record, null));
        }
      }),
    );
  });
});
