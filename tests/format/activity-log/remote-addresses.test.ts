import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { BlockFormatError } from '../../../shared/format/activity-log/layout.ts';
import {
  type RemoteAddresses,
  decodeRemoteAddresses,
  encodeRemoteAddresses,
  unionOf,
} from '../../../shared/format/activity-log/remote-addresses.ts';

const word = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 2, 0xffff_ffff));

/** From lists of words in any order, repeated or not: the plain way. */
function addresses(ipv4: readonly number[], ipv6: readonly number[][]): RemoteAddresses {
  const distinct = new Map(ipv6.map((words) => [words.join(), words]));
  const order = (a: number[], b: number[]) => {
    const i = a.findIndex((value, at) => value !== b[at]);
    return i < 0 ? 0 : a[i]! - b[i]!;
  };
  return {
    ipv4: Uint32Array.from(new Set(ipv4)).sort(),
    ipv6: Uint32Array.from([...distinct.values()].sort(order).flat()),
  };
}

const someAddresses = fc.tuple(
  fc.array(word, { maxLength: 30 }),
  fc.array(fc.tuple(word, word, word, word), { maxLength: 10 }),
);

describe('remote addresses', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(someAddresses, ([ipv4, ipv6]) => {
        const set = addresses(ipv4, ipv6);
        assert.deepEqual(decodeRemoteAddresses(encodeRemoteAddresses(set)), set);
      }),
    );
  });

  it('are joined as sets are', () => {
    fc.assert(
      fc.property(someAddresses, someAddresses, ([ipv4, ipv6], [more4, more6]) => {
        const all = addresses([...ipv4, ...more4], [...ipv6, ...more6]);
        assert.deepEqual(unionOf(addresses(ipv4, ipv6), addresses(more4, more6)), all);
      }),
    );
  });

  it('are refused out of order, twice, or beyond 32 bits', () => {
    const bytes = (...list: number[]) => Uint8Array.from(list);
    assert.deepEqual([...decodeRemoteAddresses(bytes(2, 0, 1, 0)).ipv4], [0, 1]);
    assert.throws(() => decodeRemoteAddresses(bytes(2, 5, 0, 0)), /not distinct and in order/);
    const beyond = bytes(1, 0x80, 0x80, 0x80, 0x80, 0x10, 0);
    assert.throws(() => decodeRemoteAddresses(beyond), /exceeds 32 bits/);
    const one = [...new Uint8Array(15), 1];
    const two = [...new Uint8Array(15), 2];
    assert.equal(decodeRemoteAddresses(bytes(0, 2, ...one, ...two)).ipv6.length, 8);
    for (const list of [
      [...two, ...one],
      [...one, ...one],
    ]) {
      assert.throws(() => decodeRemoteAddresses(bytes(0, 2, ...list)), BlockFormatError);
    }
  });

  it('reserve nothing for more than the bytes hold', () => {
    const huge = [0xff, 0xff, 0xff, 0xff, 0x7f];
    assert.throws(() => decodeRemoteAddresses(Uint8Array.from(huge)), /do not fit/);
    assert.throws(() => decodeRemoteAddresses(Uint8Array.from([0, ...huge])), /do not fit/);
  });
});
