import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import type { LogPosition } from '../../domain/alert/position.ts';
import type { Window } from '../../domain/window/window.ts';
import { asciiBytes, parseAsciiJson, toAsciiJson } from '../ascii-json.ts';
import { RunFormatError } from './layout.ts';

export interface RunHeader {
  readonly stream: string;
  readonly partition: string;
  /** IoT Hub time of what is in the run; null: all that came before the end of the slice (known devices). */
  readonly piece: Window | null;
  /** The end of the slice of the log that was read; with the grace period Event Hubs time ends there. */
  readonly sliceEnd: number;
  /** The last row that was read; null: there was none yet. */
  readonly position: LogPosition | null;
  /** Of the last block that was read. */
  readonly groupsRevision: number;
}

export function encodeRunHeader(header: RunHeader): Uint8Array {
  const { piece, sliceEnd } = header;
  const text = toAsciiJson({
    ...header,
    piece:
      piece === null ? null : { start: formatInstant(piece.start), end: formatInstant(piece.end) },
    sliceEnd: formatInstant(sliceEnd),
  });
  return asciiBytes(text);
}

export function decodeRunHeader(bytes: Uint8Array): RunHeader {
  const raw = parseAsciiJson(
    bytes,
    (cause) => new RunFormatError('the header of the run does not parse', { cause }),
  ) as Record<string, unknown> | null;
  const { stream, partition, piece, sliceEnd, position, groupsRevision } = raw ?? {};
  if (typeof stream !== 'string' || typeof partition !== 'string' || !isCount(groupsRevision)) {
    throw new RunFormatError('the header of a run needs stream, partition and groupsRevision');
  }
  return {
    stream,
    partition,
    piece: piece === null ? null : windowOf(piece),
    sliceEnd: instantOf(sliceEnd),
    position: position === null ? null : positionOf(position),
    groupsRevision,
  };
}

function windowOf(value: unknown): Window {
  const { start, end } = (value ?? {}) as Record<string, unknown>;
  return { start: instantOf(start), end: instantOf(end) };
}

function instantOf(value: unknown): number {
  const instant = typeof value === 'string' ? parseInstant(value) : null;
  if (instant !== null) return instant;
  throw new RunFormatError('the header of a run needs times');
}

function positionOf(value: unknown): LogPosition {
  const { epoch, sequence } = (value ?? {}) as Record<string, unknown>;
  if (isCount(epoch) && isCount(sequence)) return { epoch, sequence };
  throw new RunFormatError('the header of a run needs a position');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
