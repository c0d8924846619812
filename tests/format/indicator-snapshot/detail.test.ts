import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDetail } from '../../../shared/format/indicator-snapshot/detail.ts';
import { SnapshotError } from '../../../shared/format/indicator-snapshot/snapshot-error.ts';

const read = (constraint: unknown) =>
  readDetail(Buffer.from(JSON.stringify([null, [], null, null, null, [], constraint, null, null])))
    .constraint;

describe('the constraint in a detail', () => {
  it('comes back with what it leaves open', () => {
    assert.equal(read(null), null);
    assert.deepEqual(read([[22, 80], null, null]), {
      ports: [22, 80],
      direction: null,
      protocol: null,
    });
    assert.deepEqual(read([null, 'source', 'udp']), {
      ports: null,
      direction: 'source',
      protocol: 'udp',
    });
  });

  for (const constraint of [
    [[22], 'sideways', null],
    [[22], null, 'sctp'],
    ['22', null, null],
    [['22'], null, null],
    { ports: [22] },
    [],
    true,
  ]) {
    it(`is refused when it is not understood, never read as none: ${JSON.stringify(constraint)}`, () => {
      assert.throws(() => read(constraint), SnapshotError);
    });
  }
});
