import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { TextFeedReader } from '../../../shared/format/feed-text/text-feed-reader.ts';

const fixture = (name: string) => new URL(`../../fixtures/feeds/${name}`, import.meta.url);
const bytes = gunzipSync(readFileSync(fixture('dirty.txt.gz')));
const { lines } = JSON.parse(readFileSync(fixture('dirty.expected.json'), 'utf8')) as {
  lines: { line: number; expect: string; nets: string[]; note: string }[];
};

function read(chunkBytes: number): FeedEntry[] {
  const entries: FeedEntry[] = [];
  const reader = new TextFeedReader((entry) => entries.push(entry));
  for (let i = 0; i < bytes.length; i += chunkBytes) reader.push(bytes.subarray(i, i + chunkBytes));
  reader.end();
  return entries;
}

/** Where the fixture leaves the outcome to policy, ours is this. */
const OUR_POLICY: Readonly<Record<number, string[]>> = {
  68: ['168.63.129.16/32'], // left to warning lists, which can say why
  69: ['8.8.8.8/32'],
  82: [], // a no-break space is not ASCII
};

describe('a list with everything that is wrong in real lists', () => {
  const byLine = new Map(read(bytes.length).map((entry) => [entry.line, entry]));

  for (const { line, expect, nets, note } of lines) {
    it(`line ${line}: ${expect} ${nets.join(' ')} ${note}`, () => {
      const entry = byLine.get(line);
      if (expect === 'comment' || expect === 'blank') {
        assert.equal(entry, undefined);
        return;
      }
      const accepted = entry?.kind === 'indicator' ? entry.nets.map(formatPrefix) : [];
      assert.deepEqual(accepted, OUR_POLICY[line] ?? nets);
      if (accepted.length === 0) assert.equal(entry?.kind, 'refused');
    });
  }

  it('reads the same however it is cut into chunks', () => {
    const whole = read(bytes.length);
    for (const chunkBytes of [1, 2, 3, 7, 100, 4096, 65_536]) {
      assert.deepEqual(read(chunkBytes), whole, `chunks of ${chunkBytes}`);
    }
  });

  it('refuses each line for its reason', () => {
    const reasons = new Map<string, number[]>();
    for (const entry of byLine.values()) {
      if (entry.kind !== 'refused') continue;
      reasons.set(entry.reason, [...(reasons.get(entry.reason) ?? []), entry.line!]);
    }
    assert.deepEqual(Object.fromEntries(reasons), {
      range: [22],
      notAnAddress: [24, 25, 26, 27, 28, 29, 30, 31, 33, 75, 78, 87, 88, 89, 99],
      url: [35, 36],
      domain: [37, 38, 39],
      bogon: [
        40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 59, 60, 61, 62, 63, 64, 65,
        67, 79,
      ],
      tooBroad: [56, 57, 58, 66],
      encoding: [81, 82, 83, 84, 85, 86],
      tooLong: [90],
      ambiguous: [91],
    });
  });

  it('keeps a port as a constraint', () => {
    const ports = [32, 77].map((line) => {
      const entry = byLine.get(line);
      return entry?.kind === 'indicator' ? entry.detail?.constraint : null;
    });
    assert.deepEqual(ports, [
      { ports: [8080], direction: null, protocol: null },
      { ports: [443], direction: null, protocol: null },
    ]);
  });
});
