import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { hashBody } from '../../../shared/pipeline/ingest/body-hash.ts';

const hashed = (deviceId: string, body: Uint8Array) => {
  const into = { low: 0, high: 0 };
  hashBody(deviceId, body, into);
  return into;
};

describe('the hash of a body', () => {
  it('is the first eight bytes of SHA-256 over device, NUL and body, as two little-endian words', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      // Beyond the scratch buffer, and back.
      fc.constantFrom(new Uint8Array(8191), new Uint8Array(8192), new Uint8Array(300_000)),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 130 }), body, (deviceId, bytes) => {
        const digest = createHash('sha256').update(deviceId).update('\0').update(bytes).digest();
        assert.deepEqual(hashed(deviceId, bytes), {
          low: digest.readUInt32LE(0),
          high: digest.readUInt32LE(4),
        });
      }),
      { numRuns: 150 },
    );
  });

  it('tells apart where the device ends and the body begins', () => {
    assert.notDeepEqual(hashed('ab', Buffer.from('c')), hashed('a', Buffer.from('bc')));
    assert.notDeepEqual(hashed('a', Buffer.alloc(0)), hashed('a', Buffer.alloc(1)));
  });
});
