import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { formatPrefix, parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { buildSnapshot } from '../../../shared/format/indicator-snapshot/build-snapshot.ts';
import type { SnapshotIndicator } from '../../../shared/format/indicator-snapshot/collect.ts';
import type { IndicatorSnapshot } from '../../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../../shared/format/indicator-snapshot/open-snapshot.ts';
import { type TestFeed, feeds, listed, threats } from './feeds.ts';

const snapshotOf = (...feeds: TestFeed[]) =>
  openSnapshot(buildSnapshot(feeds, { checksum: crc32 }), crc32);
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
        const bytes = buildSnapshot(feeds, { checksum: crc32 });
        const snapshot = openSnapshot(bytes, crc32);
        const all = [...snapshot.indicators()];
        const again = feeds.map(({ name, kind }) => ({
          name,
          kind,
          indicators: all.filter(({ feed }) => feed === name),
        }));
        assert.deepEqual(buildSnapshot(again, { checksum: crc32 }), bytes);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what a snapshot lists, by feed and in bulk', () => {
  it('is what it lists one by one, and builds the same file', () => {
    fc.assert(
      fc.property(feeds, (feeds) => {
        const snapshot = snapshotOf(...feeds);
        const found = snapshot.feeds().flatMap(({ name, indicators, ipv4 = [] }) => [
          ...[...indicators].map((one) => `${name} ${asText(one)}`),
          ...ipv4.flatMap(({ addresses, details, detailOf }) =>
            [...addresses].map((word, i) => {
              const prefix = { family: 4, words: [word, 0, 0, 0], bits: 32 } as const;
              return `${name} ${asText({ prefix, detail: details[detailOf?.[i] ?? 0]! })}`;
            }),
          ),
        ]);
        const expected = [...snapshot.indicators()].map((one) => `${one.feed} ${asText(one)}`);
        assert.deepEqual(found.sort(), expected.sort());
        assert.deepEqual(
          buildSnapshot(snapshot.feeds(), { checksum: crc32 }),
          buildSnapshot(feeds, { checksum: crc32 }),
        );
      }),
      { numRuns: 100 },
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

describe('a snapshot of format version 2', () => {
  const file = new URL('../../fixtures/snapshots/version-2.snapshot.gz', import.meta.url);
  const bytes = gunzipSync(readFileSync(file));
  const snapshot = openSnapshot(bytes, crc32);

  it('is read by this version, whole', () => {
    assert.equal(snapshot.stat.version, 2);
    const { ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes } = snapshot.stat;
    assert.deepEqual([ipv4Addresses, ipv4Prefixes, ipv6Addresses, ipv6Prefixes], [6, 1, 1, 2]);
    const [bare, named, rich] = snapshot.matchesOf(parseAddress('192.0.2.1')!);
    assert.deepEqual([bare?.feed, bare?.value, bare?.constraint], ['bare.txt', '192.0.2.1', null]);
    assert.deepEqual([named?.feed, named?.id], ['rich.json', 'indicator--2']);
    assert.deepEqual(
      [rich?.value, rich?.sources, rich?.constraint?.ports, rich?.tlp, rich?.listedSince],
      ['192.0.2.0/24', ['CERT'], [443], 'amber', '2026-08-02T00:00:00.000Z'],
    );
    for (const text of ['0.0.0.0', '255.255.255.255', '2001:db8::1']) {
      assert.equal(snapshot.lists(parsePrefix(text)!), true, text);
    }
    assert.deepEqual(
      snapshot.warningsOf(parseAddress('198.51.100.7')!).map(({ list }) => list),
      ['resolvers'],
    );
  });

  it('lists what a file of this version would', () => {
    const again = openSnapshot(buildSnapshot(snapshot.feeds(), { checksum: crc32 }), crc32);
    const text = (one: IndicatorSnapshot) =>
      [...one.indicators()].map((indicator) => `${indicator.feed} ${asText(indicator)}`).sort();
    assert.equal(again.stat.version, 3);
    assert.deepEqual(text(again), text(snapshot));
  });

  it('is refused where its columns contradict each other', () => {
    const sections = new DataView(bytes.buffer, bytes.byteOffset);
    for (let section = 0; section < 16; section++) {
      const shorter = Uint8Array.from(bytes);
      const view = new DataView(shorter.buffer);
      const at = 48 + 16 * section + 12;
      view.setUint32(at, sections.getUint32(at, true) - 1, true);
      view.setUint32(12, crc32(shorter.subarray(16)), true);
      assert.throws(() => openSnapshot(shorter, crc32), { code: 'inconsistent' }, `${section}`);
    }
  });
});
