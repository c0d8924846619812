// Makes security messages with the official FlatBuffers builder, so that tests can say what a device did.
import { Builder } from 'flatbuffers';
import { parseAddress } from '../../shared/domain/address/address.ts';

export interface SentConnection {
  readonly remote: string;
  readonly local?: string;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly protocol?: number;
}

/** A NetworkActivity message; `time` (device clock, seconds) also makes bodies differ. */
export function encodeMessage(
  connections: readonly SentConnection[],
  time = 1_700_000_000,
): Uint8Array {
  const b = new Builder(512);
  const tables = (family: 4 | 6) =>
    connections
      .map((c) => ({ c, remote: parseAddress(c.remote)! }))
      .filter(({ remote }) => remote.family === family)
      .map(({ c, remote }) => {
        const local = parseAddress(c.local ?? (family === 4 ? '10.0.0.5' : 'fe80::5'))!;
        const words = family === 4 ? 1 : 4;
        b.startObject(9);
        b.addFieldInt16(0, c.localPort ?? 40_000, 0);
        b.addFieldInt16(1, c.remotePort ?? 443, 0);
        b.addFieldInt32(2, c.bytesIn ?? 0, 0);
        b.addFieldInt32(3, c.bytesOut ?? 0, 0);
        b.addFieldInt8(4, c.protocol ?? 0, 0);
        const common = b.endObject();
        b.startObject(2);
        b.prep(4, words * 8);
        for (const address of [remote, local]) {
          for (let w = words - 1; w >= 0; w--) b.writeInt32(swapped(address.words[w]!));
        }
        b.addFieldStruct(0, b.offset(), 0);
        b.addFieldOffset(1, common, 0);
        return b.endObject();
      });
  const vectorOf = (offsets: number[]) => {
    b.startVector(4, offsets.length, 4);
    for (const offset of offsets.toReversed()) b.addOffset(offset);
    return b.endVector();
  };
  const v4 = vectorOf(tables(4));
  const v6 = vectorOf(tables(6));
  b.startObject(2);
  b.addFieldOffset(0, v4, 0);
  b.addFieldOffset(1, v6, 0);
  const activity = b.endObject();
  b.startObject(5);
  b.prep(1, 16);
  for (let i = 0; i < 16; i++) b.writeInt8((time >> (i % 4)) & 0x7f);
  b.addFieldStruct(0, b.offset(), 0);
  b.addFieldInt32(1, time, 0);
  b.addFieldInt32(2, 10, 0);
  b.addFieldInt8(3, 1, 0);
  b.addFieldOffset(4, activity, 0);
  const event = b.endObject();
  const events = vectorOf([event]);
  const id = b.createString('defender-iot-micro-agent');
  b.startObject(4);
  b.addFieldOffset(0, id, 0);
  b.addFieldInt32(1, 0x03050004, 0);
  b.addFieldOffset(3, events, 0);
  b.finish(b.endObject());
  return b.asUint8Array().slice();
}

/** Network order, written through a little-endian writer. */
function swapped(word: number): number {
  return ((word & 255) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
