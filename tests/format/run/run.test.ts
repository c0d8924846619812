import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import {
  CHUNK_PREFIX_BYTES,
  MAX_CHUNK_BYTES,
  MAX_HEADER_BYTES,
  PREFIX_BYTES,
  RunFormatError,
} from '../../../shared/format/run/layout.ts';
import { RunReader } from '../../../shared/format/run/read-run.ts';
import { RunWriter } from '../../../shared/format/run/write-run.ts';
import { activityOf, tupleTo, tuplesOf } from '../../domain/window/tuples.ts';
import { HEADER, devices, readWhole, runOf } from './runs.ts';

const named = (...ids: readonly string[]) => ids.map((deviceId) => activityOf({ deviceId }));
const TWO = [
  activityOf({ deviceId: 'a', seen: { first: 5, last: 9 }, tuples: tuplesOf([tupleTo(1)]) }),
  activityOf({ deviceId: 'b', securityGroup: 'pumps', deletedAt: 7, messages: 300 }),
];
const numbered = (i: number) => `device-${String(i).padStart(7, '0')}`;
const refused = (bytes: Uint8Array, reason?: RegExp) =>
  assert.throws(
    () => readWhole(bytes),
    (error) => error instanceof RunFormatError && (reason?.test(error.message) ?? true),
  );
const altered = (bytes: Uint8Array, change: (view: DataView) => void) => {
  const copy = bytes.slice();
  change(new DataView(copy.buffer));
  return copy;
};

describe('a run', () => {
  it('comes back as it was written, in pieces of whatever size', () => {
    fc.assert(
      fc.property(devices, fc.integer({ min: 1, max: 300 }), (devices, pieceBytes) => {
        const bytes = runOf(devices);
        assert.deepEqual(readWhole(bytes, pieceBytes), { header: HEADER, devices });
        assert.deepEqual(readWhole(bytes), { header: HEADER, devices });
      }),
    );
  });

  it('may hold no device, no piece of time and no position', () => {
    const header = { piece: null, position: null, stream: 'Gerät"\\\n', groupsRevision: 0 };
    assert.deepEqual(readWhole(runOf([], header)), {
      header: { ...HEADER, ...header },
      devices: [],
    });
  });

  it('of many devices comes in chunks, each as soon as it is full', () => {
    const many = Array.from({ length: 5000 }, (_, i) => activityOf({ deviceId: numbered(i) }));
    const writer = new RunWriter(codec);
    const chunks = many.filter((device) => writer.add(device) !== null).length;
    assert.equal(chunks, 2);
    assert.deepEqual(readWhole(runOf(many), 1000).devices, many);
  });

  it('of devices with many connections comes in chunks of at most so many words', () => {
    const keys = Array.from({ length: 30_000 }, (_, i) => tupleTo(i));
    const tuples = tuplesOf(keys);
    const writer = new RunWriter(codec);
    const full = Array.from({ length: 6 }, (_, i) =>
      writer.add(activityOf({ deviceId: numbered(i), tuples })),
    ).map((bytes) => bytes !== null);
    assert.deepEqual(full, [false, true, false, true, false, true]);
  });

  it('gives its header and the devices of a chunk as soon as their bytes have come', () => {
    const many = Array.from({ length: 2049 }, (_, i) => activityOf({ deviceId: numbered(i) }));
    const bytes = runOf(many);
    const headerEnd = PREFIX_BYTES + new DataView(bytes.slice().buffer).getUint32(8, true);
    const reader = new RunReader(codec);
    reader.push(bytes.subarray(0, headerEnd - 1));
    assert.equal(reader.header, null);
    assert.deepEqual(reader.push(bytes.subarray(headerEnd - 1, headerEnd)), []);
    assert.deepEqual(reader.header, HEADER);
    const length = new DataView(bytes.slice().buffer).getUint32(headerEnd, true);
    const chunkEnd = headerEnd + CHUNK_PREFIX_BYTES + length;
    assert.equal(reader.push(bytes.subarray(headerEnd, chunkEnd)).length, 2048);
    assert.equal(reader.push(bytes.subarray(chunkEnd)).length, 1);
    reader.end();
  });

  it('is the same bytes for the same devices', () => {
    assert.deepEqual(runOf(TWO), runOf(TWO));
  });
});

