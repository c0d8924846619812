import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type FeedCounts,
  type FeedRecord,
  type FeedState,
  type HoldReason,
  newFeedRecord,
  NO_MEMORY,
} from '../../../shared/domain/indicator/feed.ts';
import {
  holdOf,
  withHeldAccepted,
  withRollback,
  withState,
} from '../../../shared/domain/indicator/feed-change.ts';
import type { RefusalReason } from '../../../shared/domain/indicator/feed-entry.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';

/** A list of so many bare addresses, all of them good. */
function counts(indicators: number, changed: Partial<FeedCounts> = {}): FeedCounts {
  return {
    format: 'plain',
    entries: indicators,
    indicators,
    active: indicators,
    duplicates: 0,
    listed: indicators,
    promised: null,
    refused: {},
    ...changed,
  };
}

/** With so many lines more that were refused for a reason. */
function withRefused(indicators: number, reason: RefusalReason, refused: number): FeedCounts {
  return counts(indicators, { entries: indicators + refused, refused: { [reason]: refused } });
}

function heldFor(next: FeedCounts, last: FeedCounts | null, shared?: number): HoldReason | null {
  const most = last === null ? 0 : Math.min(next.listed, last.listed);
  return holdOf(next, last, shared ?? most)?.reason ?? null;
}

describe('a feed without a state in use', () => {
  it('may begin with any indicators', () => {
    for (const size of [1, 5, 1_000_000]) assert.equal(heldFor(counts(size), null), null);
  });

  it('may not begin with none', () => {
    assert.equal(heldFor(counts(0), null), 'empty');
    assert.deepEqual(holdOf(withRefused(0, 'domain', 7), null, 0), {
      reason: 'empty',
      explanation: 'none of 7 entries is an indicator',
    });
  });

  it('may not begin with over nine tenths of lines that do not read', () => {
    assert.equal(heldFor(withRefused(1, 'notAnAddress', 9), null), null);
    assert.equal(heldFor(withRefused(1, 'notAnAddress', 10), null), 'unreadable');
  });

  it('may not begin with fewer entries than it promises', () => {
    assert.equal(heldFor(counts(9, { promised: 10 }), null), 'cut');
  });
});

describe('a state that is cut', () => {
  const last = counts(750);

  it('has fewer entries than the feed says', () => {
    assert.deepEqual(holdOf(counts(749, { promised: 750 }), last, 749), {
      reason: 'cut',
      explanation: '749 entries came, the feed says 750',
    });
  });

  it('is none with as many or more, and none where nothing is promised', () => {
    for (const promised of [750, 749, 0, null]) {
      assert.equal(heldFor(counts(750, { promised }), last), null);
    }
  });

  it('counts what was refused: the promise is about lines', () => {
    const next = { ...withRefused(740, 'domain', 10), promised: 750 };
    assert.equal(heldFor(next, last), null);
  });
});

describe('a state that is empty', () => {
  it('has entries, but no indicator', () => {
    assert.deepEqual(holdOf(withRefused(0, 'url', 3), counts(5), 0), {
      reason: 'empty',
      explanation: 'none of 3 entries is an indicator; 5 before',
    });
    assert.equal(heldFor(counts(0), counts(1)), 'empty');
    assert.equal(heldFor(counts(1), counts(5), 0), null);
  });
});

describe('a state that does not read', () => {
  it('has mostly lines that are nothing to its reader', () => {
    const last = counts(1000);
    assert.equal(heldFor(withRefused(500, 'notAnAddress', 500), last), null);
    assert.deepEqual(holdOf(withRefused(500, 'notAnAddress', 501), last, 500), {
      reason: 'unreadable',
      explanation: '50 % of 1001 entries do not read; 0 % before',
    });
  });

  it('may have twice as many of them as before', () => {
    const last = withRefused(650, 'notAnAddress', 350);
    assert.equal(heldFor(withRefused(300, 'malformed', 700), last, 300), 'shrunk');
    assert.equal(heldFor(withRefused(600, 'malformed', 1400), last), null);
    assert.equal(heldFor(withRefused(600, 'malformed', 1401), last), 'unreadable');
  });

  for (const reason of [
    'notAnAddress',
    'encoding',
    'tooLong',
    'malformed',
    'badPattern',
  ] as const) {
    it(`counts ${reason}`, () => {
      assert.equal(heldFor(withRefused(100, reason, 900), counts(100)), 'unreadable');
    });
  }

  for (const reason of ['domain', 'url', 'noAddress', 'bogon', 'patternType'] as const) {
    it(`does not count ${reason}, which its reader did read`, () => {
      assert.equal(heldFor(withRefused(100, reason, 9900), counts(100)), null);
    });
  }

  it('adds up the reasons', () => {
    const refused = { notAnAddress: 51, encoding: 50 };
    const next = counts(100, { entries: 201, refused });
    assert.equal(heldFor(next, counts(100)), 'unreadable');
    assert.equal(heldFor({ ...next, refused: { ...refused, encoding: 49 } }, counts(100)), null);
  });
});

