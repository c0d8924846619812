import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ByteReader } from '../../../shared/format/activity-log/byte-reader.ts';
import { ByteWriter } from '../../../shared/format/activity-log/byte-writer.ts';
import { BlockFormatError } from '../../../shared/format/activity-log/layout.ts';

const unsigned = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
);

describe('a varint', () => {
  it('comes back, whatever its size', () => {
    fc.assert(
      fc.property(fc.array(unsigned), (values) => {
        const out = new ByteWriter(1);
        for (const value of values) out.varint(value);
        const input = new ByteReader(out.written());
        assert.deepEqual(
          values.map(() => input.varint()),
          values,
        );
        assert.equal(input.remaining, 0);
      }),
    );
  });

  it('takes a byte for each seven bits', () => {
    for (const [value, bytes] of [
      [0, 1],
      [127, 1],
      [128, 2],
      [2 ** 14, 3],
      [2 ** 49 - 1, 7],
      [Number.MAX_SAFE_INTEGER, 8],
    ] as const) {
      const out = new ByteWriter();
      out.varint(value);
      assert.equal(out.length, bytes, String(value));
    }
  });

  it('is refused when it does not end, or is larger than an exact number', () => {
    const read = (...bytes: number[]) => new ByteReader(Uint8Array.from(bytes)).varint();
    assert.throws(() => read(...Array<number>(9).fill(0x80)), /longer than eight bytes/);
    assert.throws(() => read(...Array<number>(7).fill(0xff), 0x10), /exceeds 2\^53/);
    assert.equal(read(...Array<number>(7).fill(0xff), 0x0f), Number.MAX_SAFE_INTEGER);
    assert.throws(() => read(0x80), BlockFormatError);
  });
});

describe('a signed number', () => {
  const magnitude = 2 ** 52 - 1;
  it('comes back, small ones in one byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: -magnitude, max: magnitude }), (value) => {
        const out = new ByteWriter();
        out.zigzag(value);
        assert.equal(new ByteReader(out.written()).zigzag(), value);
        assert.ok(value < -64 || value > 63 || out.length === 1);
      }),
    );
  });
});

describe('reading past the end', () => {
  it('is refused for every kind of field', () => {
    const one = () => new ByteReader(Uint8Array.of(200));
    for (const read of [
      () => new ByteReader(new Uint8Array()).u8(),
      () => one().u16(),
      () => one().u32(),
      () => one().varint(),
      () => one().raw(2),
      () => one().raw(Number.MAX_SAFE_INTEGER),
    ]) {
      assert.throws(read, BlockFormatError);
    }
    assert.deepEqual([...one().raw(1)], [200]);
  });

  it('is seen before anything is reserved for a count', () => {
    const input = (count: number) => new ByteReader(Uint8Array.of(count, 1, 2, 3, 4));
    assert.equal(input(2).count(2), 2);
    assert.throws(() => input(3).count(2), /3 entries do not fit into 4 bytes/);
  });
});

describe('an index', () => {
  it('lies below the number of entries', () => {
    const input = () => new ByteReader(Uint8Array.of(3));
    assert.equal(input().index(4), 3);
    assert.throws(() => input().index(3), /index 3 points outside 3 entries/);
  });
});
