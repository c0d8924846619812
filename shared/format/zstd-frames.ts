// Finds where the frames of a zstd stream end (RFC 8878 3.1). Node's decoder takes frame after frame, but drops what
// stands behind a frame's end in the chunk it was given, and calls that a complete body.
//
//   frame      magic FD2FB528 LE | descriptor | window 0..1 | dictionary 0..4 | content size 0..8 | blocks | checksum 0..4
//   block      3 bytes LE: last 1 bit, type 2 bits, size 21 bits | content
//   skippable  magic 184D2A5x LE | size 4 bytes LE | content

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
const CHECKSUM_BYTES = 4;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const RLE_BLOCK = 1;

/** The next bytes to read as a little-endian number, or to pass over; `end` tells that a frame is complete. */
interface Step {
  readonly kind: 'look' | 'pass' | 'end';
  readonly bytes: number;
}
type Walk = Generator<Step, void, number>;

const look = (bytes: number): Step => ({ kind: 'look', bytes });
const pass = (bytes: number): Step => ({ kind: 'pass', bytes });
const END: Step = { kind: 'end', bytes: 0 };

/** Cuts each chunk of one stream in turn behind every frame that ends in it. What is no frame is left whole. */
export function zstdFrameCutter(): (chunk: Uint8Array) => readonly Uint8Array[] {
  const walk = frames();
  let step = walk.next(0);
  let taken = 0; // of this step
  let value = 0;

  /** Goes on to the next step that needs bytes; tells whether a frame ended before it. */
  const advance = (): boolean => {
    let ended = false;
    do {
      step = walk.next(value);
      ended ||= step.done !== true && step.value.kind === 'end';
    } while (step.done !== true && step.value.bytes === 0);
    taken = 0;
    value = 0;
    return ended;
  };

  return (chunk) => {
    const pieces: Uint8Array[] = [];
    let start = 0;
    let at = 0;
    while (at < chunk.length && step.done !== true) {
      const { kind, bytes } = step.value;
      const count = Math.min(bytes - taken, chunk.length - at);
      if (kind === 'look') value += littleEndian(chunk, at, count) * 256 ** taken;
      at += count;
      taken += count;
      if (taken === bytes && advance()) {
        pieces.push(chunk.subarray(start, at));
        start = at;
      }
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
    return pieces;
  };
}

function* frames(): Walk {
  for (;;) {
    const magic = yield look(4);
    if (magic === FRAME_MAGIC) yield* frame();
    else if (magic - (magic % 16) === SKIPPABLE_MAGIC) yield pass(yield look(4));
    else return; // The decoder will say that this is no frame.
    yield END;
  }
}

function* frame(): Walk {
  const descriptor = yield look(1);
  const singleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const sizeFlag = descriptor >>> 6;
  const contentSize = sizeFlag === 0 ? Number(singleSegment) : 1 << sizeFlag;
  yield pass(Number(!singleSegment) + DICTIONARY_BYTES[descriptor & 3]! + contentSize);
  yield* blocks();
  if ((descriptor & CHECKSUM) !== 0) yield pass(CHECKSUM_BYTES);
}

function* blocks(): Walk {
  for (;;) {
    const header = yield look(3);
    const type = (header >>> 1) & 3;
    yield pass(type === RLE_BLOCK ? 1 : header >>> 3);
    if ((header & 1) === 1) return;
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
