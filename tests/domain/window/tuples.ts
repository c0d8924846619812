// Five-tuples and activities for the tests: a tuple as a plain value, lists of them, and what a naive map makes of them.
import * as fc from 'fast-check';
import type { DeviceActivity } from '../../../shared/domain/window/device-activity.ts';
import {
  type FiveTuple,
  type FiveTuples,
  TUPLE_WORDS,
  setTuple,
  sortedTuples,
} from '../../../shared/domain/window/five-tuples.ts';

export type TupleKey = Omit<FiveTuple, 'records'>;

/** Words of the keys as they come, once each: neither sorted nor joined. */
export function wordsOf(keys: readonly TupleKey[]): Uint32Array {
  const words = new Uint32Array(keys.length * TUPLE_WORDS);
  for (const [i, { family, protocol, local, remote, localPort, remotePort }] of keys.entries()) {
    const [from, to] = [Uint32Array.from(local), Uint32Array.from(remote)];
    const ports = localPort * 65_536 + remotePort;
    setTuple(words, i * TUPLE_WORDS, family, protocol, from, to, 0, ports);
  }
  return words;
}

export function tuplesOf(keys: readonly TupleKey[]): FiveTuples {
  return sortedTuples(wordsOf(keys));
}

/** IPv4, protocol 6, from 10.0.0.1:50000 to that address and port. */
export function tupleTo(remote: number, remotePort = 443): TupleKey {
  return {
    family: 4,
    protocol: 6,
    local: [0x0a00_0001, 0, 0, 0],
    remote: [remote, 0, 0, 0],
    localPort: 50_000,
    remotePort,
  };
}

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });

const word = fc.constantFrom(0, 1, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
const port = fc.constantFrom(0, 1, 443, 65_535);
const ipv6Words = fc.tuple(word, word, word, word);
/** An IPv4 address in IPv6 clothes is another address than the IPv4 one: as the device reported it. */
const mapped = word.map((w): [number, number, number, number] => [0, 0, 0xffff, w]);

export const tupleKey: fc.Arbitrary<TupleKey> = fc.constantFrom(4, 6).chain((family) => {
  const words =
    family === 4
      ? word.map((w): [number, number, number, number] => [w, 0, 0, 0])
      : fc.oneof(ipv6Words, mapped);
  return record({
    family: fc.constant(family),
    protocol: fc.constantFrom(-128, -1, 0, 6, 17, 127),
    local: words,
    remote: words,
    localPort: port,
    remotePort: port,
  });
});
export const tupleKeys = fc.array(tupleKey, { maxLength: 30 });

const time = fc.integer({ min: 1_787_400_000_000, max: 1_787_400_000_020 });
const count = fc.oneof(fc.nat(5), fc.constantFrom(127, 128, 2 ** 31, 2 ** 40));

/** Of few devices, at few instants, so that they meet. */
export const activity: fc.Arbitrary<DeviceActivity> = record({
  deviceId: fc.constantFrom('a', 'b', 'B', 'ä', '\ud800', '__proto__'),
  securityGroup: fc.constantFrom('default', 'pumps', 'Gerät'),
  seen: fc.option(fc.tuple(time, time)).map((pair) => {
    if (pair === null) return null;
    return { first: Math.min(...pair), last: Math.max(...pair) };
  }),
  deletedAt: fc.option(time),
  messages: count,
  twinUpdates: count,
  tuples: tupleKeys.map(tuplesOf),
});

/** A device of which only these fields matter. */
export function activityOf(fields: Partial<DeviceActivity> = {}): DeviceActivity {
  return {
    deviceId: 'device-1',
    securityGroup: 'default',
    seen: null,
    deletedAt: null,
    messages: 0,
    twinUpdates: 0,
    tuples: new Uint32Array(0),
    ...fields,
  };
}
