import type { IndicatorDetail } from '../../domain/indicator/indicator.ts';
import { parseInstant } from '../../domain/time/instant.ts';
import { parseAsciiJson, toAsciiJson } from '../ascii-json.ts';
import { SnapshotError, notJson } from './layout.ts';

/** A detail as ASCII JSON: a list, to save the names. */
export function writeDetail(detail: IndicatorDetail): string {
  const { id, value, sources, validFrom, validUntil, confidence, labels } = detail;
  return toAsciiJson([id, value, sources, validFrom, validUntil, confidence, labels]);
}

export function readDetail(bytes: Uint8Array): IndicatorDetail {
  const fields = parseAsciiJson(bytes, notJson);
  if (!Array.isArray(fields)) throw unexpected('list', fields);
  const [id, value, sources, validFrom, validUntil, confidence, labels] = fields as unknown[];
  return {
    id: orNull(id, text),
    value: text(value),
    sources: texts(sources),
    validFrom: orNull(validFrom, instant),
    validUntil: orNull(validUntil, instant),
    confidence: orNull(confidence, number),
    labels: texts(labels),
  };
}

function orNull<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value);
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw unexpected('text', value);
  return value;
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) throw unexpected('list of texts', value);
  return value.map(text);
}

function instant(value: unknown): string {
  if (parseInstant(text(value)) === null) throw unexpected('instant', value);
  return text(value);
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw unexpected('number', value);
  return value;
}

function unexpected(expected: string, found: unknown): SnapshotError {
  return new SnapshotError(
    'inconsistent',
    `a ${expected} was expected in a detail, found ${typeof found}`,
  );
}