describe('a damaged run', () => {
  const bytes = runOf(TWO);
  const headerEnd = PREFIX_BYTES + new DataView(bytes.slice().buffer).getUint32(8, true);

  it('is refused when cut at any byte, whatever the pieces', () => {
    for (let length = 0; length < bytes.length; length++) {
      refused(bytes.subarray(0, length), /bytes end before/);
    }
    const reader = new RunReader(codec);
    for (const byte of bytes.subarray(0, -1)) reader.push(Uint8Array.of(byte));
    assert.throws(() => reader.end(), RunFormatError);
  });

  it('is refused when any bit differs, save in the flags', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      if (bit >= 6 * 8 && bit < 8 * 8) continue;
      refused(
        altered(bytes, (view) => view.setUint8(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)))),
      );
    }
  });

  it('is refused with bytes behind it, in the same piece or in a later one', () => {
    refused(Buffer.concat([bytes, Uint8Array.of(0)]), /behind the run/);
    const reader = new RunReader(codec);
    reader.push(bytes);
    reader.push(new Uint8Array(0));
    assert.throws(() => reader.push(Uint8Array.of(0)), RunFormatError);
  });

  it('is refused with another magic, version or length before anything is waited for', () => {
    const prefix = bytes.subarray(0, PREFIX_BYTES);
    const cases: readonly [(view: DataView) => void, RegExp][] = [
      [(view) => view.setUint32(0, 0x31425754, true), /magic/],
      [(view) => view.setUint16(4, 2, true), /unknown version 2/],
      [(view) => view.setUint16(4, 0, true), /unknown version 0/],
      [(view) => view.setUint32(8, MAX_HEADER_BYTES + 1, true), /header of 65537 bytes/],
    ];
    for (const [change, reason] of cases) refused(altered(prefix, change), reason);
    const chunk = bytes.subarray(0, headerEnd + CHUNK_PREFIX_BYTES);
    const long = (view: DataView) => view.setUint32(headerEnd, MAX_CHUNK_BYTES + 1, true);
    refused(altered(chunk, long), /chunk of \d+ bytes/);
  });

  it('is refused when its devices do not ascend, within a chunk or across two', () => {
    refused(runOf(named('b', 'a')), /ascend/);
    refused(runOf(named('a', 'a')), /ascend/);
    const many = Array.from({ length: 2048 }, (_, i) => activityOf({ deviceId: numbered(i) }));
    refused(runOf([...many, activityOf({ deviceId: numbered(2047) })]), /ascend/);
    refused(runOf([...many, activityOf({ deviceId: '' })]), /ascend/);
    assert.equal(readWhole(runOf(named('B', 'a', '\ud83d\udca1', '\uff5e'))).devices.length, 4);
  });

  it('is refused when another number of devices was promised', () => {
    const end = bytes.length - 4;
    refused(
      altered(bytes, (view) => view.setUint32(end, 3, true)),
      /3 devices were promised, 2/,
    );
  });

  it('is refused when its header is JSON but not what a header is', () => {
    const headers: readonly unknown[] = [
      null,
      [],
      'text',
      {},
      { ...HEADER, stream: 1 },
      { ...HEADER, partition: null },
      { ...HEADER, groupsRevision: -1 },
      { ...HEADER, groupsRevision: 1.5 },
      { ...HEADER, sliceEnd: 5 },
      { ...HEADER, sliceEnd: 'yesterday' },
      { ...HEADER, sliceEnd: '2026-08-22T12:00:00Z', piece: {} },
      { ...HEADER, sliceEnd: '2026-08-22T12:00:00Z', piece: undefined },
      { ...HEADER, sliceEnd: '2026-08-22T12:00:00Z', piece: null, position: { epoch: 1 } },
      { ...HEADER, sliceEnd: '2026-08-22T12:00:00Z', piece: null, position: 7 },
    ];
    for (const header of headers) {
      const text = Buffer.from(JSON.stringify(header));
      const prefix = altered(bytes.subarray(0, PREFIX_BYTES), (view) => {
        view.setUint32(8, text.length, true);
        view.setUint32(12, codec.crc32(text), true);
      });
      refused(Buffer.concat([prefix, text]), /header of the run|header of a run/);
    }
  });
});
