// What a record says beside its address.
import type { Constraint } from '../../domain/indicator/constraint.ts';
import { type IndicatorDetail, boundedLabels } from '../../domain/indicator/indicator.ts';
import { type Tlp, parseTlp, strictest } from '../../domain/indicator/tlp.ts';
import { type Validity, isSpan } from '../../domain/indicator/validity.ts';
import { formatInstant, parseInstant } from '../../domain/time/instant.ts';
import type { Columns } from './columns.ts';
import { textOf, textsOf } from './json-value.ts';

/** The field in that column, as the table or the JSON object has it. */
export type Cells = (column: number) => unknown;

/** Longer ones are cut from no real feed; a part of an id would be another id. */
const MAX_ID = 128;
/** Of a cell with labels so much is read. */
const MAX_LABEL_TEXT = 4096;

/** The first field of a role that says anything. */
export function firstText(cells: Cells, columns: readonly number[]): string {
  for (const column of columns) {
    const text = textOf(cells(column));
    if (text !== '') return text;
  }
  return '';
}

export function idOf(cells: Cells, columns: Columns): string | null {
  const id = firstText(cells, columns.id);
  return id === '' || id.length > MAX_ID ? null : id;
}

/** Null if the record says nothing: lists of millions of bare addresses shall cost no more than their addresses. */
export function detailOf(
  cells: Cells,
  columns: Columns,
  constraint: Constraint | null,
  validity: Validity,
): IndicatorDetail | null {
  const detail: IndicatorDetail = {
    ...validity,
    id: idOf(cells, columns),
    sources: boundedLabels([firstText(cells, columns.source)]),
    confidence: confidenceOf(firstText(cells, columns.confidence)),
    labels: labelsOf(cells, columns),
    constraint,
    tlp: tlpOf(firstText(cells, columns.tlp)),
    listedSince: null,
  };
  return saysNothing(detail) ? null : detail;
}

function saysNothing(detail: IndicatorDetail): boolean {
  return Object.values(detail).every(
    (value) => value === null || (Array.isArray(value) && value.length === 0),
  );
}

function labelsOf(cells: Cells, { labels, classification }: Columns): readonly string[] {
  const texts = [...classification, ...labels].flatMap((column) => textsOf(cells(column)));
  return texts.length === 0 ? [] : boundedLabels(texts.flatMap(splitLabels));
}

/** `a,b`, `[a|b]`; a label may hold blanks. */
function splitLabels(text: string): string[] {
  const cut = text.slice(0, MAX_LABEL_TEXT);
  const inner = cut.startsWith('[') && cut.endsWith(']') ? cut.slice(1, -1) : cut;
  return inner.split(/[,|;]/);
}

/** 0 to 100. Other scales are not guessed at: 0.9 may be nine tenths or nearly nothing. */
function confidenceOf(text: string): number | null {
  const number = /^\d{1,3}(?:\.0+)?$/.test(text) ? Number(text) : NaN;
  return number <= 100 ? number : null;
}

/** `TLP:CLEAR`, also in a list of markings. */
function tlpOf(text: string): Tlp | null {
  const markings = text.slice(0, MAX_LABEL_TEXT).split(/[,|;]/);
  return markings.map(parseTlp).reduce(strictest, null);
}

/** Null if a bound does not read, or the two leave no time: an indicator must not hold for ever by a slip of the pen. */
export function validityOf(cells: Cells, columns: Columns): Validity | null {
  const validFrom = boundOf(firstText(cells, columns.validFrom));
  const validUntil = boundOf(firstText(cells, columns.validUntil));
  if (validFrom === undefined || validUntil === undefined) return null;
  const validity = { validFrom, validUntil };
  return isSpan(validity) ? validity : null;
}

const NO_BOUND = /^(?:-|null|none|never|n\/a)?$/i;

/** ISO 8601 text, null for no bound, undefined for what is no time. */
function boundOf(text: string): string | null | undefined {
  if (NO_BOUND.test(text)) return null;
  const instant = instantOf(text);
  return instant === null ? undefined : formatInstant(instant);
}

/** ISO 8601, abuse.ch's `2021-12-20 00:03:32 UTC`, and Unix seconds or milliseconds of this time (from 1973 on). */
function instantOf(text: string): number | null {
  if (/^\d{9,10}$/.test(text)) return Number(text) * 1000;
  if (/^\d{12,13}$/.test(text)) return Number(text);
  return parseInstant(text.replace(/ UTC$/, 'Z'));
}
