import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { formatPrefix, parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import type { SnapshotIndicator } from '../../../shared/format/indicator-snapshot/collect.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { type TestFeed, feeds, listed, threats } from './feeds.ts';

const snapshotOf = (...feeds: TestFeed[]) => openSnapshot(buildSnapshot(feeds, crc32), crc32);
const asText = ({ prefix, detail }: SnapshotIndicator) =>
  `${formatPrefix(prefix)} ${JSON.stringify(detail)}`;

describe('what a snapshot lists', () => {
  it('comes back whole, each indicator once, whatever nests, repeats or lies side by side', () => {
    fc.assert(
      fc.property(feeds, (feeds) => {
        const snapshot = snapshotOf(...feeds);
        const expected = feeds.flatMap(({ name, indicators }) => [
          ...new Set(indicators.map((one) => `${name} ${asText(one)}`)),
        ]);
        const found = [...snapshot.indicators()].map((one) => `${one.feed} ${asText(one)}`);
        assert.deepEqual(found.sort(), expected.sort());
      }),
      { numRuns: 200 },
    );
  });

  it('keeps neighbours apart that one range holds', () => {
    const texts = ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/25', '10.0.2.128/25', '10.0.0.0/16'];
    const neighbours = snapshotOf(
      threats('feed', ...[...texts, '10.1.0.0/16', '10.1.0.0/24'].map((text) => listed(text))),
    );
    assert.deepEqual(
      [...neighbours.indicators()].map(({ prefix }) => formatPrefix(prefix)).sort(),
      [...texts, '10.1.0.0/16', '10.1.0.0/24'].sort(),
    );
  });

  it('builds the same file again', () => {
    fc.assert(
      fc.property(feeds, (feeds) => {
        const bytes = buildSnapshot(feeds, crc32);
        const snapshot = openSnapshot(bytes, crc32);
        const all = [...snapshot.indicators()];
        const again = feeds.map(({ name, kind }) => ({
          name,
          kind,
          indicators: all.filter(({ feed }) => feed === name),
        }));
        assert.deepEqual(buildSnapshot(again, crc32), bytes);
      }),
      { numRuns: 50 },
    );
  });
});

describe('when an indicator was first listed', () => {
  const [first, later] = ['2026-08-01T00:00:00.000Z', '2026-08-05T00:00:00.000Z'];
  const snapshot = snapshotOf(
    threats(
      'feed',
      listed('192.0.2.1', { listedSince: later, id: 'a' }),
      listed('192.0.2.1', { listedSince: first, id: 'b' }),
      listed('192.0.2.2'),
      listed('192.0.2.0/24', { listedSince: later }),
      listed('192.0.2.0/25', { listedSince: first }),
      listed('2001:db8::/48', { listedSince: first }),
    ),
  );
  const since = (text: string) => snapshot.listedSince(parsePrefix(text)!);

  it('is the earliest time that any of its listings has', () => {
    assert.equal(since('192.0.2.1'), first);
    assert.equal(since('192.0.2.0/24'), later);
    assert.equal(since('192.0.2.0/25'), first);
    assert.equal(since('2001:db8::/48'), first);
  });

  it('is unknown for what is not listed itself, or has no time', () => {
    for (const text of ['192.0.2.2', '192.0.2.3', '192.0.2.0/26', '2001:db8::/47', '2001:db8::1']) {
      assert.equal(since(text), null, text);
    }
    assert.equal(snapshot.lists(parsePrefix('192.0.2.2')!), true);
    assert.equal(snapshot.lists(parsePrefix('192.0.2.3')!), false);
  });
});

describe('a snapshot of format version 1', () => {
  const file = new URL('../../fixtures/snapshots/version-1.snapshot.gz', import.meta.url);
  const snapshot = openSnapshot(gunzipSync(readFileSync(file)), crc32);

  it('is read by this version: threats without constraints', () => {
    assert.equal(snapshot.stat.version, 1);
    assert.deepEqual(
      snapshot.stat.feeds.map(({ kind }) => kind),
      ['threat', 'threat'],
    );
    const [bare, rich] = snapshot.matchesOf(parseAddress('192.0.2.1')!);
    assert.deepEqual([bare?.feed, bare?.value, bare?.constraint], ['bare.txt', '192.0.2.1', null]);
    assert.deepEqual(
      [rich?.id, rich?.value, rich?.sources, rich?.confidence, rich?.labels, rich?.validFrom],
      ['indicator--1', '192.0.2.0/24', ['CERT'], 80, ['c2'], '2026-08-01T00:00:00.000Z'],
    );
    assert.equal(snapshot.matchesOf(parseAddress('2001:db8::1')!).length, 2);
    assert.deepEqual(snapshot.warningsOf(parseAddress('192.0.2.1')!), []);
  });
});
