import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { ipv4 as ipv4Address } from '../../../../shared/domain/address/address.ts';
import { formatPrefix } from '../../../../shared/domain/address/prefix.ts';
import { FEED_KINDS } from '../../../../shared/domain/indicator/feed-kind.ts';
import { NO_DETAIL } from '../../../../shared/domain/indicator/indicator.ts';
import { formatInstant } from '../../../../shared/domain/time/instant.ts';
import { buildSnapshot } from '../../../../shared/format/indicator-snapshot/build-snapshot.ts';
import type { SnapshotIndicator } from '../../../../shared/format/indicator-snapshot/collect.ts';
import { openSnapshot } from '../../../../shared/format/indicator-snapshot/open-snapshot.ts';
import {
  CollectedFeed,
  type FeedContent,
  isPublishable,
  withDetails,
  withListingTimes,
} from '../../../../shared/pipeline/feeds/refresh/collected-feed.ts';
import { accepted } from '../entries.ts';

const AT = Date.parse('2026-08-15T00:00:00Z');
const POLICY = { acceptTlpRed: false };

function collected(...entries: Parameters<CollectedFeed['add']>[0][]): CollectedFeed {
  const feed = new CollectedFeed();
  for (const entry of entries) feed.add(entry);
  return feed;
}

const texts = (indicators: Iterable<SnapshotIndicator>) =>
  [...indicators].map(({ prefix, detail }) => [formatPrefix(prefix), detail?.confidence ?? null]);

/** What stands in bulk first. */
function oneByOne({ indicators, ipv4 = [] }: FeedContent): SnapshotIndicator[] {
  const single = ipv4.flatMap(({ addresses, details, detailOf }) =>
    [...addresses].map((word, i) => ({
      prefix: { ...ipv4Address(word), bits: 32 },
      detail: details[detailOf?.[i] ?? 0]!,
    })),
  );
  return [...single, ...indicators];
}

describe('a feed in memory', () => {
  it('has so many networks, IPv6 addresses and details, and no more', () => {
    const feed = new CollectedFeed(2);
    for (let i = 0; i < 10; i++) feed.add(accepted('45.66.64.1'));
    feed.add(accepted(['45.66.65.0/24', '45.66.66.0/24']));
    assert.throws(() => feed.add(accepted('2a06:e480::1')), {
      code: 'tooLarge',
      message: /^more than 2 of its networks/,
    });
  });

  it('gives every network of every entry with what is said of it, as often as it is asked', () => {
    const feed = collected(
      accepted('255.255.255.255'),
      accepted(['45.66.64.1', '45.66.64.2/31']),
      accepted('45.66.64.1', { confidence: 5 }),
      accepted('2a06:e480::1'),
      accepted('45.66.64.1'),
    );
    const expected = [
      ['255.255.255.255/32', null],
      ['45.66.64.1/32', null],
      ['45.66.64.1/32', null],
      ['45.66.64.2/31', null],
      ['45.66.64.1/32', 5],
      ['2a06:e480::1/128', null],
    ];
    assert.deepEqual(texts(feed), expected);
    assert.deepEqual(texts(feed), expected);
    assert.deepEqual(texts(oneByOne(feed.content())), expected);
  });

  it('gives nothing of nothing', () => assert.deepEqual(texts(collected()), []));

  it('does not confuse IPv6 with IPv4', () => {
    assert.deepEqual(texts(collected(accepted('::2d42:4001'))), [['::2d42:4001/128', null]]);
  });
});

