import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeUtf8 } from '../../../shared/format/device-message/utf8.ts';

const platform = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

function check(bytes: Uint8Array): void {
  assert.equal(decodeUtf8(bytes, 0, bytes.length), platform.decode(bytes));
}

// Bytes on both sides of every boundary of the encoding's tables.
const EDGES = '00 7f 80 8f 90 9f a0 bb bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff'.split(
  ' ',
);
const edge = fc.constantFrom(...EDGES).map((hex) => Number.parseInt(hex, 16));

describe('text from UTF-8', () => {
  it('is what the WHATWG decoder gives, for any bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.array(edge, { maxLength: 12 }).map((list) => Uint8Array.from(list)),
    );
    fc.assert(fc.property(bytes, check), { numRuns: 3000 });
  });

  it('is what the WHATWG decoder gives, for every lead and every pair of edges behind it', () => {
    const followers = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xf4, 0xff];
    for (let lead = 0; lead < 256; lead++) {
      check(Uint8Array.of(lead));
      for (const second of followers) {
        for (const third of followers) {
          check(Uint8Array.of(lead, second, third));
          check(Uint8Array.of(lead, second, third, 0x80, 0x41));
        }
      }
    }
  });

  it('comes back from what was encoded, whatever its length', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 60 }), (piece, times) => {
        const long = piece.repeat(times);
        const bytes = new TextEncoder().encode(long);
        assert.equal(decodeUtf8(bytes, 0, bytes.length), long);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a surrogate pair whole where a chunk ends', () => {
    for (const ascii of [4093, 4094, 4095, 4096]) {
      const text = `${'a'.repeat(ascii)}😀b`;
      const bytes = new TextEncoder().encode(text);
      assert.equal(decodeUtf8(bytes, 0, bytes.length), text);
    }
  });

  it('keeps U+FEFF and NUL', () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x00, 0x41, 0x00);
    assert.equal(decodeUtf8(bytes, 0, 6), '\ufeff\0A\0');
  });

  it('reads no byte outside the range it was given', () => {
    const bytes = Uint8Array.of(0xe2, 0x82, 0xac, 0xe2, 0x82, 0xac);
    assert.equal(decodeUtf8(bytes, 3, 5), '\ufffd');
    assert.equal(decodeUtf8(bytes, 0, 3), '€');
  });
});
