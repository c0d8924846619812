// One event as bytes, the same on disk and on the HTTP face, so that serving is reading a stretch of a file.
//
//   0  u32  CRC-32 of all that follows        4  u32  bytes of metadata        8  u32  bytes of body
//  12  f64  sequence number (NaN: not given)          20  f64  enqueued time, epoch ms (NaN: not given)
//  28       metadata, JSON in UTF-8; then the body.  Little-endian, frames follow each other without a gap.
import { crc32 } from 'node:zlib';

export type EventProperties = Readonly<Record<string, unknown>>;

export interface EventMetadata {
  readonly partitionKey: string | null;
  readonly properties: EventProperties;
  readonly systemProperties: EventProperties;
}

export interface EventFrame {
  readonly sequenceNumber: number;
  readonly enqueuedTime: number;
  readonly metadata: unknown;
  readonly body: Buffer;
}

export interface FrameHeader {
  readonly sequenceNumber: number;
  readonly enqueuedTime: number;
  readonly metadataBytes: number;
  readonly frameBytes: number;
}

export const HEADER_BYTES = 28;
/** Event Hubs accepts 1 MB for an event with its properties; IoT Hub gives at most 256 KB. */
export const MAX_BODY_BYTES = 1024 * 1024;
export const MAX_METADATA_BYTES = 64 * 1024;
export const MAX_FRAME_BYTES = HEADER_BYTES + MAX_METADATA_BYTES + MAX_BODY_BYTES;

/** Throws a RangeError for an event that is larger than an event hub takes. */
export function encodeFrame(
  sequenceNumber: number,
  enqueuedTime: number,
  metadata: unknown,
  body: Uint8Array,
): Buffer {
  const json = Buffer.from(JSON.stringify(metadata));
  if (body.length > MAX_BODY_BYTES) {
    throw new RangeError(`a body has at most ${MAX_BODY_BYTES} bytes, not ${body.length}`);
  }
  if (json.length > MAX_METADATA_BYTES) {
    throw new RangeError(`properties have at most ${MAX_METADATA_BYTES} bytes, not ${json.length}`);
  }
  const frame = Buffer.allocUnsafe(HEADER_BYTES + json.length + body.length);
  frame.writeUInt32LE(json.length, 4);
  frame.writeUInt32LE(body.length, 8);
  frame.writeDoubleLE(sequenceNumber, 12);
  frame.writeDoubleLE(enqueuedTime, 20);
  json.copy(frame, HEADER_BYTES);
  frame.set(body, HEADER_BYTES + json.length);
  frame.writeUInt32LE(crc32(frame.subarray(4)), 0);
  return frame;
}

/** The frame that starts at `position`, or undefined if none stands there whole and intact. */
export function readHeader(bytes: Buffer, position: number): FrameHeader | undefined {
  if (position + HEADER_BYTES > bytes.length) return undefined;
  const metadataBytes = bytes.readUInt32LE(position + 4);
  const bodyBytes = bytes.readUInt32LE(position + 8);
  if (metadataBytes > MAX_METADATA_BYTES || bodyBytes > MAX_BODY_BYTES) return undefined;
  const frameBytes = HEADER_BYTES + metadataBytes + bodyBytes;
  if (position + frameBytes > bytes.length) return undefined;
  const checked = bytes.subarray(position + 4, position + frameBytes);
  if (crc32(checked) !== bytes.readUInt32LE(position)) return undefined;
  return {
    sequenceNumber: bytes.readDoubleLE(position + 12),
    enqueuedTime: bytes.readDoubleLE(position + 20),
    metadataBytes,
    frameBytes,
  };
}

/** All frames of a message; the bodies are views of it. Throws a RangeError if it is not whole frames with JSON. */
export function decodeFrames(bytes: Buffer): EventFrame[] {
  const frames: EventFrame[] = [];
  let position = 0;
  while (position < bytes.length) {
    const header = readHeader(bytes, position);
    if (header === undefined) throw new RangeError(`no whole event at byte ${position}`);
    const { sequenceNumber, enqueuedTime, metadataBytes, frameBytes } = header;
    const bodyStart = position + HEADER_BYTES + metadataBytes;
    frames.push({
      sequenceNumber,
      enqueuedTime,
      metadata: parseJson(bytes.toString('utf8', position + HEADER_BYTES, bodyStart), position),
      body: bytes.subarray(bodyStart, position + frameBytes),
    });
    position += frameBytes;
  }
  return frames;
}

function parseJson(text: string, position: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RangeError(`the metadata of the event at byte ${position} is not JSON`, { cause });
  }
}
