import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type LogPosition,
  type LogRange,
  areApart,
  covers,
  isAfter,
  spanOf,
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

describe('a range of the log', () => {
  it('covers what stands in it, ends included', () => {
    const covered = [1, 2, 3, 4, 5].filter((sequence) => covers(range(2, 4), at(sequence)));
    assert.deepEqual(covered, [2, 3, 4]);
    const overEpochs = { from: at(8), to: at(1, 1) };
    assert.equal(covers(overEpochs, at(99)), true);
    assert.equal(covers(overEpochs, at(1, 1)), true);
    assert.equal(covers(overEpochs, at(2, 1)), false);
  });

  it('is apart from another if rows may lie between', () => {
    assert.equal(areApart(range(2, 4), range(5, 6)), false);
    assert.equal(areApart(range(2, 4), range(6, 7)), true);
    assert.equal(areApart(range(2, 4), { from: at(0, 1), to: at(3, 1) }), true);
    const any = fc.tuple(fc.nat(20), fc.nat(5)).map(([from, length]) => range(from, from + length));
    fc.assert(
      fc.property(any, any, (a, b) => {
        const span = spanOf(a, b);
        const all = Array.from({ length: 30 }, (_, sequence) => at(sequence));
        const between = all.some((one) => covers(span, one) && !covers(a, one) && !covers(b, one));
        assert.equal(areApart(a, b), between);
        assert.equal(areApart(b, a), between);
        for (const one of all) {
          if (covers(a, one) || covers(b, one)) assert.ok(covers(span, one));
        }
      }),
    );
  });
});
