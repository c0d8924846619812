import {
  type FeedEntry,
  type RefusalReason,
  shownText,
} from '../../domain/indicator/feed-entry.ts';
import { type Columns, columnsOf } from './columns.ts';
import { type JsonObject, isObject, textOf } from './json-value.ts';
import { readRecord } from './read-record.ts';
import { firstText } from './record-detail.ts';

/** A record that is a string is its value, and has no other field. */
const BARE = columnsOf(['value'])!;
/** Fields of records that tell of an autonomous system, which is no address. */
const AS_FIELDS: readonly string[] = ['asn', 'as', 'as_number'];
/** So many names of fields show what a refused record is. */
const SHOWN_FIELDS = 8;

/**
 * Reads records of parsed JSON, objects and bare strings. The records of a feed have the same fields in the same order:
 * their names are looked up once, and again only when they change.
 */
export function jsonRecordReader(): (record: unknown, line: number | null) => FeedEntry {
  let names: readonly string[] = [];
  let columns: Columns | null = null;
  return (record, line) => {
    if (typeof record === 'string') return readRecord(() => record, BARE, line);
    if (!isObject(record)) return refused(line, 'malformed', textOf(record));
    const found = Object.keys(record);
    if (!areSame(found, names)) {
      names = found;
      columns = columnsOf(found);
    }
    const cells = (column: number) => record[found[column]!];
    if (columns === null || firstText(cells, columns.value) === '')
      return withoutValue(record, line);
    return readRecord(cells, columns, line);
  };
}

function withoutValue(record: JsonObject, line: number | null): FeedEntry {
  const field = AS_FIELDS.find((name) => textOf(record[name]) !== '');
  if (field !== undefined) return refused(line, 'noAddress', `${field} ${textOf(record[field])}`);
  return refused(line, 'malformed', Object.keys(record).slice(0, SHOWN_FIELDS).join(' '));
}

function refused(line: number | null, reason: RefusalReason, text: string): FeedEntry {
  return { kind: 'refused', line, id: null, reason, text: shownText(text) };
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
