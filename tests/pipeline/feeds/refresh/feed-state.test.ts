import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { MemoryFeedFiles } from '../../../../shared/adapters/memory/feed-files.ts';
import { formatPrefix } from '../../../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../../../shared/domain/indicator/feed-entry.ts';
import { formatInstant } from '../../../../shared/domain/time/instant.ts';
import type { IndicatorSnapshot } from '../../../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../../../shared/format/indicator-snapshot/open-snapshot.ts';
import {
  type ConfiguredFeed,
  parseFeedConfiguration,
} from '../../../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import {
  BodyHash,
  type BuiltState,
  buildState,
  LATE_MESSAGES_MS,
  readState,
} from '../../../../shared/pipeline/feeds/refresh/feed-state.ts';
import { newReport, readFeed } from '../../../../shared/pipeline/feeds/read/read-feed.ts';
import type { FeedReport } from '../../../../shared/pipeline/feeds/read/read-json.ts';
import { accepted, refused } from '../entries.ts';
import { inPieces } from '../read/reading.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const EARLIER = NOW - 60 * 60_000;

function feedOf(changed: object = {}): ConfiguredFeed {
  const feed = { name: 'a-feed', address: 'https://feeds.example.com/', ...changed };
  return parseFeedConfiguration({ version: 1, feeds: [feed] }).feeds[0]!;
}

interface Options {
  readonly feed?: ConfiguredFeed;
  readonly report?: FeedReport;
  readonly before?: IndicatorSnapshot | null;
  readonly now?: number;
}

async function build(
  entries: readonly FeedEntry[],
  { feed = feedOf(), report = newReport(), before = null, now = NOW }: Options = {},
): Promise<BuiltState> {
  return buildState(feed, [entries], report, before, now);
}

const opened = ({ bytes }: BuiltState) => openSnapshot(bytes, crc32);

function listed(state: BuiltState): readonly string[] {
  return [...opened(state).indicators()].map(({ prefix }) => formatPrefix(prefix)).sort();
}

function times(state: BuiltState): Readonly<Record<string, string | null | undefined>> {
  return Object.fromEntries(
    [...opened(state).indicators()].map(({ prefix, detail }) => [
      formatPrefix(prefix),
      detail?.listedSince,
    ]),
  );
}

describe('the file of a state', () => {
  const files = new MemoryFeedFiles();

  it('gives the snapshot that was stored', async () => {
    const id = await files.store('a', (await build([accepted('45.66.64.1')])).bytes);
    assert.equal((await readState(files, 'a', id))?.stat.ipv4Addresses, 1);
  });

  it('is lost when it is not there, or is none that this version reads', async () => {
    assert.equal(await readState(files, 'a', '0'.repeat(64)), null);
    assert.equal(await readState(files, 'a', await files.store('a', Buffer.from('other'))), null);
  });

  it('is not lost only because the store does not answer', async () => {
    const down = { read: () => Promise.reject(new Error('down')) } as unknown as MemoryFeedFiles;
    await assert.rejects(readState(down, 'a', '0'.repeat(64)), /down/);
  });
});

describe('a network of which one feed says very much', () => {
  const saying = (n: number, network = '45.66.64.1') =>
    Array.from({ length: n }, (_, i) => accepted(network, { id: `indicator--${1000 + i}` }));

  it('has 256 indicators at most, and the others are counted', async () => {
    const state = await build([
      ...saying(300),
      ...saying(256, '45.66.65.0/24'),
      accepted('45.66.64.2'),
    ]);
    const counts = Map.groupBy(listed(state), (text) => text);
    assert.deepEqual(
      [...counts].map(([text, all]) => [text, all.length]),
      [
        ['45.66.64.1/32', 256],
        ['45.66.64.2/32', 1],
        ['45.66.65.0/24', 256],
      ],
    );
    assert.equal(state.counts.refused.crowded, 44);
    assert.equal(state.counts.listed, 3);
  });

  it('keeps the same ones whatever the order', async () => {
    const [some, others] = [await build(saying(300)), await build(saying(300).toReversed())];
    assert.ok(Buffer.from(some.bytes).equals(others.bytes));
  });

  it('is as it is up to then', async () => {
    const { counts } = await build(saying(256));
    assert.equal(counts.refused.crowded, undefined);
  });
});

