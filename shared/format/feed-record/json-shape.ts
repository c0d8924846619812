// Where the records are in a JSON document.
import { columnsOf } from './columns.ts';
import { isObject, textOf } from './json-value.ts';

/** Members that hold the records of an answer. STIX and MISP have readers of their own. */
const LISTS: readonly string[] = [
  'data',
  'results',
  'indicators',
  'items',
  'records',
  'entries',
  'ips',
];

/**
 * Records to be read one by one: objects or strings; a document may be a record itself. Null if the document is none of the known
 * shapes.
 */
export function recordsOf(document: unknown): readonly unknown[] | null {
  if (Array.isArray(document)) return asRecords(document);
  if (!isObject(document)) return null;
  const lists = LISTS.map((name) => document[name]).filter(Array.isArray);
  if (lists.length > 0) return lists.length === 1 ? asRecords(lists[0]!) : null;
  return recordsById(document) ?? (isRecordAlone(document) ? [document] : null);
}

/** An error answer may name an address too: that of whoever asked. `start` and `end` alone count pages. */
function isRecordAlone(document: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(document);
  const columns = columnsOf(names);
  const isError = names.some((name) => /^(?:error|message|detail)/i.test(name));
  return columns !== null && columns.rangeEnd.length === 0 && !isError;
}

/** A list with none of either kind lists something else: numbers, or lists. */
function asRecords(list: readonly unknown[]): readonly unknown[] | null {
  return list.length === 0 || list.some(isRecord) ? list : null;
}

function isRecord(value: unknown): boolean {
  return typeof value === 'string' || isObject(value);
}

/** ThreatFox: `{"1234": [{…}], …}`, where only the name of the member tells the id. */
function recordsById(document: Readonly<Record<string, unknown>>): readonly unknown[] | null {
  const members = Object.entries(document);
  if (members.length === 0) return null;
  const records: unknown[] = [];
  for (const [id, list] of members) {
    if (!/^\d{1,20}$/.test(id) || !Array.isArray(list)) return null;
    for (const record of list) records.push(isObject(record) ? { id, ...record } : record);
  }
  return records;
}

/** What a feed says of itself, to check what was received against. */
export interface RecordsPromise {
  /** Records in front of it. */
  readonly records: number | null;
  /** Their bytes, newlines included. */
  readonly sizeBytes: number | null;
}

/** The last line of a Spamhaus list, `{"type":"metadata","records":1406,"size":76543,…}`; null for any other record. */
export function metadataOf(record: unknown): RecordsPromise | null {
  if (!isObject(record) || record['type'] !== 'metadata') return null;
  return { records: countOf(record['records']), sizeBytes: countOf(record['size']) };
}

function countOf(value: unknown): number | null {
  const text = textOf(value);
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