describe('a state that shrunk', () => {
  it('has less than half of what there was', () => {
    assert.deepEqual(holdOf(counts(499), counts(1000), 499), {
      reason: 'shrunk',
      explanation: '499 indicators after 1000',
    });
    assert.equal(heldFor(counts(500), counts(1000)), null);
  });

  it('lost twenty indicators at least', () => {
    assert.equal(heldFor(counts(18), counts(38)), 'shrunk');
    assert.equal(heldFor(counts(18), counts(37)), null);
    assert.equal(heldFor(counts(1), counts(21)), 'shrunk');
    assert.equal(heldFor(counts(1), counts(20)), null);
  });
});

describe('a state that grew', () => {
  it('has more than twice what there was', () => {
    assert.deepEqual(holdOf(counts(2001), counts(1000), 1000), {
      reason: 'grown',
      explanation: '2001 indicators after 1000',
    });
    assert.equal(heldFor(counts(2000), counts(1000)), null);
  });

  it('gained a hundred indicators at least', () => {
    assert.equal(heldFor(counts(150), counts(50)), 'grown');
    assert.equal(heldFor(counts(149), counts(50)), null);
  });
});

describe('a state that was replaced', () => {
  it('shares less than one in fifty with what there was', () => {
    assert.deepEqual(holdOf(counts(1000), counts(1100), 19), {
      reason: 'replaced',
      explanation: '1000 indicators after 1100, of which 19 are the same',
    });
    assert.equal(heldFor(counts(1000), counts(1100), 20), null);
    assert.equal(heldFor(counts(1100), counts(1000), 20), null);
  });

  it('lists twenty networks at least, as the one before does', () => {
    assert.equal(heldFor(counts(20), counts(30), 0), 'replaced');
    assert.equal(heldFor(counts(30), counts(20), 0), 'replaced');
    assert.equal(heldFor(counts(19), counts(30), 0), null);
    assert.equal(heldFor(counts(30), counts(19), 0), null);
    assert.equal(heldFor(counts(20), counts(30), 1), null);
  });

  it('goes by what is listed, not by entries that repeat it', () => {
    const repeating = counts(1000, { listed: 19 });
    assert.equal(heldFor(repeating, counts(1000, { listed: 30 }), 0), null);
  });
});

describe('a state with as many entries as before', () => {
  it('that lists none of them is empty: all have ended', () => {
    assert.equal(heldFor(counts(200, { listed: 0 }), counts(200), 0), 'empty');
    assert.equal(heldFor(counts(5, { listed: 0 }), counts(5, { listed: 1 }), 0), 'empty');
  });

  it('that lists under half of what there was has shrunk: they repeat, or most have ended', () => {
    assert.equal(heldFor(counts(200, { listed: 99 }), counts(200), 99), 'shrunk');
    assert.equal(heldFor(counts(200, { listed: 100 }), counts(200), 100), null);
  });

  it('may list none where none was listed before', () => {
    assert.equal(heldFor(counts(200, { listed: 0 }), counts(200, { listed: 0 }), 0), null);
    assert.equal(holdOf(counts(200, { listed: 0 }), null, 0), null);
  });
});

describe('a real feed', () => {
  it('of SANS, over two days, is used only where it is whole', () => {
    // 113,288 addresses; the four of an error page; nothing at midnight; a part; whole again.
    const good = counts(113_288);
    assert.equal(heldFor(good, counts(113_282)), null);
    assert.equal(heldFor(counts(4), good, 0), 'shrunk');
    assert.equal(heldFor(counts(0), good, 0), 'empty');
    assert.equal(heldFor(counts(11_744), good), 'shrunk');
    assert.equal(heldFor(counts(106_462), good, 98_000), null);
    assert.equal(heldFor(counts(11_890), counts(106_462)), 'shrunk');
    assert.equal(heldFor(counts(38_950), counts(106_464)), 'shrunk');
  });

  it('of SANS, had its error page been taken, is not taken back unseen', () => {
    assert.equal(heldFor(counts(113_288), counts(4), 0), 'grown');
  });

  it('of Feodo may list five addresses where it listed seven', () => {
    assert.equal(heldFor(counts(5, { promised: 5 }), counts(7), 5), null);
    assert.equal(heldFor(counts(5, { promised: 5 }), counts(7), 0), null);
  });

  it('of C2-Tracker loses and gains an eighth in a week', () => {
    assert.equal(heldFor(counts(2400), counts(2430), 2100), null);
  });

  it('that is small may change in any way but to nothing', () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 100 }), fc.nat(), (last, next, n) => {
        fc.pre(Math.min(last, next) < 20);
        const shared = n % (Math.min(last, next) + 1);
        assert.equal(heldFor(counts(next), counts(last), shared), null);
      }),
    );
  });
});

function state(n: number): FeedState {
  return {
    id: `${n}`.padStart(2, '0').repeat(32),
    bodyHash: `body-${n}`,
    source: 'source-hash',
    isWarningList: false,
    fetchedAt: n * 1000,
    counts: counts(n),
    piecesId: null,
  };
}

