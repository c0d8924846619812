import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type FiveTuples,
  MAX_TUPLES,
  NO_TUPLES,
  TUPLE_WORDS,
  countOf,
  mergedTuples,
  sortedTuples,
  tupleAt,
} from '../../../shared/domain/window/five-tuples.ts';
import { type TupleKey, tupleKey, tupleKeys, tupleTo, tuplesOf, wordsOf } from './tuples.ts';

const keyText = ({ family, protocol, local, remote, localPort, remotePort }: TupleKey) =>
  JSON.stringify([family, protocol, local, remote, localPort, remotePort]);

/** Records by key. */
function counted(keys: readonly TupleKey[]): Map<string, number> {
  const records = new Map<string, number>();
  for (const key of keys) records.set(keyText(key), (records.get(keyText(key)) ?? 0) + 1);
  return records;
}

function shown(tuples: FiveTuples): Map<string, number> {
  const all = Array.from({ length: countOf(tuples) }, (_, i) => tupleAt(tuples, i));
  return new Map(all.map((tuple) => [keyText(tuple), tuple.records]));
}

const asMap = (records: Map<string, number>) => Object.fromEntries(records);

function assertSorted(tuples: FiveTuples): void {
  for (let at = TUPLE_WORDS; at < tuples.length; at += TUPLE_WORDS) {
    const [a, b] = [tuples.subarray(at - TUPLE_WORDS, at - 1), tuples.subarray(at, at + 10)];
    const word = a.findIndex((value, i) => value !== b[i]);
    assert.ok(word >= 0 && a[word]! < b[word]!, `tuple ${at / TUPLE_WORDS} is in its place`);
  }
}

describe('the five-tuples of a device', () => {
  it('are the distinct ones in order, with how often each came', () => {
    fc.assert(
      fc.property(tupleKeys, (keys) => {
        const tuples = tuplesOf(keys);
        assertSorted(tuples);
        assert.deepEqual(asMap(shown(tuples)), asMap(counted(keys)));
        assert.equal(countOf(tuples), counted(keys).size);
      }),
    );
  });

  it('give back each field of a tuple: either family, any protocol, any port', () => {
    fc.assert(
      fc.property(tupleKey, (key) => {
        assert.deepEqual(tupleAt(tuplesOf([key]), 0), { ...key, records: 1 });
      }),
    );
  });

  it('differ where any one of family, protocol, addresses and ports does', () => {
    const one = tupleTo(0xc000_0201);
    const others: readonly TupleKey[] = [
      { ...one, family: 6 },
      { ...one, protocol: 17 },
      { ...one, protocol: -6 },
      { ...one, local: [0x0a00_0002, 0, 0, 0] },
      { ...one, remote: [0xc000_0202, 0, 0, 0] },
      { ...one, localPort: 50_001 },
      { ...one, remotePort: 444 },
    ];
    assert.equal(countOf(tuplesOf([one, one, ...others])), 1 + others.length);
  });

  it('keep an IPv4-mapped address apart from the IPv4 one: as the device reported it', () => {
    const plain = tupleTo(0xc000_0201);
    const mapped: TupleKey = { ...plain, family: 6, remote: [0, 0, 0xffff, 0xc000_0201] };
    assert.equal(countOf(tuplesOf([plain, mapped])), 2);
  });

  it('merge to what all of them together give, whatever the order', () => {
    fc.assert(
      fc.property(tupleKeys, tupleKeys, tupleKeys, (x, y, z) => {
        const [a, b, c] = [tuplesOf(x), tuplesOf(y), tuplesOf(z)];
        const all = tuplesOf([...x, ...y, ...z]);
        assert.deepEqual(mergedTuples(mergedTuples(a, b), c), all);
        assert.deepEqual(mergedTuples(a, mergedTuples(b, c)), all);
        assert.deepEqual(mergedTuples(mergedTuples(c, b), a), all);
      }),
    );
  });

  it('stay as they are beside none', () => {
    const tuples = tuplesOf([tupleTo(1), tupleTo(2)]);
    assert.deepEqual(mergedTuples(tuples, NO_TUPLES), tuples);
    assert.deepEqual(mergedTuples(NO_TUPLES, tuples), tuples);
    assert.equal(countOf(mergedTuples(NO_TUPLES, NO_TUPLES)), 0);
    assert.equal(countOf(sortedTuples(NO_TUPLES)), 0);
  });

  it('leave what they are merged from as it was', () => {
    const [a, b] = [tuplesOf([tupleTo(1), tupleTo(2)]), tuplesOf([tupleTo(2), tupleTo(3)])];
    const before = [a.slice(), b.slice()];
    mergedTuples(a, b);
    assert.deepEqual([a, b], before);
  });
});

describe('more five-tuples than are kept', () => {
  /** Remote addresses `first`, `first + step`, …, in falling order. */
  const many = (count: number, first: number, step: number) => {
    const words = new Uint32Array(count * TUPLE_WORDS);
    const one = wordsOf([tupleTo(0)]);
    for (let i = 0; i < count; i++) {
      words.set(one, i * TUPLE_WORDS);
      words[i * TUPLE_WORDS + 5] = first + step * (count - 1 - i);
    }
    return sortedTuples(words);
  };
  const a = many(MAX_TUPLES + 1000, 0, 3);
  const b = many(MAX_TUPLES - 1, 1, 2);
  const c = many(5000, 0, 2);

  it('are the first ones in order', () => {
    assert.equal(countOf(a), MAX_TUPLES);
    assert.equal(tupleAt(a, MAX_TUPLES - 1).remote[0], 3 * (MAX_TUPLES - 1));
    const both = mergedTuples(a, b);
    assert.equal(countOf(both), MAX_TUPLES);
    const numbers = new Set<number>();
    for (let i = 0; i < MAX_TUPLES; i++) numbers.add(3 * i).add(2 * i + 1);
    const expected = [...numbers].sort((x, y) => x - y).slice(0, MAX_TUPLES);
    const kept = expected.map((_, i) => both[i * TUPLE_WORDS + 5]);
    assert.ok(kept.every((remote, i) => remote === expected[i]));
  });

  it('merge to the same in any order, records included', () => {
    const merged = mergedTuples(mergedTuples(a, b), c);
    const same = (other: FiveTuples) => Buffer.compare(bytesOf(merged), bytesOf(other)) === 0;
    assert.ok(same(mergedTuples(a, mergedTuples(b, c))));
    assert.ok(same(mergedTuples(mergedTuples(c, b), a)));
    assert.ok(same(mergedTuples(b, mergedTuples(c, a))));
    assert.equal(tupleAt(merged, 0).records, 2);
  });

  it('count a record more of the last one that is kept, and none of the one behind it', () => {
    const last = tupleAt(a, MAX_TUPLES - 1).remote[0];
    const more = mergedTuples(a, tuplesOf([tupleTo(last), tupleTo(last + 3)]));
    assert.equal(countOf(more), MAX_TUPLES);
    assert.deepEqual(
      [tupleAt(more, MAX_TUPLES - 1).remote[0], tupleAt(more, MAX_TUPLES - 1).records],
      [last, 2],
    );
  });
});

function bytesOf({ buffer, byteOffset, byteLength }: FiveTuples): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
