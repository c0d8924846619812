// Reading feed documents in tests. The addresses are public: readers refuse those for documentation.
import { formatPrefix } from '../../../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../../../shared/domain/indicator/feed-entry.ts';
import type { DocumentFormat } from '../../../../shared/pipeline/feeds/read/feed-format.ts';
import { newReport, readFeed } from '../../../../shared/pipeline/feeds/read/read-feed.ts';
import type { FeedReport } from '../../../../shared/pipeline/feeds/read/read-json.ts';

export interface Reading {
  readonly entries: readonly FeedEntry[];
  readonly report: FeedReport;
}

export type Document = string | Uint8Array;

export function bytesOf(document: Document): Uint8Array {
  return typeof document === 'string' ? Buffer.from(document) : document;
}

/** As a connection may deliver it. */
export async function* inPieces(document: Document, size = Infinity): AsyncGenerator<Uint8Array> {
  const bytes = bytesOf(document);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Whole, or in pieces of so many bytes. Without a format the content decides. */
export async function readWhole(
  document: Document,
  format: DocumentFormat | null = null,
  size = Infinity,
): Promise<Reading> {
  const report = newReport();
  const entries: FeedEntry[] = [];
  for await (const some of readFeed(inPieces(document, size), format, report)) {
    entries.push(...some);
  }
  return { entries, report };
}

/** `line: prefixes [port] [standing]`, or `line: reason`; without a line where there is none. */
export function outcomes({ entries }: Pick<Reading, 'entries'>): readonly string[] {
  return entries.map((entry) => {
    const line = entry.line === null ? '' : `${entry.line}: `;
    if (entry.kind === 'refused') return `${line}${entry.reason}`;
    const ports = entry.detail?.constraint?.ports?.map((port) => ` only ${port}`) ?? [];
    const standing = entry.standing === 'listed' ? '' : ` ${entry.standing}`;
    return `${line}${entry.nets.map(formatPrefix).join(' ')}${ports.join('')}${standing}`;
  });
}

/** An indicator of STIX for 45.66.64.n. */
export function stixIndicator(
  n: number,
  fields: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--0096f501-a34d-461d-b950-${String(n).padStart(12, '0')}`,
    created: '2026-08-01T00:00:00Z',
    modified: '2026-08-02T00:00:00Z',
    valid_from: '2026-08-03T00:00:00Z',
    pattern: `[ipv4-addr:value = '45.66.64.${n}']`,
    pattern_type: 'stix',
    ...fields,
  };
}

export function bundleOf(...objects: readonly unknown[]): string {
  const id = 'bundle--1d0b1f2a-7d7c-4c33-9ac8-2b0d6d1bb001';
  return JSON.stringify({ type: 'bundle', id, objects });
}
