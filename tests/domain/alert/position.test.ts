import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type LogPosition,
  type LogRange,
  covers,
  isAfter,
  withRange,
} from '../../../shared/domain/alert/position.ts';

const at = (sequence: number, epoch = 0): LogPosition => ({ epoch, sequence });
const range = (from: number, to: number): LogRange => ({ from: at(from), to: at(to) });

describe('a position', () => {
  it('stands behind those of its epoch with a lower number, and of every epoch before', () => {
    assert.equal(isAfter(at(2), at(1)), true);
    assert.equal(isAfter(at(1), at(1)), false);
    assert.equal(isAfter(at(0, 1), at(99)), true);
    assert.equal(isAfter(at(99), at(0, 1)), false);
    assert.equal(isAfter(at(0), undefined), true);
  });
});

describe('ranges of the log', () => {
  it('cover what stands in one of them, ends included', () => {
    const ranges = [range(2, 4), { from: at(8), to: at(1, 1) }];
    const covered = [0, 1, 2, 4, 5, 7, 8, 9].filter((sequence) => covers(ranges, at(sequence)));
    assert.deepEqual(covered, [2, 4, 8, 9]);
    assert.equal(covers(ranges, at(1, 1)), true);
    assert.equal(covers(ranges, at(2, 1)), false);
  });

  it('are one where they overlap or follow each other', () => {
    assert.deepEqual(withRange([range(2, 4)], range(5, 6)), [range(2, 6)]);
    assert.deepEqual(withRange([range(2, 4)], range(0, 9)), [range(0, 9)]);
    assert.deepEqual(withRange([range(0, 9)], range(2, 4)), [range(0, 9)]);
    assert.deepEqual(withRange([range(2, 4)], range(6, 7)), [range(2, 4), range(6, 7)]);
    const later = { from: at(0, 1), to: at(3, 1) };
    assert.deepEqual(withRange([range(2, 4)], later), [range(2, 4), later]);
  });

  it('cover together what each of them covered', () => {
    const some = fc
      .tuple(fc.nat(60), fc.nat(6))
      .map(([from, length]) => range(from, from + length));
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), (list) => {
        const all = list.reduce<readonly LogRange[]>(withRange, []);
        for (let sequence = 0; sequence < 70; sequence++) {
          assert.equal(covers(all, at(sequence)), covers(list, at(sequence)), String(sequence));
        }
        for (const [i, { from }] of all.slice(1).entries()) {
          assert.ok(from.sequence > all[i]!.to.sequence + 1);
        }
      }),
    );
  });

  it('stay few: the oldest hole is closed', () => {
    let ranges: readonly LogRange[] = [];
    for (let i = 0; i < 20; i++) ranges = withRange(ranges, range(10 * i, 10 * i + 1));
    assert.equal(ranges.length, 16);
    assert.deepEqual(ranges[0], range(0, 41));
    assert.deepEqual(ranges.at(-1), range(190, 191));
  });
});
