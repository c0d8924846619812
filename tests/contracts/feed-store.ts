import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FeedRecord, newFeedRecord } from '../../shared/domain/indicator/feed.ts';
import type { FeedStore } from '../../shared/ports/feed-store.ts';

export interface FeedStoreUnderTest {
  readonly store: FeedStore;
  close(): Promise<void>;
}

const AT = Date.UTC(2026, 7, 22, 11);

/** A record in which every part is something. */
export function aFeed(name: string, times = 1): FeedRecord {
  const state = {
    id: 'a'.repeat(64),
    fetchedAt: AT,
    counts: {
      format: 'text',
      entries: 10,
      indicators: 8,
      active: 7,
      duplicates: 1,
      listed: 8,
      promised: 10,
      refused: { notAnAddress: 1 },
    },
    bodyHash: 'd'.repeat(64),
    source: 'source-hash',
    isWarningList: false,
    piecesId: null,
  };
  return {
    ...newFeedRecord(name, 'source-hash'),
    current: state,
    history: [{ ...state, id: 'b'.repeat(64), piecesId: 'c'.repeat(64) }],
    held: { state, reason: 'shrunk', explanation: 'from 8 to 2 – «held»', since: AT },
    failure: { since: AT, at: AT, times, code: 'timeout', message: 'feeds.example.com: no answer' },
    memory: {
      etag: 'W/"abc"',
      lastModified: 'Sat, 22 Aug 2026 11:00:00 GMT',
      addedAfter: null,
      fullReadAt: AT,
    },
    nextAttemptAt: AT + 0.5,
  };
}

/** What every answer to the port must do. */
export function feedStoreContract(name: string, open: () => Promise<FeedStoreUnderTest>): void {
  describe(`feed store: ${name}`, () => {
    let under: FeedStoreUnderTest;
    let store: FeedStore;
    let feeds = 0;
    let feed: string;

    before(async () => {
      under = await open();
      ({ store } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      feed = `Feed_${feeds++}.a-b`;
    });

    const stored = async (name = feed) => {
      const found = await store.read(name);
      assert.ok(found !== null);
      return found;
    };
    const written = async (times = 1, name = feed) => {
      const version = (await store.read(name))?.version ?? null;
      assert.equal(await store.write(aFeed(name, times), version), true);
      return stored(name);
    };
    const timesOf = async () => (await stored()).feed.failure?.times;

    it('knows no feed that nobody wrote', async () => {
      assert.equal(await store.read(feed), null);
      assert.ok(!(await store.list()).some((one) => one.feed.name === feed));
    });

    it('knows no feed of a name that no feed can have', async () => {
      for (const name of ['', '.', '..', 'a/b', 'a\\b', 'a?b', 'a#b', `../${feed}`]) {
        assert.equal(await store.read(name), null, name);
        await store.remove(name);
      }
    });

    it('keeps names apart that differ in case, and those of an object', async () => {
      const names = [feed, feed.toUpperCase(), `${feed}-__proto__`, '__proto__', 'constructor'];
      for (const [times, name] of names.entries()) await written(times, name);
      for (const [times, name] of names.entries()) {
        assert.deepEqual((await stored(name)).feed, aFeed(name, times));
        await store.remove(name);
      }
    });

    it('gives a feed back as it was written', async () => {
      assert.equal(await store.write(aFeed(feed), null), true);
      assert.deepEqual((await stored()).feed, aFeed(feed));
      await store.write(newFeedRecord(feed, 's'), (await stored()).version);
      assert.deepEqual((await stored()).feed, newFeedRecord(feed, 's'));
    });

    it('keeps a record of its own', async () => {
      const mine = { ...aFeed(feed), told: 'it is held' };
      await store.write(mine, null);
      mine.told = 'changed';
      const read = (await stored()).feed as { told: string | null };
      assert.equal(read.told, 'it is held');
      read.told = 'changed';
      assert.equal((await stored()).feed.told, 'it is held');
    });

    it('creates a feed once, and keeps the first', async () => {
      await store.write(aFeed(feed, 1), null);
      assert.equal(await store.write(aFeed(feed, 2), null), false);
      assert.equal(await timesOf(), 1);
    });

    it('writes over the record that was read, in another version each time', async () => {
      const first = await written(1);
      const second = await written(2);
      assert.notEqual(second.version, first.version);
      assert.equal(second.feed.failure?.times, 2);
    });

    it('does not write over a record that is no longer the one that was read', async () => {
      const { version } = await written(1);
      await written(2);
      assert.equal(await store.write(aFeed(feed, 9), version), false);
      assert.equal(await timesOf(), 2);
    });

    it('lets one of several create a feed, and one of several write over it', async () => {
      for (const round of [0, 10]) {
        const version = (await store.read(feed))?.version ?? null;
        const times = [1, 2, 3, 4].map((n) => n + round);
        const done = await Promise.all(times.map((n) => store.write(aFeed(feed, n), version)));
        const winners = times.filter((_, i) => done[i]);
        assert.equal(winners.length, 1);
        assert.equal(await timesOf(), winners[0]);
      }
    });

    it('forgets a feed that is removed, once and again', async () => {
      await written();
      await store.remove(feed);
      assert.equal(await store.read(feed), null);
      await store.remove(feed);
      assert.ok(!(await store.list()).some((one) => one.feed.name === feed));
    });

    it('does not write over a record that was removed, nor over the next of that name', async () => {
      const { version } = await written(1);
      await store.remove(feed);
      assert.equal(await store.write(aFeed(feed, 2), version), false);
      assert.equal(await store.read(feed), null);
      await written(3);
      assert.equal(await store.write(aFeed(feed, 4), version), false);
      assert.equal(await timesOf(), 3);
    });

    it('lists every feed over many pages, by name, in the version that reading gives', async () => {
      const names = Array.from({ length: 130 }, (_, n) => `${feed}-${(n * 37) % 130}`);
      await Promise.all(names.map((one) => store.write(aFeed(one), null)));
      const listed = await store.list();
      const listedNames = listed.map((one) => one.feed.name);
      assert.deepEqual(listedNames, listedNames.toSorted());
      assert.deepEqual(
        listedNames.filter((one) => one.startsWith(`${feed}-`)),
        names.toSorted(),
      );
      for (const name of [names[0]!, names[129]!]) {
        const one = listed.find((other) => other.feed.name === name);
        assert.deepEqual(one, await stored(name));
      }
      const { feed: first, version } = listed.find((one) => one.feed.name === names[0])!;
      assert.equal(await store.write({ ...first, requestedAt: AT }, version), true);
    });
  });
}
