import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { MAX_TUPLES, TUPLE_WORDS } from '../../../shared/domain/window/five-tuples.ts';
import { BlockFormatError } from '../../../shared/format/activity-log/layout.ts';
import { ByteWriter } from '../../../shared/format/activity-log/byte-writer.ts';
import { decodeChunk, encodeChunk } from '../../../shared/format/run/chunk.ts';
import { RunFormatError } from '../../../shared/format/run/layout.ts';
import { RunReader } from '../../../shared/format/run/read-run.ts';
import { activityOf, tupleTo, tuplesOf } from '../../domain/window/tuples.ts';
import { devices, runOf } from './runs.ts';

const isRefusal = (error: unknown) =>
  error instanceof RunFormatError || error instanceof BlockFormatError;
const refused = (bytes: Uint8Array, reason?: RegExp) =>
  assert.throws(
    () => decodeChunk(bytes),
    (error) => isRefusal(error) && (reason?.test((error as Error).message) ?? true),
  );

/** A chunk of one device `a` with these lists and numbers: seen, deleted, messages, twins, tuples of it, tuples in all. */
function chunkOf(json: unknown, numbers: readonly number[], behind: readonly number[] = []) {
  const text = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  const out = new ByteWriter();
  out.varint(text.length);
  out.raw(text);
  for (const number of numbers) out.varint(number);
  out.raw(Uint8Array.from(behind));
  return out.written();
}
const ONE = { groups: ['default'], devices: [['a', 0]] };

describe('a chunk of a run', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(devices, (devices) => {
        assert.deepEqual(decodeChunk(encodeChunk(devices)), devices);
      }),
    );
  });

  it('holds the largest device', () => {
    const words = new Uint32Array(MAX_TUPLES * TUPLE_WORDS);
    for (let i = 0; i < MAX_TUPLES; i++) {
      words[i * TUPLE_WORDS + 5] = i;
      words[i * TUPLE_WORDS + 10] = 0xffff_ffff;
    }
    const [device] = decodeChunk(encodeChunk([activityOf({ tuples: words })]));
    assert.ok(Buffer.from(device!.tuples.buffer).equals(Buffer.from(words.buffer)));
  });

  it('is refused when cut at any byte, and with bytes behind it', () => {
    const bytes = encodeChunk([
      activityOf({ seen: { first: 5, last: 9 }, tuples: tuplesOf([tupleTo(1), tupleTo(2)]) }),
    ]);
    for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length));
    refused(Buffer.concat([bytes, Uint8Array.of(0)]), /behind the last column/);
  });

  it('is refused or read, never a crash, when bytes of it differ', () => {
    fc.assert(
      fc.property(devices, fc.array(fc.tuple(fc.nat(), fc.nat(255))), (devices, changes) => {
        const bytes = encodeChunk(devices);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          decodeChunk(bytes);
        } catch (error) {
          if (!isRefusal(error)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is refused when a count promises more than the bytes hold', () => {
    refused(chunkOf(ONE, [0, 0, 0, 0, 2 ** 40, 2 ** 40]), /do not fit/);
    refused(chunkOf(ONE, [0, 0, 0, 0, 1, 0]), /do not own/);
    refused(
      chunkOf(
        ONE,
        [0, 0, 0, 0, 0, 1],
        Array.from({ length: 41 }, () => 0),
      ),
      /do not own/,
    );
    const text = new ByteWriter();
    text.varint(2 ** 50);
    refused(text.written(), /bytes expected/);
  });

  it('is refused when a device has more tuples than any may have, or no group', () => {
    const count = MAX_TUPLES + 1;
    const columns = new Uint8Array(count * 41);
    refused(Buffer.concat([chunkOf(ONE, [0, 0, 0, 0, count, count]), columns]), /device 0 has/);
    refused(chunkOf({ ...ONE, groups: [] }, [0, 0, 0, 0, 0, 0]), /a group that is not there/);
  });

  it('is refused when a tuple has more records than a word counts', () => {
    const key = Array.from({ length: 40 }, () => 0);
    const records = [0x80, 0x80, 0x80, 0x80, 0x10]; // 2^32
    refused(chunkOf(ONE, [0, 0, 0, 0, 1, 1], [...key, ...records]), /records/);
  });

  it('is refused when its lists are not lists of texts and places', () => {
    const lists: readonly unknown[] = [
      'no JSON',
      null,
      [],
      {},
      { groups: [], devices: {} },
      { groups: [1], devices: [] },
      { groups: ['default'], devices: ['a'] },
      { groups: ['default'], devices: [[1, 0]] },
      { groups: ['default'], devices: [['a', -1]] },
      { groups: ['default'], devices: [['a', 0.5]] },
      { groups: ['default'], devices: [['a', '0']] },
    ];
    for (const list of lists) refused(chunkOf(list, [0, 0, 0, 0, 0, 0]), /lists/);
  });
});

describe('a chunk within a run', () => {
  it('is refused as the run is, when its bytes do not unpack or unpack to something else', () => {
    const head = runOf([]).subarray(0, -8);
    for (const packed of [Uint8Array.of(1, 2, 3), codec.compress(Uint8Array.of(1, 2, 3))]) {
      const prefix = Buffer.alloc(8);
      prefix.writeUInt32LE(packed.length, 0);
      prefix.writeUInt32LE(codec.crc32(packed), 4);
      const reader = new RunReader(codec);
      assert.throws(() => reader.push(Buffer.concat([head, prefix, packed])), RunFormatError);
    }
  });
});