describe('what belongs into a snapshot', () => {
  const is = (entry: ReturnType<typeof accepted>, kind = FEED_KINDS[0]!, policy = POLICY) =>
    isPublishable(entry, kind, AT, policy);

  it('of a feed of threats is what holds now or later', () => {
    for (const kind of FEED_KINDS.filter((kind) => kind !== 'warningList')) {
      assert.equal(is(accepted('45.66.64.1'), kind), true);
      assert.equal(is(accepted('45.66.64.1', { validFrom: formatInstant(AT + 1) }), kind), true);
      assert.equal(is(accepted('45.66.64.1', { validUntil: formatInstant(AT + 1) }), kind), true);
      assert.equal(is(accepted('45.66.64.1', { validUntil: formatInstant(AT) }), kind), false);
      assert.equal(is(accepted('45.66.64.1', null, { standing: 'revoked' }), kind), false);
      assert.equal(is(accepted('45.66.64.1', null, { standing: 'context' }), kind), false);
    }
  });

  it('has TLP:RED only by the policy', () => {
    const red = accepted('45.66.64.1', { tlp: 'red' });
    assert.equal(is(red), false);
    assert.equal(is(red, 'malware', { acceptTlpRed: true }), true);
  });

  it('of a warning list is all that was not withdrawn', () => {
    assert.equal(is(accepted('10.0.0.0/8', null, { standing: 'context' }), 'warningList'), true);
    assert.equal(is(accepted('10.0.0.0/8'), 'warningList'), true);
    assert.equal(is(accepted('10.0.0.0/8', null, { standing: 'revoked' }), 'warningList'), false);
  });
});

describe('addresses in bulk with other details', () => {
  const part = {
    addresses: Uint32Array.of(1, 2, 3, 4),
    details: [null, { ...NO_DETAIL, confidence: 5 }],
    detailOf: Uint8Array.of(0, 1, 0, 1),
  };

  it('stay where there is one, and go where there is none', () => {
    const { addresses, details, detailOf } = withDetails(part, (detail, address) =>
      detail === null && address === 1 ? undefined : detail,
    );
    assert.deepEqual([...addresses], [2, 3, 4]);
    assert.deepEqual(
      [...detailOf!].map((i) => details[i]?.confidence ?? null),
      [5, null, 5],
    );
  });

  it('need no place each where all have one', () => {
    const { addresses, details, detailOf } = withDetails(part, () => null);
    assert.deepEqual([[...addresses], details, detailOf], [[1, 2, 3, 4], [null], null]);
    assert.equal(withDetails(part, () => undefined).addresses.length, 0);
  });
});

describe('the times since when a feed lists', () => {
  const now = '2026-08-15T00:00:00.000Z';
  const before = (feed: CollectedFeed, at: string) =>
    openSnapshot(
      buildSnapshot(
        [{ name: 'a', kind: 'threat', ...withListingTimes(feed.content(), null, at) }],
        { checksum: crc32 },
      ),
      crc32,
    );
  const times = (indicators: Iterable<SnapshotIndicator>) =>
    [...indicators].map(({ prefix, detail }) => `${formatPrefix(prefix)} ${detail?.listedSince}`);

  it('begin now for a feed without a state before', () => {
    const feed = collected(accepted('45.66.64.1'), accepted('45.66.64.0/24', { confidence: 5 }));
    const dated = oneByOne(withListingTimes(feed.content(), null, now));
    assert.deepEqual(
      dated.map(({ detail }) => detail),
      [
        { ...NO_DETAIL, listedSince: now },
        { ...NO_DETAIL, confidence: 5, listedSince: now },
      ],
    );
  });

  it('are carried over for what was listed, whatever is said of it now', () => {
    const old = '2026-08-01T00:00:00.000Z';
    const was = before(
      collected(accepted('45.66.64.1'), accepted('45.66.64.0/24'), accepted('2a06:e480::1')),
      old,
    );
    const is = collected(
      accepted('45.66.64.2'),
      accepted('45.66.64.1', { confidence: 5 }),
      accepted('45.66.64.0/24'),
      accepted('45.66.64.0/25'),
      accepted('2a06:e480::1'),
      accepted('2a06:e480::2'),
    );
    assert.deepEqual(times(oneByOne(withListingTimes(is.content(), was, now))), [
      `45.66.64.2/32 ${now}`,
      `45.66.64.1/32 ${old}`,
      `45.66.64.0/24 ${old}`,
      `45.66.64.0/25 ${now}`,
      `2a06:e480::1/128 ${old}`,
      `2a06:e480::2/128 ${now}`,
    ]);
  });

  it('leave one object for each detail and time', () => {
    const old = '2026-08-01T00:00:00.000Z';
    const was = before(collected(accepted('45.66.64.1')), old);
    const feed = collected(accepted('45.66.64.1'), accepted('45.66.64.2'), accepted('45.66.64.3'));
    const [a, b, c] = oneByOne(withListingTimes(feed.content(), was, now));
    assert.notEqual(a?.detail, b?.detail);
    assert.equal(b?.detail, c?.detail);
  });
});
