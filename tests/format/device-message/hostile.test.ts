import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import { MAX_BODY_BYTES } from '../../../shared/format/device-message/body-reader.ts';
import { decodeMessage } from '../../../shared/format/device-message/decode-message.ts';
import {
  newMessageFacts,
  readConnections,
} from '../../../shared/format/device-message/read-connections.ts';
import { SAMPLES, VALID, sample } from './support/corpus.ts';
import { rowsIn, rowsOf } from './support/rows.ts';

const table = new ConnectionTable();
const facts = newMessageFacts();

/** Both decoders say the same of a body, leave nothing behind when they refuse it, and keep inside the body. */
function agreeOn(body: Uint8Array): string | null {
  const decoded = decodeMessage(body);
  const before = 2;
  table.count = before;
  const refused = readConnections(body, table, facts);
  if ('refused' in decoded) {
    assert.equal(refused, decoded.refused);
    assert.equal(table.count, before);
    assert.deepEqual(facts, newMessageFacts());
    return refused;
  }
  assert.equal(refused, null);
  assert.deepEqual(rowsOf(table, before), rowsIn(decoded.message));
  assert.equal(facts.events, decoded.message.events.length);
  return null;
}

const SMALL = SAMPLES.filter(({ body }) => body.length > 0 && body.length < 8000);

describe('a body cut short', () => {
  for (const { name, body } of VALID.filter(({ body }) => body.length < 2500)) {
    it(`${name} is judged alike by both decoders at every length`, () => {
      // Whole words of padding may follow the last vtable or string; anything more is missed.
      for (let length = 0; length < body.length; length++) {
        const refused = agreeOn(body.slice(0, length));
        if (length < body.length - 4) assert.notEqual(refused, null, `cut to ${length}`);
      }
    });
  }
});

describe('a body with wrong bits', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 3 });

  it('is judged alike by both decoders', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SMALL), flips, ({ body }, bits) => {
        const flipped = body.slice();
        for (const [at, bit] of bits) flipped[at % body.length]! ^= 1 << bit;
        agreeOn(flipped);
      }),
      { numRuns: 1500 },
    );
  });

  it('is judged alike by both decoders, each byte of a message in turn', () => {
    const body = sample('bld-net-process-fields');
    for (let at = 0; at < body.length; at++) {
      for (const bits of [0x01, 0x04, 0x80, 0xff]) {
        body[at]! ^= bits;
        agreeOn(body);
        body[at]! ^= bits;
      }
    }
  });
});

describe('a body with wild numbers', () => {
  const wild = fc.constantFrom(
    0,
    1,
    2,
    4,
    0xff,
    0xffff,
    0x3fff_ffff,
    0x4000_0001,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_0000,
    0xffff_fffc,
    0xffff_ffff,
  );

  it('is judged alike by both decoders', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SMALL), fc.nat(), wild, ({ body }, at, number) => {
        const changed = body.slice();
        if (body.length < 4) return;
        const place = Math.min((at % body.length) & ~1, body.length - 4);
        new DataView(changed.buffer).setUint32(place, number, true);
        agreeOn(changed);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a body put together from others', () => {
  it('is judged alike by both decoders', () => {
    const part = fc.tuple(fc.constantFrom(...SMALL), fc.nat(), fc.nat());
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 4 }), (parts) => {
        const pieces = parts.map(([{ body }, from, length], i) => {
          const start = i === 0 ? 0 : from % body.length;
          return body.subarray(start, start + (length % body.length) + 1);
        });
        agreeOn(Uint8Array.from(pieces.flatMap((piece) => [...piece])));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('random bytes', () => {
  it('are judged alike by both decoders', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (body) => void agreeOn(body)),
      { numRuns: 2000 },
    );
  });

  it('are judged alike by both decoders behind a sound start', () => {
    const start = sample('dev-00-00').subarray(0, 96);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        agreeOn(Uint8Array.from([...start, ...tail]));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a body of any other kind', () => {
  it('that begins with { is legacy JSON, however long', () => {
    for (const text of ['{', '{}', `{${' '.repeat(MAX_BODY_BYTES)}`]) {
      assert.equal(agreeOn(new TextEncoder().encode(text)), 'legacyJson');
    }
  });

  it('that is longer than IoT Hub allows is refused unread', () => {
    assert.equal(agreeOn(new Uint8Array(MAX_BODY_BYTES + 1)), 'tooLong');
    const full = new Uint8Array(MAX_BODY_BYTES);
    full.set(sample('dev-00-00'));
    assert.equal(agreeOn(full), null);
  });

  it('that follows a longer one does not see what that one left', () => {
    const body = sample('ser-typical-10conn');
    assert.equal(agreeOn(body), null);
    assert.equal(agreeOn(body.subarray(0, body.length - 8)), 'truncated');
    assert.equal(agreeOn(new Uint8Array(8)), 'truncated');
  });
});
