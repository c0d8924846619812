import { refusalOfNets } from '../../domain/indicator/breadth.ts';
import type { Constraint } from '../../domain/indicator/constraint.ts';
import {
  type FeedEntry,
  type RefusalReason,
  shownText,
} from '../../domain/indicator/feed-entry.ts';
import type { Standing } from '../../domain/indicator/validity.ts';
import { MAX_LINE_BYTES } from '../feed-text/line-cutter.ts';
import { type ParsedValue, parseValue } from '../feed-text/parse-value.ts';
import type { Columns } from './columns.ts';
import { isTrue, textOf, textsOf } from './json-value.ts';
import { type Cells, detailOf, firstText, idOf, validityOf } from './record-detail.ts';
import { refusalOfType } from './value-type.ts';

/** Classes by which a source says that an entry is no threat. */
const BENIGN: ReadonlySet<string> = new Set([
  'legitimate',
  'benign',
  'clean',
  'allowlist',
  'whitelist',
  'safe',
  'trusted',
]);
const MAX_PORTS = 64;

/**
 * The entry that a record with named fields is: a row of a table, `(column) => row[column]`, or an object of JSON. Rows may
 * be shorter than their header.
 */
export function readRecord(cells: Cells, columns: Columns, line: number | null): FeedEntry {
  const value = firstText(cells, columns.value);
  const refused = (reason: RefusalReason): FeedEntry => ({
    kind: 'refused',
    line,
    id: idOf(cells, columns),
    reason,
    text: shownText(value),
  });
  const parsed = refusalOfType(firstText(cells, columns.valueType)) ?? parse(value);
  if (typeof parsed === 'string') return refused(parsed);
  const unfit = refusalOfNets(parsed.nets, parsed.hostBits);
  if (unfit !== null) return refused(unfit);

  const constraint = constraintOf(parsed.constraint, portsOf(cells, columns));
  if (typeof constraint === 'string') return refused(constraint);
  const validity = validityOf(cells, columns);
  if (validity === null) return refused('badValidity');
  const detail = detailOf(cells, columns, constraint, validity);
  return {
    kind: 'indicator',
    standing: standingOf(cells, columns),
    line,
    nets: parsed.nets,
    detail,
  };
}

function parse(value: string): ParsedValue | RefusalReason {
  if (value === '') return 'malformed';
  return value.length > MAX_LINE_BYTES ? 'tooLong' : parseValue(value.replaceAll('[.]', '.'));
}

function standingOf(cells: Cells, { revoked, classification }: Columns): Standing {
  if (revoked.some((column) => isTrue(cells(column)))) return 'revoked';
  const classes = classification.map((column) => textOf(cells(column)).toLowerCase());
  return classes.some((text) => BENIGN.has(text)) ? 'context' : 'listed';
}

/** What the value itself says (`addr:port`) and what the field for it says must agree. */
function constraintOf(
  ofValue: Constraint | null,
  ports: readonly number[] | 'badPort',
): Constraint | null | RefusalReason {
  if (ports === 'badPort' || ports.length === 0) return ports === 'badPort' ? ports : ofValue;
  if (ofValue === null) return { ports, direction: null, protocol: null };
  return ofValue.ports?.every((port) => ports.includes(port)) ? ofValue : 'ambiguous';
}

/** Ports of the first field that has any; 0 stands for none where a table needs a number. */
function portsOf(cells: Cells, columns: Columns): readonly number[] | 'badPort' {
  for (const column of columns.port) {
    const texts = textsOf(cells(column));
    if (texts.length > MAX_PORTS || texts.some((text) => !isPortOrNone(text))) return 'badPort';
    if (texts.length > 0) return [...new Set(texts.map(Number))].filter((port) => port !== 0);
  }
  return [];
}

function isPortOrNone(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
