import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { encodeFrame, MAX_FRAME_BYTES, readHeader } from './event-frame.ts';

const SCAN_BYTES = 4 * 1024 * 1024;

export interface NumberedFrame {
  readonly sequenceNumber: number;
  /** Epoch milliseconds. */
  readonly enqueuedTime: number;
  readonly frame: Buffer;
}

/**
 * One partition in one file of frames, with the place of each event in memory. What `append` returned from survives the
 * death of the process; a frame cut short by it is dropped at the next open. A power cut may lose the last seconds.
 */
export class PartitionLog {
  readonly #path: string;
  #file: number;
  #end = 0;
  #sequenceNumbers: number[] = [];
  #enqueuedTimes: number[] = [];
  /** Where each event starts in the file. */
  #positions: number[] = [];
  #lastSequenceNumber = -1;
  #lastEnqueuedTime = 0;
  /** What the open found broken at the end of the file. */
  readonly droppedBytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT);
    this.#scan();
    this.droppedBytes = fstatSync(this.#file).size - this.#end;
    if (this.droppedBytes > 0) ftruncateSync(this.#file, this.#end);
    if (this.#end === 0) this.#write(floorFrame(-1, 0));
  }

  /** The oldest event held; when none is held, the number that the next one gets. */
  get beginningSequenceNumber(): number {
    return this.#sequenceNumbers[0] ?? this.#lastSequenceNumber + 1;
  }

  /** -1 if there never was an event; retention does not change it. */
  get lastSequenceNumber(): number {
    return this.#lastSequenceNumber;
  }

  /** Epoch milliseconds; 0 if there never was an event. */
  get lastEnqueuedTime(): number {
    return this.#lastEnqueuedTime;
  }

  get length(): number {
    return this.#sequenceNumbers.length;
  }

  /** All or nothing. The numbers must rise and be above the last one. */
  append(events: readonly NumberedFrame[]): void {
    let position = this.#end;
    this.#write(Buffer.concat(events.map(({ frame }) => frame)));
    for (const { sequenceNumber, enqueuedTime, frame } of events) {
      this.#index(sequenceNumber, enqueuedTime, position);
      position += frame.length;
    }
  }

  /** Frames of the events after a number (null: from the first one held), at least one if there is one. */
  read(after: number | null, maxEvents: number, maxBytes: number): Buffer {
    const first = after === null ? 0 : this.#firstAfter(after);
    const limit = Math.min(first + maxEvents, this.length);
    if (first >= limit) return Buffer.alloc(0);
    const start = this.#startOf(first);
    let last = first + 1;
    while (last < limit && this.#startOf(last + 1) - start <= maxBytes) last++;
    return this.#bytes(start, this.#startOf(last));
  }

  /** The number to read on from for events enqueued after a time; null for all that are held. */
  numberBeforeTime(time: number): number | null {
    const first = this.#enqueuedTimes.findIndex((enqueued) => enqueued > time);
    if (first === -1) return this.#lastSequenceNumber;
    return first === 0 ? null : this.#sequenceNumbers[first - 1]!;
  }

  /** What retention does. The shorter file is written beside and put in place at once. */
  deleteBefore(sequenceNumber: number): void {
    const first = this.#firstAfter(sequenceNumber - 1);
    if (first === 0) return;
    const floor = floorFrame(this.#sequenceNumbers[first - 1]!, this.#enqueuedTimes[first - 1]!);
    const start = this.#startOf(first);
    const bytes = Buffer.concat([floor, this.#bytes(start, this.#end)]);
    const temporary = `${this.#path}.new`;
    const file = openSync(temporary, 'w+');
    writeFully(file, bytes, 0);
    renameSync(temporary, this.#path);
    closeSync(this.#file);
    this.#file = file;
    this.#end = bytes.length;
    this.#sequenceNumbers = this.#sequenceNumbers.slice(first);
    this.#enqueuedTimes = this.#enqueuedTimes.slice(first);
    this.#positions = this.#positions.slice(first).map((p) => p - start + floor.length);
  }

  close(): void {
    closeSync(this.#file);
  }

  #startOf(index: number): number {
    return this.#positions[index] ?? this.#end;
  }

  #firstAfter(sequenceNumber: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sequenceNumbers[middle]! <= sequenceNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #index(sequenceNumber: number, enqueuedTime: number, position: number): void {
    this.#sequenceNumbers.push(sequenceNumber);
    this.#enqueuedTimes.push(enqueuedTime);
    this.#positions.push(position);
    this.#lastSequenceNumber = sequenceNumber;
    this.#lastEnqueuedTime = enqueuedTime;
  }

  #bytes(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    let done = 0;
    while (done < bytes.length) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, start + done);
      if (read === 0) throw new Error(`${this.#path} ends before byte ${end}`);
      done += read;
    }
    return bytes;
  }

  #write(bytes: Buffer): void {
    try {
      writeFully(this.#file, bytes, this.#end);
    } catch (error) {
      // A full disk: what was half written must not stand before the next event.
      ftruncateSync(this.#file, this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  /** Reads the file in stretches, up to the first frame that is not whole and intact. */
  #scan(): void {
    const chunk = Buffer.allocUnsafe(SCAN_BYTES + MAX_FRAME_BYTES);
    let left = 0;
    for (;;) {
      const read = readSync(this.#file, chunk, left, SCAN_BYTES, this.#end + left);
      const filled = chunk.subarray(0, left + read);
      const used = this.#indexFrames(filled);
      left = filled.length - used;
      // With a longest frame's bytes at hand, what cannot be read is broken and not merely cut by the stretch.
      if (read === 0 || left >= MAX_FRAME_BYTES) return;
      filled.copy(chunk, 0, used);
    }
  }

  #indexFrames(bytes: Buffer): number {
    let used = 0;
    for (;;) {
      const header = readHeader(bytes, used);
      if (header === undefined) return used;
      if (this.#end === 0) {
        this.#lastSequenceNumber = header.sequenceNumber;
        this.#lastEnqueuedTime = header.enqueuedTime;
      } else {
        this.#index(header.sequenceNumber, header.enqueuedTime, this.#end);
      }
      used += header.frameBytes;
      this.#end += header.frameBytes;
    }
  }
}

/** The first frame of a file is no event: it tells the number and the time that came before. */
function floorFrame(sequenceNumber: number, enqueuedTime: number): Buffer {
  return encodeFrame(sequenceNumber, enqueuedTime, {}, new Uint8Array());
}

function writeFully(file: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}