describe('the state of a feed', () => {
  it('lists what the feed lists, and counts it', async () => {
    const state = await build([
      accepted('45.66.64.1'),
      accepted('45.66.64.1'),
      accepted('45.66.64.0/24'),
      accepted('2a06:e480::1'),
      accepted('2a06:e480::/32', { confidence: 5 }),
      refused('domain'),
    ]);
    assert.deepEqual(listed(state), [
      '2a06:e480::/32',
      '2a06:e480::1/128',
      '45.66.64.0/24',
      '45.66.64.1/32',
    ]);
    assert.deepEqual(state.counts, {
      format: 'netset',
      entries: 6,
      indicators: 5,
      active: 5,
      duplicates: 1,
      listed: 4,
      promised: null,
      refused: { bogon: 0, domain: 1 },
    });
    assert.equal(state.shared, 0);
  });

  it('has the name of the feed, and what entries say', async () => {
    const state = await build([accepted('45.66.64.1', { labels: ['c2'], tlp: 'green' })]);
    const [only] = [...opened(state).indicators()];
    assert.equal(only?.feed, 'a-feed');
    assert.partialDeepStrictEqual(only.detail, { labels: ['c2'], tlp: 'green' });
  });

  it('may be without indicators', async () => {
    const state = await build([]);
    assert.deepEqual(listed(state), []);
    assert.equal(state.counts.listed, 0);
  });

  it('takes over what the reader learned', async () => {
    const report = newReport();
    const text = '{"cidr":"45.66.64.0/24"}\n{"type":"metadata","records":5}\n';
    const state = await buildState(
      feedOf(),
      readFeed(inPieces(text, 10), null, report),
      report,
      null,
      NOW,
    );
    assert.equal(state.counts.format, 'jsonl');
    assert.equal(state.counts.promised, 5);
    assert.deepEqual(listed(state), ['45.66.64.0/24']);
  });

  it('passes on what the reader throws', async () => {
    const report = newReport();
    const entries = readFeed(inPieces('<html>'), null, report);
    await assert.rejects(buildState(feedOf(), entries, report, null, NOW), { code: 'noReader' });
  });

  it('is the same file for the same entries, in whatever order', async () => {
    const entries = [
      accepted('45.66.64.1'),
      accepted('45.66.64.0/24'),
      accepted('45.66.64.1', { confidence: 5 }),
      accepted('2a06:e480::1'),
    ];
    const { bytes } = await build(entries);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(entries, { minLength: 4 }), async (shuffled) => {
        assert.deepEqual((await build(shuffled)).bytes, bytes);
      }),
      { numRuns: 20 },
    );
  });
});

describe('what a state lists', () => {
  const until = (at: number) => accepted('45.66.64.1', { validUntil: formatInstant(at) });

  it('keeps what expired for messages that come late, and then drops it', async () => {
    assert.equal(LATE_MESSAGES_MS, 24 * 60 * 60_000);
    for (const [end, kept, active] of [
      [NOW + 1, 1, 1],
      [NOW, 1, 0],
      [NOW - LATE_MESSAGES_MS + 1, 1, 0],
      [NOW - LATE_MESSAGES_MS, 0, 0],
    ] as const) {
      const { counts } = await build([until(end)]);
      assert.deepEqual([counts.listed, counts.active, counts.indicators], [kept, active, 1]);
    }
  });

  it('has what begins later', async () => {
    const state = await build([accepted('45.66.64.1', { validFrom: formatInstant(NOW + 1) })]);
    assert.deepEqual([state.counts.listed, state.counts.active], [1, 0]);
  });

  it('leaves out what was withdrawn, and what is told as no threat', async () => {
    const state = await build([
      accepted('45.66.64.1', null, { standing: 'revoked' }),
      accepted('45.66.64.2', null, { standing: 'context' }),
      accepted('45.66.64.3'),
    ]);
    assert.deepEqual(listed(state), ['45.66.64.3/32']);
    assert.partialDeepStrictEqual(state.counts, { indicators: 3, active: 1, listed: 1 });
  });

  it('leaves out TLP:RED, unless the feed may be used with it', async () => {
    const entries = [
      accepted('45.66.64.1', { tlp: 'red' }),
      accepted('45.66.64.2', { tlp: 'amber' }),
    ];
    const without = await build(entries);
    assert.deepEqual(listed(without), ['45.66.64.2/32']);
    assert.equal(without.counts.active, 1);
    const withRed = await build(entries, { feed: feedOf({ acceptTlpRed: true }) });
    assert.deepEqual(listed(withRed), ['45.66.64.1/32', '45.66.64.2/32']);
    assert.equal(withRed.counts.active, 2);
  });

  it('is all of a warning list, private networks too', async () => {
    const entries = [
      accepted('10.0.0.0/8', null, { standing: 'context' }),
      accepted('45.66.64.1', null, { standing: 'context' }),
      accepted('45.66.64.2', null, { standing: 'revoked' }),
    ];
    const report: FeedReport = { format: 'warninglist', promised: null };
    assert.deepEqual(listed(await build(entries, { report })), ['10.0.0.0/8', '45.66.64.1/32']);
    const feed = feedOf({ kind: 'warningList' });
    assert.deepEqual(listed(await build(entries, { feed })), ['10.0.0.0/8', '45.66.64.1/32']);
  });

  it('is nothing of a warning list that the operator calls a threat: it lists none', async () => {
    const entries = [accepted('45.66.64.1', null, { standing: 'context' })];
    const report: FeedReport = { format: 'warninglist', promised: null };
    const state = await build(entries, { report, feed: feedOf({ kind: 'threat' }) });
    assert.deepEqual(listed(state), []);
  });

  it('is a warning list by what the reader finds, though nothing was known before', async () => {
    const report = newReport();
    const text = JSON.stringify({ name: 'x', type: 'cidr', version: 1, list: ['45.66.64.0/24'] });
    const entries = readFeed(inPieces(text), null, report);
    assert.deepEqual(listed(await buildState(feedOf(), entries, report, null, NOW)), [
      '45.66.64.0/24',
    ]);
  });

  it('has every network of a range, each once', async () => {
    const state = await build([
      accepted(['45.66.64.1', '45.66.64.2/31'], null, { range: true }),
      accepted('45.66.64.1'),
    ]);
    assert.equal(state.counts.listed, 2);
    assert.equal(state.counts.format, 'ranges');
  });
});

