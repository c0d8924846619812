// What a feed file is, judged by its content alone: a name or a media type promises, the bytes tell.
import { headOf } from '../feed-record/table-head.ts';
import { LineCutter } from './line-cutter.ts';
import { readLine } from './read-line.ts';

export type FeedContent = 'text' | 'json' | 'markup' | 'csv' | 'archive' | 'utf16';

/** So many bytes from the front are enough to judge by; fewer if the file is shorter. */
export const DETECT_BYTES = 65_536;

const JSON_START = /^(?:\{|\[[ \t\r]*(?:[{["\]]|$))/;

/** What the front of a file looks like. An empty file, or one of comments alone, is a text list without entries. */
export function detectContent(front: Uint8Array): FeedContent {
  const [b0, b1] = [front[0], front[1]];
  if (b0 === 0x50 && b1 === 0x4b) return 'archive'; // PK: zip
  if ((b0 === 0xff && b1 === 0xfe) || (b0 === 0xfe && b1 === 0xff)) return 'utf16';
  const first = firstEntry(front);
  if (first === null) return 'text';
  if (JSON_START.test(first.text)) return 'json';
  if (first.text.startsWith('<')) return 'markup';
  // A quoted cell, or words and columns: a list begins with something that it lists.
  if (first.text.startsWith('"')) return 'csv';
  if (first.reason === 'notAnAddress' && first.text.includes(',')) return 'csv';
  return headOf(front.subarray(0, DETECT_BYTES)).hasHeader ? 'csv' : 'text';
}

/** The first line that a list would read: as text if it was refused, empty if it was accepted. */
function firstEntry(front: Uint8Array): { text: string; reason: string | null } | null {
  let first: { text: string; reason: string | null } | null = null;
  const lines = new LineCutter((line) => {
    if (first !== null) return;
    const entry = readLine(line);
    if (entry === null) return;
    first =
      entry.kind === 'refused'
        ? { text: entry.text, reason: entry.reason }
        : { text: '', reason: null };
  });
  lines.push(front.subarray(0, DETECT_BYTES));
  lines.end();
  return first;
}
