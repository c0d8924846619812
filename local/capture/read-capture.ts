// A capture: one JSON line for each message that reached the event hub, in the order of arrival.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { z } from 'zod';
import type { OutgoingEvent } from '../hub/client.ts';

const Line = z.object({
  deviceId: z.string().optional(),
  enqueuedTime: z.iso.datetime(),
  sequenceNumber: z.number().int().nonnegative(),
  partitionId: z.number().int().min(0).max(31),
  properties: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .default({}),
  systemProperties: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .default({}),
  body: z.base64(),
});

export interface CapturedEvent extends OutgoingEvent {
  readonly partitionId: string;
  readonly sequenceNumber: number;
  readonly enqueuedTime: string;
  /** `enqueuedTime` as epoch milliseconds. */
  readonly time: number;
}

/** A line that is not a captured message: names the line, the field and what it must be. */
export class CaptureError extends Error {
  readonly code = 'CAPTURE';
}

/** Reads a capture (`.gz` and `.zst` are opened; `-` is stdin). Numbers must rise within each partition. */
export async function* readCapture(file: string, stdin: Readable): AsyncGenerator<CapturedEvent> {
  const source = file === '-' ? stdin : createReadStream(file);
  const unpacked = unpack(source, file);
  const lines = createInterface({ input: unpacked, crlfDelay: Infinity });
  // readline does not pass on what went wrong below it.
  const failure = new Promise<never>((_, reject) => {
    source.once('error', reject);
    unpacked.once('error', reject);
  });
  failure.catch(() => {});
  const iterator = lines[Symbol.asyncIterator]();
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (let number = 1; ; number++) {
    const { value: line, done } = await Promise.race([iterator.next(), failure]);
    if (done === true) return;
    if (line.trim() === '') continue;
    const event = parseLine(line, `${file}:${number}`);
    // Delivered twice: the same event with the same number and time.
    const place = `${event.partitionId}/${event.sequenceNumber}/${event.time}`;
    if (seen.has(place)) continue;
    seen.add(place);
    const before = last.get(event.partitionId) ?? -1;
    if (event.sequenceNumber <= before) {
      throw new CaptureError(
        `${file}:${number}: sequenceNumber ${event.sequenceNumber} does not follow ${before} in partition ${event.partitionId}`,
      );
    }
    last.set(event.partitionId, event.sequenceNumber);
    yield event;
  }
}

function parseLine(line: string, where: string): CapturedEvent {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new CaptureError(`${where}: the line is not JSON`);
  }
  const parsed = Line.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CaptureError(`${where}: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const {
    deviceId,
    enqueuedTime,
    sequenceNumber,
    partitionId,
    properties,
    systemProperties,
    body,
  } = parsed.data;
  return {
    partitionId: String(partitionId),
    sequenceNumber,
    enqueuedTime,
    time: Date.parse(enqueuedTime),
    properties,
    systemProperties:
      deviceId === undefined
        ? systemProperties
        : { 'iothub-connection-device-id': deviceId, ...systemProperties },
    body: Buffer.from(body, 'base64'),
  };
}

function unpack(source: Readable, file: string): Readable {
  if (file.endsWith('.gz')) return source.pipe(createGunzip());
  if (file.endsWith('.zst')) return source.pipe(createZstdDecompress());
  return source;
}
