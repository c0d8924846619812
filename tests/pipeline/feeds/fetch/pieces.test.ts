import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { FeedEntry } from '../../../../shared/domain/indicator/feed-entry.ts';
import { Pieces } from '../../../../shared/pipeline/feeds/fetch/pieces.ts';
import { accepted, refused } from '../entries.ts';

const entriesByKey: Readonly<Record<string, readonly FeedEntry[]>> = {
  'indicator--1': [
    accepted(['45.66.64.1', '45.66.64.0/24'], {
      id: 'indicator--1',
      sources: ['Köln "x"\n\u2028'],
      confidence: 0,
      constraint: { ports: [443], direction: 'source', protocol: 'tcp' },
      tlp: 'amber+strict',
    }),
    accepted('2a06:e480::/32', null, { part: true, standing: 'context' }),
    refused('domain', { part: true, id: 'indicator--1', text: 'x.example' }),
  ],
  'indicator--2': [refused('badPattern', { id: 'indicator--2', text: '[' })],
  'indicator--3': [],
  __proto__x: [accepted('::ffff:45.66.64.9', null, { standing: 'revoked' })],
};

function pieces(keys = Object.keys(entriesByKey)): Pieces {
  const made = new Pieces();
  for (const key of keys) made.set({ key, version: `v-${key}`, entries: entriesByKey[key]! });
  return made;
}

describe('the pieces of a feed', () => {
  it('give their entries as they were put in, piece after piece', () => {
    assert.deepEqual([...pieces().entries()], Object.values(entriesByKey).flat());
    for (const [key, entries] of Object.entries(entriesByKey)) {
      assert.deepEqual(pieces().entriesOf(key), entries);
    }
  });

  it('know their versions; none is not unknown', () => {
    const made = pieces();
    made.set({ key: 'x', version: null, entries: [] });
    assert.equal(made.versionOf('indicator--1'), 'v-indicator--1');
    assert.equal(made.versionOf('x'), null);
    assert.equal(made.versionOf('y'), undefined);
    assert.deepEqual(made.entriesOf('y'), []);
    assert.equal(made.versionOf('constructor'), undefined);
  });

  it('are replaced and removed by key', () => {
    const made = pieces();
    made.set({ key: 'indicator--1', version: 'new', entries: [refused('url')] });
    made.delete('indicator--2');
    made.delete('never there');
    assert.equal(made.size, 3);
    assert.deepEqual([...made.keys()], ['indicator--1', 'indicator--3', '__proto__x']);
    assert.equal(made.versionOf('indicator--1'), 'new');
    assert.deepEqual(made.entriesOf('indicator--1'), [refused('url')]);
    assert.equal(made.versionOf('indicator--2'), undefined);
  });

  it('do not notice what is done later to what was put in', () => {
    const entries = [refused('url')];
    const made = new Pieces();
    made.set({ key: 'x', version: null, entries });
    entries.push(refused('domain'));
    assert.equal(made.entriesOf('x').length, 1);
  });
});

describe('the file of pieces', () => {
  it('gives back every piece', () => {
    const read = Pieces.fromBytes(pieces().toBytes());
    assert.equal(read.size, 4);
    for (const [key, entries] of Object.entries(entriesByKey)) {
      assert.equal(read.versionOf(key), `v-${key}`);
      assert.deepEqual(read.entriesOf(key), entries);
    }
  });

  it('is the same for the same pieces, however they came', () => {
    const bytes = pieces().toBytes();
    const keys = fc.shuffledSubarray(Object.keys(entriesByKey), { minLength: 4 });
    fc.assert(fc.property(keys, (order) => assert.deepEqual(pieces(order).toBytes(), bytes)));
    assert.deepEqual(Pieces.fromBytes(bytes).toBytes(), bytes);
  });

  it('is another one for another version, or one piece less', () => {
    const bytes = pieces().toBytes();
    const changed = pieces();
    changed.set({ key: 'indicator--3', version: 'new', entries: [] });
    assert.notDeepEqual(changed.toBytes(), bytes);
    assert.notDeepEqual(pieces(['indicator--1', 'indicator--2', 'indicator--3']).toBytes(), bytes);
  });

  it('may hold none', () => {
    assert.equal(Pieces.fromBytes(new Pieces().toBytes()).size, 0);
  });

  it('fails where it is cut or no such file', () => {
    const bytes = pieces().toBytes();
    for (const cut of [0, 4, 20, bytes.length - 1]) {
      assert.throws(() => Pieces.fromBytes(bytes.subarray(0, cut)), `cut at ${cut}`);
    }
    assert.throws(() => Pieces.fromBytes(zstdCompressSync(Buffer.from('{"key":'))));
  });
});
