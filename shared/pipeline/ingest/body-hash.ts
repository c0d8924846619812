import { hash } from 'node:crypto';

const ENCODER = new TextEncoder();
let scratch = Buffer.alloc(8192);

export interface BodyHash {
  low: number;
  high: number;
}

/**
 * The first 64 bits of SHA-256(device id, NUL, body), as two unsigned words in `into`. A cryptographic hash, because a
 * device that could make two bodies collide could have the second taken for a repeat.
 */
export function hashBody(deviceId: string, body: Uint8Array, into: BodyHash): void {
  const needed = deviceId.length * 3 + 1 + body.length;
  if (scratch.length < needed) scratch = Buffer.alloc(needed * 2);
  const { written } = ENCODER.encodeInto(deviceId, scratch);
  scratch[written] = 0;
  scratch.set(body, written + 1);
  const digest = hash('sha256', scratch.subarray(0, written + 1 + body.length), 'buffer');
  into.low = digest.readUInt32LE(0);
  into.high = digest.readUInt32LE(4);
}
