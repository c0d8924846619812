// A reader written from docs/runs.md alone, slow and plain: what it needs and does not find there is missing there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32, zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { formatAddress } from '../../../shared/domain/address/address.ts';
import type { DeviceActivity } from '../../../shared/domain/window/device-activity.ts';
import { countOf, tupleAt } from '../../../shared/domain/window/five-tuples.ts';
import { activityOf, tupleTo, tuplesOf } from '../../domain/window/tuples.ts';
import { HEADER, devices, runOf } from './runs.ts';

class Bytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    assert.ok(length <= this.left);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u16 = () => this.take(2).readUInt16LE();
  u32 = () => this.take(4).readUInt32LE();

  varint(): bigint {
    const [byte] = this.take(1);
    const low = BigInt(byte! & 127);
    return byte! < 128 ? low : low + 128n * this.varint();
  }

  zigzag(): bigint {
    const value = this.varint();
    return value % 2n === 0n ? value / 2n : -(value + 1n) / 2n;
  }
}

/** A device as plain values: [id, group, seen, deleted at, messages, twin updates, tuples]. */
function secondReader(file: Uint8Array): { header: unknown; devices: unknown[] } {
  const bytes = new Bytes(file);
  assert.equal(bytes.take(4).toString(), 'TWR1');
  assert.deepEqual([bytes.u16(), bytes.u16()], [1, 0]);
  const [headerLength, headerCrc] = [bytes.u32(), bytes.u32()];
  const header = bytes.take(headerLength);
  assert.equal(crc32(header), headerCrc);
  const devices: unknown[] = [];
  for (let length = bytes.u32(); length !== 0; length = bytes.u32()) {
    const crc = bytes.u32();
    const packed = bytes.take(length);
    assert.equal(crc32(packed), crc);
    devices.push(...devicesOf(new Bytes(zstdDecompressSync(packed))));
  }
  assert.equal(bytes.u32(), devices.length);
  assert.equal(bytes.left, 0);
  return { header: JSON.parse(header.toString('latin1')), devices };
}

function devicesOf(bytes: Bytes): unknown[] {
  const lists = JSON.parse(bytes.take(Number(bytes.varint())).toString('latin1')) as {
    groups: string[];
    devices: [string, number][];
  };
  const spans = lists.devices.map(() => bytes.varint());
  let before = 0n;
  const seen = spans.map((span) => {
    if (span === 0n) return null;
    before += bytes.zigzag();
    return [Number(before), Number(before + span - 1n)];
  });
  const deleted = lists.devices.map(() => bytes.take(1)[0]);
  const deletedAt = deleted.map((one) => (one === 1 ? Number(bytes.zigzag()) : null));
  const [messages, twins, owned] = [0, 1, 2].map(() =>
    lists.devices.map(() => Number(bytes.varint())),
  ) as [number[], number[], number[]];
  const total = Number(bytes.varint());
  const keys = Array.from({ length: 10 }, () => Array.from({ length: total }, bytes.u32));
  const records = Array.from({ length: total }, () => Number(bytes.varint()));
  assert.equal(bytes.left, 0);
  let next = 0;
  return lists.devices.map(([id, group], i) => {
    const tuples = Array.from({ length: owned[i]! }, () => {
      const tuple = next++;
      const words = keys.map((column) => column[tuple]!);
      return [...keyOf(words), records[tuple]];
    });
    return [id, lists.groups[group], seen[i], deletedAt[i], messages[i], twins[i], tuples];
  });
}

function keyOf(words: readonly number[]): unknown[] {
  const family = Math.floor(words[0]! / 256);
  const protocol = words[0]! % 256;
  const address = (from: number) => {
    if (family === 4) {
      assert.deepEqual(words.slice(from + 1, from + 4), [0, 0, 0]);
      return [24, 16, 8, 0].map((shift) => (words[from]! >>> shift) & 255).join('.');
    }
    return words
      .slice(from, from + 4)
      .flatMap((word) => [Math.floor(word / 65_536), word % 65_536])
      .join(':');
  };
  const [local, remote] = [address(1), address(5)];
  const ports = [Math.floor(words[9]! / 65_536), words[9]! % 65_536];
  return [family, protocol >= 128 ? protocol - 256 : protocol, local, remote, ...ports];
}

/** The same of the activity that was written. */
function ours(device: DeviceActivity): unknown[] {
  const { deviceId, securityGroup, seen, deletedAt, messages, twinUpdates } = device;
  const tuples = Array.from({ length: countOf(device.tuples) }, (_, i) => {
    const { family, protocol, local, remote, localPort, remotePort, records } = tupleAt(
      device.tuples,
      i,
    );
    const address = (words: typeof local) =>
      family === 4
        ? formatAddress({ family, words })
        : words.flatMap((word) => [word >>> 16, word & 0xffff]).join(':');
    return [family, protocol, address(local), address(remote), localPort, remotePort, records];
  });
  const times = seen === null ? null : [seen.first, seen.last];
  return [deviceId, securityGroup, times, deletedAt, messages, twinUpdates, tuples];
}

describe('a second reader, from the page that describes the format', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(devices, (devices) => {
        assert.deepEqual(secondReader(runOf(devices)).devices, devices.map(ours));
      }),
    );
  });

  it('reads the header', () => {
    assert.deepEqual(secondReader(runOf([])).header, {
      ...HEADER,
      piece: { start: '2026-08-22T12:00:00.000Z', end: '2026-08-22T12:05:00.000Z' },
      sliceEnd: '2026-08-22T12:05:00.000Z',
    });
    const known = secondReader(runOf([], { piece: null, position: null })).header;
    assert.deepEqual(
      [(known as typeof HEADER).piece, (known as typeof HEADER).position],
      [null, null],
    );
  });

  it('reads many chunks', () => {
    const many = Array.from({ length: 3000 }, (_, i) =>
      activityOf({ deviceId: String(10_000 + i), tuples: tuplesOf([tupleTo(i), tupleTo(i + 1)]) }),
    );
    assert.deepEqual(secondReader(runOf(many)).devices, many.map(ours));
  });
});
