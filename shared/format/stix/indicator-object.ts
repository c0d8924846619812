import type { FeedEntry, RefusalReason } from '../../domain/indicator/feed-entry.ts';
import type { Standing } from '../../domain/indicator/validity.ts';
import { shownText } from '../../domain/indicator/feed-entry.ts';
import { boundedLabels, type IndicatorDetail } from '../../domain/indicator/indicator.ts';
import { isSpan, type Validity } from '../../domain/indicator/validity.ts';
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import { field, type Fields, fieldsOf, textField, textsField } from './fields.ts';
import { tlpOfMarking, tlpOfMarkings } from './markings.ts';
import { readPattern } from './pattern.ts';

/** One version of a STIX indicator. */
export interface StixReading {
  /** Null if it has none that can be one. */
  readonly id: string | null;
  /** As written: it may be finer than a millisecond. */
  readonly modified: string | null;
  readonly revoked: boolean;
  /** Ids of objects that say more of it, and that may stand anywhere in the feed. */
  readonly author: string | null;
  readonly markings: readonly string[];
  /** The first is the indicator, those behind it are parts of it. */
  readonly entries: readonly FeedEntry[];
}

/** `type--UUID` has 47 characters here. What is longer or unprintable names nothing. */
const ID = /^[\x21-\x7e]{1,200}$/;

/** `+275760-09-13T…`, and the last day of 9999 at an offset that may carry it into the year after. */
const PAST_YEAR_9999 =
  /^(?:\+?0?[1-9]\d{4,8}-\d\d-\d\d|9999-12-31(?=.*-))(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))?$/;

/** Null for what is no indicator: other objects of a bundle say nothing of addresses as threats. */
export function readStixObject(object: unknown): StixReading | null {
  const fields = fieldsOf(object);
  if (fields === null || textField(fields, 'type') !== 'indicator') return null;
  const id = readId(fields);
  return {
    id,
    modified: textField(fields, 'modified'),
    revoked: isRevoked(fields),
    author: textField(fields, 'created_by_ref'),
    markings: markingsOf(fields).filter((ref) => tlpOfMarking(ref) === null),
    entries: readEntries(fields, id),
  };
}

/** The name of an organization, for those of whose indicators it is the author; null for other objects. */
export function readIdentity(
  object: unknown,
): { readonly id: string; readonly name: string } | null {
  const fields = fieldsOf(object);
  if (fields === null || textField(fields, 'type') !== 'identity') return null;
  const id = readId(fields);
  const name = textField(fields, 'name');
  return id === null || name === null ? null : { id, name };
}

function readId(fields: Fields): string | null {
  const id = textField(fields, 'id');
  return id !== null && ID.test(id) ? id : null;
}

function isRevoked(fields: Fields): boolean {
  const revoked = field(fields, 'revoked');
  return revoked === true || revoked === 'true';
}

/** One alone may stand without its list. */
function markingsOf(fields: Fields): readonly string[] {
  const one = textField(fields, 'object_marking_refs');
  return one === null ? textsField(fields, 'object_marking_refs') : [one];
}

function readEntries(fields: Fields, id: string | null): readonly FeedEntry[] {
  const type = field(fields, 'pattern_type') ?? 'stix'; // STIX 2.0 has no other
  if (type !== 'stix') return [refusedEntry(id, 'patternType', textOrType(type))];
  const pattern = field(fields, 'pattern');
  if (typeof pattern !== 'string') return [refusedEntry(id, 'malformed', textOrType(pattern))];
  const validity = readValidity(fields);
  if (validity === null) return [refusedEntry(id, 'badValidity', shownValidity(fields))];
  return entriesOf(pattern, standingOf(fields), readDetail(fields, id, validity));
}

function entriesOf(
  pattern: string,
  standing: Standing,
  detail: IndicatorDetail,
): readonly FeedEntry[] {
  const { alternatives, refused } = readPattern(pattern);
  const accepted: FeedEntry[] = alternatives.map(({ nets, constraint }) => {
    return { kind: 'indicator', standing, line: null, nets, detail: { ...detail, constraint } };
  });
  const entries = accepted.concat(
    refused.map(({ reason, text }) => {
      return { kind: 'refused', line: null, id: detail.id, reason, text };
    }),
  );
  return entries.map((entry, i) => (i === 0 ? entry : { ...entry, part: true }));
}

function refusedEntry(id: string | null, reason: RefusalReason, text: string): FeedEntry {
  return { kind: 'refused', line: null, id, reason, text: shownText(text) };
}

function textOrType(value: unknown): string {
  return typeof value === 'string' ? value : `(${value === null ? 'null' : typeof value})`;
}

function standingOf(fields: Fields): Standing {
  if (isRevoked(fields)) return 'revoked';
  return isBenign(fields) ? 'context' : 'listed';
}

/** STIX 2.0 has the indicator types among its labels; the labels of 2.1 are free text. */
function isBenign(fields: Fields): boolean {
  const version = textField(fields, 'spec_version') ?? '2.0';
  const types = textsField(fields, version === '2.0' ? 'labels' : 'indicator_types');
  return types.includes('benign') || textsField(fields, 'indicator_types').includes('benign');
}

function readDetail(fields: Fields, id: string | null, validity: Validity): IndicatorDetail {
  const author = textField(fields, 'created_by_ref');
  return {
    id,
    sources: author === null ? [] : boundedLabels([author]),
    ...validity,
    confidence: readConfidence(fields),
    labels: boundedLabels([
      ...textsField(fields, 'indicator_types'),
      ...textsField(fields, 'labels'),
    ]),
    constraint: null,
    tlp: tlpOfMarkings(markingsOf(fields)),
    listedSince: null,
  };
}

function readConfidence(fields: Fields): number | null {
  const confidence = field(fields, 'confidence');
  const isConfidence =
    typeof confidence === 'number' &&
    Number.isInteger(confidence) &&
    confidence >= 0 &&
    confidence <= 100;
  return isConfidence ? confidence : null;
}

/** Null if a bound does not read, or the end is not behind the beginning (STIX 2.1 section 4.7). */
function readValidity(fields: Fields): Validity | null {
  const validFrom = readTime(field(fields, 'valid_from'));
  const until = field(fields, 'valid_until');
  const validUntil = isPastYear9999(until) ? null : readTime(until);
  if (validFrom === undefined || validUntil === undefined) return null;
  // Real feeds leave the beginning out (Elastic jokerspy): then it holds since it was made.
  const validity = {
    validFrom: validFrom ?? readTime(field(fields, 'created')) ?? null,
    validUntil,
  };
  return isSpan(validity) ? validity : null;
}

/** ISO 8601 with milliseconds; null if absent, undefined if it does not read. */
function readTime(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') return undefined;
  // A STIX timestamp may have any number of fraction digits.
  const instant = parseInstant(value.replace(/(\.\d{3})\d+/, '$1'));
  return instant === null ? undefined : formatInstant(instant);
}

function isPastYear9999(value: unknown): boolean {
  return typeof value === 'string' && PAST_YEAR_9999.test(value) && parseInstant(value) === null;
}

function shownValidity(fields: Fields): string {
  const [from, until] = ['valid_from', 'valid_until'].map((name) =>
    textOrType(field(fields, name) ?? ''),
  );
  return `${from!.slice(0, 38)} .. ${until!.slice(0, 38)}`;
}
