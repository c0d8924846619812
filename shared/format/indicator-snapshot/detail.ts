import type { Constraint, Protocol } from '../../domain/indicator/constraint.ts';
import { PROTOCOL_NAMES } from '../../domain/indicator/constraint.ts';
import type { IndicatorDetail } from '../../domain/indicator/indicator.ts';
import { TLPS, type Tlp } from '../../domain/indicator/tlp.ts';
import { parseInstant } from '../../domain/time/instant.ts';
import { parseAsciiJson, toAsciiJson } from '../ascii-json.ts';
import { SnapshotError, notJson } from './snapshot-error.ts';

/** A detail as ASCII JSON: a list, to save the names. */
export function writeDetail(detail: IndicatorDetail): string {
  const { id, sources, validFrom, validUntil, confidence, labels, tlp, listedSince } = detail;
  const constraint =
    detail.constraint === null
      ? null
      : [detail.constraint.ports, detail.constraint.direction, detail.constraint.protocol];
  return toAsciiJson([
    id,
    sources,
    validFrom,
    validUntil,
    confidence,
    labels,
    constraint,
    tlp,
    listedSince,
  ]);
}

export function readDetail(bytes: Uint8Array): IndicatorDetail {
  const fields: unknown = parseAsciiJson(bytes, notJson);
  if (!Array.isArray(fields)) throw unexpected('list', fields);
  const [id, sources, validFrom, validUntil, confidence, labels, constraint, tlp, listedSince] =
    fields as unknown[];
  return {
    id: orNull(id, text),
    sources: texts(sources),
    validFrom: orNull(validFrom, instant),
    validUntil: orNull(validUntil, instant),
    confidence: orNull(confidence, number),
    labels: texts(labels),
    constraint: orNull(constraint, constraintOf),
    tlp: orNull(tlp, tlpOf),
    listedSince: orNull(listedSince, instant),
  };
}

/** What it does not understand must not be read as "no constraint": the indicator would fire too often. */
function constraintOf(value: unknown): Constraint {
  if (!Array.isArray(value)) throw unexpected('constraint', value);
  const [ports, direction, protocol] = value as unknown[];
  return {
    ports: orNull(ports, portsOf),
    direction: orNull(direction, directionOf),
    protocol: orNull(protocol, protocolOf),
  };
}

function portsOf(value: unknown): number[] {
  if (!Array.isArray(value)) throw unexpected('list of ports', value);
  return value.map(number);
}

function directionOf(value: unknown): 'source' | 'destination' {
  if (value !== 'source' && value !== 'destination') throw unexpected('direction', value);
  return value;
}

function protocolOf(value: unknown): Protocol {
  const protocol = PROTOCOL_NAMES.find((name) => name === value);
  if (protocol === undefined) throw unexpected('protocol', value);
  return protocol;
}

function tlpOf(value: unknown): Tlp {
  const tlp = TLPS.find((name) => name === value);
  if (tlp === undefined) throw unexpected('TLP', value);
  return tlp;
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