describe('the state after another', () => {
  const nets = ['45.66.64.1', '45.66.64.0/24', '2a06:e480::1', '2a06:e480::/32'];
  const first = () =>
    build(
      nets.map((net) => accepted(net)),
      { now: EARLIER },
    );

  it('carries over since when each network is listed', async () => {
    const before = await first();
    assert.equal(times(before)['45.66.64.1/32'], formatInstant(EARLIER));
    const state = await build(
      [
        accepted('45.66.64.1', { confidence: 5 }),
        accepted('45.66.64.0/24'),
        accepted('45.66.64.2'),
      ],
      { before: opened(before) },
    );
    assert.deepEqual(times(state), {
      '45.66.64.1/32': formatInstant(EARLIER),
      '45.66.64.0/24': formatInstant(EARLIER),
      '45.66.64.2/32': formatInstant(NOW),
    });
  });

  it('begins anew for what was gone in between', async () => {
    const gone = await build([accepted('45.66.64.2')], { before: opened(await first()) });
    const back = await build([accepted('45.66.64.1')], { before: opened(gone), now: NOW + 1 });
    assert.equal(times(back)['45.66.64.1/32'], formatInstant(NOW + 1));
  });

  it('is the same file if nothing changed', async () => {
    const before = await first();
    const again = await build(
      nets.map((net) => accepted(net)),
      { before: opened(before) },
    );
    assert.deepEqual(again.bytes, before.bytes);
  });

  it('counts what both list, each network once', async () => {
    const before = opened(await first());
    const shared = async (...entries: FeedEntry[]) => (await build(entries, { before })).shared;
    assert.equal(await shared(), 0);
    assert.equal(await shared(...nets.map((net) => accepted(net))), 4);
    assert.equal(await shared(accepted('45.66.64.2'), accepted('45.66.64.0/25')), 0);
    assert.equal(await shared(accepted('45.66.64.1'), accepted('45.66.65.1')), 1);
    assert.equal(
      await shared(
        accepted('45.66.64.1'),
        accepted('45.66.64.1', { confidence: 5 }),
        accepted('45.66.64.1', { confidence: 6 }),
        accepted('45.66.64.0/24', { confidence: 5 }),
        accepted('45.66.64.0/24', { confidence: 6 }),
      ),
      2,
    );
  });

  it('shares what a comparison of sets says', async () => {
    const some = fc.subarray([
      '45.66.64.1',
      '45.66.64.2',
      '45.66.64.0/24',
      '45.66.64.0/25',
      '45.66.64.0/32',
      '2a06:e480::/32',
      '2a06:e480::',
    ]);
    await fc.assert(
      fc.asyncProperty(some, some, async (old, next) => {
        const before = opened(
          await build(
            old.map((net) => accepted(net)),
            { now: EARLIER },
          ),
        );
        const { shared, counts } = await build(
          next.map((net) => accepted(net)),
          { before },
        );
        assert.equal(shared, next.filter((net) => old.includes(net)).length);
        assert.equal(counts.listed, next.length);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the hash of a body', () => {
  it('is that of all its bytes, which pass through', async () => {
    const bytes = Buffer.from('45.66.64.1\n'.repeat(100));
    const expected = createHash('sha256').update(bytes).digest('hex');
    for (const size of [1, 10, Infinity]) {
      const hash = new BodyHash();
      assert.deepEqual(await buffer(hash.watch(inPieces(bytes, size))), bytes);
      assert.equal(hash.bytes, bytes.length);
      assert.equal(hash.digest(), expected);
    }
  });
});
