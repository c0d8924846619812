// What a feed that is read in pieces (TAXII objects, MISP events) had so far: so that a poll fetches only what is new.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { formatPrefix, parsePrefix } from '../../../domain/address/prefix.ts';
import type { FeedEntry, RefusalReason } from '../../../domain/indicator/feed-entry.ts';
import type { Standing } from '../../../domain/indicator/validity.ts';
import type { IndicatorDetail } from '../../../domain/indicator/indicator.ts';

export interface Piece {
  /** The source's own id: STIX id, MISP event uuid. */
  readonly key: string;
  /** STIX `modified`, MISP timestamp, as text. */
  readonly version: string | null;
  readonly entries: readonly FeedEntry[];
}

interface StoredPiece {
  readonly key: string;
  readonly version: string | null;
  readonly entries: readonly StoredEntry[];
}

type StoredEntry =
  | {
      readonly nets: readonly string[];
      readonly standing: Standing;
      readonly detail: IndicatorDetail | null;
      readonly part?: true;
    }
  | {
      readonly reason: RefusalReason;
      readonly id: string | null;
      readonly text: string;
      readonly part?: true;
    };

const MAX_UNPACKED_BYTES = 2 * 1024 ** 3;

/** Pieces by key, each kept as a line of JSON: a million objects of entries would take three times the memory. */
export class Pieces {
  readonly #lines = new Map<string, { version: string | null; line: string }>();

  get size(): number {
    return this.#lines.size;
  }

  keys(): Iterable<string> {
    return this.#lines.keys();
  }

  /** Undefined where there is no such piece. */
  versionOf(key: string): string | null | undefined {
    return this.#lines.get(key)?.version;
  }

  set({ key, version, entries }: Piece): void {
    const stored: StoredPiece = { key, version, entries: entries.map(toStored) };
    this.#lines.set(key, { version, line: JSON.stringify(stored) });
  }

  delete(key: string): void {
    this.#lines.delete(key);
  }

  /** Of one piece; none where there is no such piece. */
  entriesOf(key: string): readonly FeedEntry[] {
    const known = this.#lines.get(key);
    return known === undefined ? [] : entriesIn(known.line);
  }

  *entries(): Generator<FeedEntry> {
    for (const { line } of this.#lines.values()) yield* entriesIn(line);
  }

  /** A zstd frame of one JSON object a line, in order of key: the same pieces give the same bytes. */
  toBytes(): Uint8Array {
    const keys = [...this.#lines.keys()].sort();
    // Not one text: it could have 512 MB at most.
    const lines = keys.map((key) => Buffer.from(`${this.#lines.get(key)!.line}\n`));
    return zstdCompressSync(Buffer.concat(lines));
  }

  /** Our own writing, verified by its hash: what does not read is a bug or another version. */
  static fromBytes(bytes: Uint8Array): Pieces {
    const pieces = new Pieces();
    const text = zstdDecompressSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
    for (let start = 0; start < text.length;) {
      const end = text.indexOf(0x0a, start);
      const line = text.toString('utf8', start, end);
      const { key, version } = JSON.parse(line) as StoredPiece;
      pieces.#lines.set(key, { version, line });
      start = end + 1;
    }
    return pieces;
  }
}

function entriesIn(line: string): readonly FeedEntry[] {
  return (JSON.parse(line) as StoredPiece).entries.map(fromStored);
}

function toStored(entry: FeedEntry): StoredEntry {
  const part = entry.part === true ? ({ part: true } as const) : {};
  if (entry.kind === 'refused') {
    const { reason, id, text } = entry;
    return { reason, id, text, ...part };
  }
  const { nets, standing, detail } = entry;
  return { nets: nets.map(formatPrefix), standing, detail, ...part };
}

function fromStored(stored: StoredEntry): FeedEntry {
  if ('reason' in stored) return { kind: 'refused', line: null, ...stored };
  const nets = stored.nets.map((text) => parsePrefix(text)!);
  return { kind: 'indicator', line: null, ...stored, nets };
}
