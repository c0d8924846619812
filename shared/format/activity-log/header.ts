import { parseInstant, formatInstant } from '../../domain/time/instant.ts';
import type { LogPosition } from '../../domain/alert/position.ts';
import { asciiBytes, parseAsciiJson, toAsciiJson } from '../ascii-json.ts';
import { BlockFormatError, notJson } from './layout.ts';

/** Which indicator snapshot a block was matched with. Ordinals rise with every publication; 0 means that there was none. */
export interface SnapshotRef {
  readonly ordinal: number;
  readonly id: string;
}

/** A closed range of sequence numbers. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
}

interface BlockPlace {
  /** Counts the blocks of a file from 0. */
  readonly index: number;
  /** The hour that the file holds, `yyyyMMddTHH`: the first file of a partition has a fixed name, so it is said here. */
  readonly hour: string;
  readonly writer: string;
}

/** Times are epoch milliseconds here and ISO text in the file. */
export interface DataHeader extends BlockPlace {
  readonly kind: 'data';
  readonly stream: string;
  readonly partition: string;
  /** Grows when the stream's numbering begins anew. */
  readonly epoch: number;
  /** Event Hubs time of the epoch's first row: an event older than that is a leftover of the stream before. */
  readonly epochStart: number;
  /** Contiguous: row i has the sequence number `fromSequence + i`. */
  readonly fromSequence: number;
  readonly toSequence: number;
  /** What the stream had destroyed before it was read, just before `fromSequence`. */
  readonly lost: SequenceRange | null;
  readonly firstEnqueuedTime: number;
  readonly lastEnqueuedTime: number;
  /** Least and greatest IoT Hub time of the rows: not monotone in a partition. */
  readonly firstHubTime: number;
  readonly lastHubTime: number;
  readonly snapshot: SnapshotRef;
  readonly groupsRevision: number;
  readonly rows: {
    readonly counted: number;
    readonly repeats: number;
    readonly quarantined: number;
    readonly other: number;
  };
  readonly connections: number;
  readonly findings: number;
}

/** What the data blocks of a file hold together: a search may leave the whole file out. */
export interface FileSummary {
  /** Of the first row and of the last. */
  readonly first: LogPosition;
  readonly last: LogPosition;
  /** Least and greatest IoT Hub time. */
  readonly firstHubTime: number;
  readonly lastHubTime: number;
  /** Ordinal of the snapshot that the last block was matched with; those before it are not greater. */
  readonly lastSnapshot: number;
}

/** The last block of a file: names the file that goes on. */
export interface CloseHeader extends BlockPlace {
  readonly kind: 'close';
  readonly next: string;
  /** Null: the writer did not write the whole file, or it names too many addresses. */
  readonly summary: FileSummary | null;
}

export type BlockHeader = DataHeader | CloseHeader;

const TIMES = [
  'epochStart',
  'firstEnqueuedTime',
  'lastEnqueuedTime',
  'firstHubTime',
  'lastHubTime',
];

export function encodeHeader(header: BlockHeader): Uint8Array {
  if (header.kind === 'close') return asciiBytes(toAsciiJson(closeFields(header)));
  const times = Object.fromEntries(
    TIMES.map((name) => [name, formatInstant(header[name as 'epochStart'])]),
  );
  return asciiBytes(toAsciiJson({ ...header, ...times }));
}

function closeFields({ summary, ...header }: CloseHeader): object {
  if (summary === null) return { ...header, summary };
  const firstHubTime = formatInstant(summary.firstHubTime);
  const lastHubTime = formatInstant(summary.lastHubTime);
  return { ...header, summary: { ...summary, firstHubTime, lastHubTime } };
}

export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const field = new HeaderFields(parseAsciiJson(bytes, notJson));
  const place = {
    index: field.integer('index'),
    hour: field.text('hour'),
    writer: field.text('writer'),
  };
  const kind = field.text('kind');
  if (kind === 'close') {
    return { kind, ...place, next: field.text('next'), summary: summaryOf(field) };
  }
  if (kind !== 'data') throw new BlockFormatError(`a block of the unknown kind ${kind}`);
  const snapshot = field.object('snapshot');
  const rows = field.object('rows');
  const lost = field.isNull('lost') ? null : field.object('lost');
  const header: DataHeader = {
    kind,
    ...place,
    stream: field.text('stream'),
    partition: field.text('partition'),
    epoch: field.integer('epoch'),
    epochStart: field.instant('epochStart'),
    fromSequence: field.integer('fromSequence'),
    toSequence: field.integer('toSequence'),
    lost: lost === null ? null : { from: lost.integer('from'), to: lost.integer('to') },
    firstEnqueuedTime: field.instant('firstEnqueuedTime'),
    lastEnqueuedTime: field.instant('lastEnqueuedTime'),
    firstHubTime: field.instant('firstHubTime'),
    lastHubTime: field.instant('lastHubTime'),
    snapshot: { ordinal: snapshot.integer('ordinal'), id: snapshot.text('id') },
    groupsRevision: field.integer('groupsRevision'),
    rows: {
      counted: rows.integer('counted'),
      repeats: rows.integer('repeats'),
      quarantined: rows.integer('quarantined'),
      other: rows.integer('other'),
    },
    connections: field.integer('connections'),
    findings: field.integer('findings'),
  };
  if (header.toSequence < header.fromSequence) {
    throw new BlockFormatError(
      `toSequence ${header.toSequence} lies below fromSequence ${header.fromSequence}`,
    );
  }
  return header;
}

/** Version 1 had none. */
function summaryOf(header: HeaderFields): FileSummary | null {
  if (header.isAbsent('summary') || header.isNull('summary')) return null;
  const field = header.object('summary');
  const position = (name: 'first' | 'last') => {
    const at = field.object(name);
    return { epoch: at.integer('epoch'), sequence: at.integer('sequence') };
  };
  return {
    first: position('first'),
    last: position('last'),
    firstHubTime: field.instant('firstHubTime'),
    lastHubTime: field.instant('lastHubTime'),
    lastSnapshot: field.integer('lastSnapshot'),
  };
}

/** Typed access to a JSON object; names the field that is not what it must be. */
class HeaderFields {
  readonly #raw: Record<string, unknown>;

  constructor(raw: unknown, name = 'header') {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
      throw new BlockFormatError(`${name} must be an object`);
    }
    this.#raw = raw as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.#raw[name];
    if (typeof value !== 'string') throw new BlockFormatError(`header field ${name} must be text`);
    return value;
  }

  integer(name: string): number {
    const value = this.#raw[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new BlockFormatError(`header field ${name} must be a whole number`);
    }
    return value;
  }

  instant(name: string): number {
    const value = parseInstant(this.text(name));
    if (value === null) throw new BlockFormatError(`header field ${name} must be a time`);
    return value;
  }

  isNull(name: string): boolean {
    return this.#raw[name] === null;
  }

  isAbsent(name: string): boolean {
    return !(name in this.#raw);
  }

  object(name: string): HeaderFields {
    return new HeaderFields(this.#raw[name], `header field ${name}`);
  }
}
