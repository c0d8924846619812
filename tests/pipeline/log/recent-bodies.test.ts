import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { RecentBodies } from '../../../shared/pipeline/log/recent-bodies.ts';

/** The same, slowly: every body by itself. */
class NaiveBodies {
  readonly bodies: { low: number; high: number; time: number }[] = [];

  add(low: number, high: number, time: number): void {
    this.bodies.push({ low, high, time });
  }

  hasWithin(low: number, high: number, time: number, horizon: number): boolean {
    return this.bodies.some(
      (b) => b.low === low && b.high === high && Math.abs(b.time - time) <= horizon,
    );
  }

  forgetBefore(time: number): void {
    this.bodies.splice(0, this.bodies.length, ...this.bodies.filter((b) => b.time >= time));
  }
}

// Many bodies share a low word; the greatest word is that of the chain's end in disguise.
const low = fc.constantFrom(0, 1, 2, 0xffff_ffff);
const high = fc.constantFrom(0, 1, 0xffff_ffff);
const time = fc.nat(40);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('add' as const), low, high, time) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('has' as const), low, high, time) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('forget' as const), low, high, time) },
);

describe('the bodies seen lately', () => {
  it('are the ones that a plain list gives, whatever was added and forgotten', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(10), (steps, horizon) => {
        const recent = new RecentBodies(0);
        const naive = new NaiveBodies();
        for (const [what, l, h, t] of steps) {
          if (what === 'has') {
            assert.equal(recent.hasWithin(l, h, t, horizon), naive.hasWithin(l, h, t, horizon));
          } else if (what === 'add') {
            recent.add(l, h, t);
            naive.add(l, h, t);
          } else {
            recent.forgetBefore(t);
            naive.forgetBefore(t);
          }
          assert.equal(recent.size, naive.bodies.length);
        }
      }),
    );
  });

  it('are told apart beyond the room that there was at first, before and after forgetting', () => {
    const recent = new RecentBodies(0);
    for (let i = 0; i < 5000; i++) recent.add(i % 700, i, i);
    const known = (from: number) => {
      for (let i = 0; i < 5000; i++) {
        assert.equal(recent.hasWithin(i % 700, i, i, 0), i >= from);
        assert.equal(recent.hasWithin(i % 700, i + 1, i, 0), false);
      }
    };
    known(0);
    recent.forgetBefore(4990);
    assert.equal(recent.size, 10);
    known(4990);
    for (let i = 0; i < 4990; i++) recent.add(i % 700, i, i);
    known(0);
  });

  it('lie within the horizon on either side, its edges included', () => {
    const recent = new RecentBodies(0);
    recent.add(1, 2, 1000);
    assert.deepEqual(
      [699, 700, 1000, 1300, 1301].map((at) => recent.hasWithin(1, 2, at, 300)),
      [false, true, true, true, false],
    );
  });

  it('say from when on they are complete', () => {
    const recent = new RecentBodies(100);
    assert.equal(recent.completeFrom, 100);
    recent.forgetBefore(50);
    assert.equal(recent.completeFrom, 100);
    recent.forgetBefore(200);
    assert.equal(recent.completeFrom, 200);
  });
});
