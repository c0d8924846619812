import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  decodeFrames,
  encodeFrame,
  MAX_BODY_BYTES,
  MAX_METADATA_BYTES,
} from '../../../local/hub/event-frame.ts';

const anyEvent = fc.record({
  sequenceNumber: fc.oneof(fc.constant(NaN), fc.nat(), fc.constant(2 ** 52)),
  enqueuedTime: fc.oneof(fc.constant(NaN), fc.nat()),
  metadata: fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer())),
  body: fc.uint8Array({ maxLength: 64 }),
});
type AnyEvent = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never;

const encode = (event: AnyEvent): Buffer =>
  encodeFrame(event.sequenceNumber, event.enqueuedTime, event.metadata, event.body);

describe('event frames', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 5 }), (events) => {
        const decoded = decodeFrames(Buffer.concat(events.map(encode)));
        const expected = events.map((e) => ({
          ...e,
          metadata: JSON.parse(JSON.stringify(e.metadata)) as unknown,
          body: Buffer.from(e.body),
        }));
        assert.deepEqual(decoded, expected);
      }),
    );
  });

  it('are refused when cut at any byte or when any bit is turned', () => {
    const frame = encode({
      sequenceNumber: 7,
      enqueuedTime: 8,
      metadata: { a: 'b' },
      body: Uint8Array.of(1, 2, 3),
    });
    for (let length = 1; length < frame.length; length++) {
      assert.throws(() => decodeFrames(frame.subarray(0, length)), RangeError);
    }
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const turned = Buffer.from(frame);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => decodeFrames(turned), RangeError);
    }
  });

  it('are refused when the metadata is not JSON', () => {
    const frame = encodeFrame(0, 0, 'x', new Uint8Array());
    const metadata = Buffer.from('"x"');
    const broken = Buffer.from(frame);
    broken[frame.indexOf(metadata)] = 0x7b;
    assert.throws(() => decodeFrames(broken), RangeError);
  });

  it('carry a body and properties up to their limits', () => {
    const full = encodeFrame(
      0,
      0,
      'x'.repeat(MAX_METADATA_BYTES - 2),
      Buffer.alloc(MAX_BODY_BYTES),
    );
    assert.equal(decodeFrames(full)[0]?.body.length, MAX_BODY_BYTES);
    assert.throws(() => encodeFrame(0, 0, {}, Buffer.alloc(MAX_BODY_BYTES + 1)), RangeError);
    const long = 'x'.repeat(MAX_METADATA_BYTES);
    assert.throws(() => encodeFrame(0, 0, long, Buffer.alloc(0)), RangeError);
  });
});