/** The record after states 1 to n came into use, one after the other. */
function recordOf(n: number): FeedRecord {
  let feed = newFeedRecord('a-feed', 'source');
  for (let i = 1; i <= n; i++) feed = withState(feed, state(i));
  return feed;
}

const ids = (states: readonly FeedState[]) => states.map(({ fetchedAt }) => fetchedAt / 1000);

function held(feed: FeedRecord, n: number): FeedRecord {
  const hold = { reason: 'shrunk', explanation: 'less', since: 5 } as const;
  return { ...feed, held: { state: state(n), ...hold } };
}

describe('a new state in use', () => {
  it('is confirmed by its own fetch and ends a hold', () => {
    const feed = withState(held(recordOf(1), 9), state(2));
    assert.deepEqual(feed.current, state(2));
    assert.equal(feed.confirmedAt, 2000);
    assert.equal(feed.held, null);
  });

  it('puts the one before in front of the history, of which five are kept', () => {
    assert.deepEqual(ids(recordOf(1).history), []);
    assert.deepEqual(ids(recordOf(3).history), [2, 1]);
    assert.deepEqual(ids(recordOf(6).history), [5, 4, 3, 2, 1]);
    assert.deepEqual(ids(recordOf(9).history), [8, 7, 6, 5, 4]);
  });

  it('leaves everything else as it is, and the record before unchanged', () => {
    const before = Object.freeze({ ...recordOf(2), nextAttemptAt: 7, isPinned: true });
    const { current, history, held, confirmedAt } = withState(before, state(3));
    const changed = { current, history, held, confirmedAt };
    assert.deepEqual(withState(before, state(3)), { ...before, ...changed });
    assert.deepEqual(ids(before.history), [1]);
  });
});

describe('accepting what is held', () => {
  it('brings it into use, and the one before into the history', () => {
    const feed = withHeldAccepted(held(recordOf(2), 8), 9500);
    assert.deepEqual(feed?.current, state(8));
    assert.deepEqual(ids(feed.history), [2, 1]);
    assert.equal(feed.held, null);
    assert.equal(feed.confirmedAt, 9500, 'the operator confirms it');
  });

  it('also takes the first state of a feed', () => {
    const feed = withHeldAccepted(held(recordOf(0), 8), 9500);
    assert.deepEqual(feed?.current, state(8));
    assert.deepEqual(feed.history, []);
  });

  it('is refused where nothing is held', () => {
    assert.equal(withHeldAccepted(recordOf(2), 9500), null);
  });

  it('after a rollback takes back what was left, and the feed is free again', () => {
    const back = withRollback(recordOf(3), null, 50)!;
    const feed = withHeldAccepted(back, 60);
    assert.deepEqual(feed?.current, state(3));
    assert.deepEqual(ids(feed.history), [2, 1]);
    assert.equal(feed.isPinned, false);
    assert.equal(feed.held, null);
  });
});

describe('going back', () => {
  it('takes the latest of the history, and holds what was in use', () => {
    const feed = withRollback(recordOf(3), null, 50);
    assert.deepEqual(feed?.current, state(2));
    assert.deepEqual(ids(feed.history), [1]);
    assert.deepEqual(feed.held, {
      state: state(3),
      reason: 'rolledBack',
      explanation: `the operator went back to the state of ${formatInstant(2000)}`,
      since: 50,
    });
    assert.equal(feed.confirmedAt, 50);
  });

  it('pins the feed, and asks the source anew', () => {
    const memory = { ...NO_MEMORY, etag: '"x"', addedAfter: 'y', fullReadAt: 1 };
    const feed = withRollback({ ...recordOf(3), memory }, null, 50);
    assert.equal(feed?.isPinned, true);
    assert.deepEqual(feed.memory, NO_MEMORY);
  });

  it('takes an earlier state that is named, whole or by its beginning', () => {
    for (const id of [state(2).id, state(2).id.slice(0, 3)]) {
      const feed = withRollback(recordOf(4), id, 50);
      assert.deepEqual(feed?.current, state(2));
      assert.deepEqual(ids(feed.history), [1]);
      assert.equal(feed.held?.state.fetchedAt, 4000);
    }
  });

  it('takes the latest of several that a beginning names', () => {
    assert.deepEqual(withRollback(recordOf(4), '0', 50)?.current, state(3));
  });

  it('is refused where there is nothing to go back to', () => {
    assert.equal(withRollback(recordOf(0), null, 50), null);
    assert.equal(withRollback(recordOf(1), null, 50), null);
    assert.equal(withRollback(recordOf(3), 'ff', 50), null);
    assert.equal(withRollback(recordOf(3), state(3).id, 50), null, 'the one in use');
    assert.equal(withRollback({ ...recordOf(3), current: null }, null, 50), null);
  });

  it('twice goes back twice', () => {
    const once = withRollback(recordOf(3), null, 50)!;
    const twice = withRollback(once, null, 60);
    assert.deepEqual(twice?.current, state(1));
    assert.deepEqual(ids(twice.history), []);
    assert.equal(twice.isPinned, true);
    assert.equal(withRollback(twice, null, 70), null);
  });
});
