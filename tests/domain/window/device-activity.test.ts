import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isKnown, mergedActivity } from '../../../shared/domain/window/device-activity.ts';
import { mergedTuples } from '../../../shared/domain/window/five-tuples.ts';
import { activity, activityOf } from './tuples.ts';

const seen = (first: number, last = first) => ({ first, last });

describe('the activity of a device in two stretches together', () => {
  it('adds up counts and joins tuples, first and last times and the last deletion', () => {
    fc.assert(
      fc.property(activity, activity, (a, b) => {
        const merged = mergedActivity(a, b);
        assert.equal(merged.messages, a.messages + b.messages);
        assert.equal(merged.twinUpdates, a.twinUpdates + b.twinUpdates);
        assert.deepEqual(merged.tuples, mergedTuples(a.tuples, b.tuples));
        const times = [a.seen, b.seen].flatMap((one) => (one === null ? [] : [one]));
        const firsts = times.map(({ first }) => first);
        const lasts = times.map(({ last }) => last);
        const expected = times.length === 0 ? null : seen(Math.min(...firsts), Math.max(...lasts));
        assert.deepEqual(merged.seen, expected);
        const ends = [a.deletedAt, b.deletedAt].filter((time) => time !== null);
        assert.equal(merged.deletedAt, ends.length === 0 ? null : Math.max(...ends));
      }),
    );
  });

  it('is the same in whatever pairs three stretches are merged', () => {
    fc.assert(
      fc.property(activity, activity, activity, (a, b, c) => {
        const id = (one: typeof a) => ({ ...one, deviceId: 'a' });
        const [x, y, z] = [id(a), id(b), id(c)];
        assert.deepEqual(
          mergedActivity(mergedActivity(x, y), z),
          mergedActivity(x, mergedActivity(y, z)),
        );
      }),
    );
  });

  it('is the same in either order, save the group where both say the same time or none', () => {
    fc.assert(
      fc.property(activity, activity, (a, b) => {
        const [ab, ba] = [mergedActivity(a, b), mergedActivity({ ...b, deviceId: a.deviceId }, a)];
        const group = a.seen?.last === b.seen?.last ? { securityGroup: '' } : {};
        assert.deepEqual({ ...ab, ...group }, { ...ba, ...group });
      }),
    );
  });

  it('belongs to the group of the latest message', () => {
    const early = activityOf({ securityGroup: 'early', seen: seen(1, 5) });
    const late = activityOf({ securityGroup: 'late', seen: seen(3, 6) });
    const silent = activityOf({ securityGroup: 'silent', deletedAt: 9 });
    assert.equal(mergedActivity(early, late).securityGroup, 'late');
    assert.equal(mergedActivity(late, early).securityGroup, 'late');
    assert.equal(mergedActivity(early, silent).securityGroup, 'early');
    assert.equal(mergedActivity(silent, early).securityGroup, 'early');
    const same = activityOf({ securityGroup: 'same', seen: seen(6) });
    assert.equal(mergedActivity(late, same).securityGroup, 'same');
  });
});

describe('a device is known', () => {
  it('from its first message until its identity is deleted, and again by a message after that', () => {
    const cases: readonly [Parameters<typeof isKnown>[0], boolean][] = [
      [{ seen: null, deletedAt: null }, false],
      [{ seen: null, deletedAt: 5 }, false],
      [{ seen: seen(5), deletedAt: null }, true],
      [{ seen: seen(4), deletedAt: 5 }, false],
      [{ seen: seen(5), deletedAt: 5 }, false],
      [{ seen: seen(6), deletedAt: 5 }, true],
      [{ seen: seen(1, 6), deletedAt: 5 }, true],
      [{ seen: seen(0), deletedAt: null }, true],
      [{ seen: seen(-5), deletedAt: -6 }, true],
    ];
    for (const [device, expected] of cases) {
      assert.equal(isKnown(device), expected, JSON.stringify(device));
    }
  });

  it('whichever stretch told of the message and which of the deletion', () => {
    const message = activityOf({ seen: seen(6) });
    const deletion = activityOf({ deletedAt: 5 });
    assert.ok(isKnown(mergedActivity(message, deletion)));
    assert.ok(isKnown(mergedActivity(deletion, message)));
    assert.ok(!isKnown(mergedActivity(message, activityOf({ deletedAt: 7 }))));
  });
});
