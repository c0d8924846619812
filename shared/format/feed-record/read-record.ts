import { parseAddress } from '../../domain/address/address.ts';
import { widthOf } from '../../domain/address/prefix.ts';
import { refusalOfNets } from '../../domain/indicator/breadth.ts';
import {
  type Constraint,
  MAX_PORTS,
  PROTOCOL_NAMES,
  type Protocol,
  normalConstraint,
} from '../../domain/indicator/constraint.ts';
import {
  type FeedEntry,
  type RefusalReason,
  shownText,
} from '../../domain/indicator/feed-entry.ts';
import type { Standing } from '../../domain/indicator/validity.ts';
import { MAX_LINE_BYTES } from '../feed-text/line-cutter.ts';
import { type ParsedValue, parseValue } from '../feed-text/parse-value.ts';
import { parseAttribute } from '../misp/attribute-value.ts';
import type { Columns } from './columns.ts';
import { isFalse, isTrue, textOf, textsOf } from './json-value.ts';
import { type Cells, detailOf, firstText, idOf, validityOf } from './record-detail.ts';
import { refusalOfType } from './value-type.ts';

/** Classes by which a source says that an entry is no threat, without case, blanks and hyphens. */
const BENIGN: ReadonlySet<string> = new Set([
  'legitimate',
  'benign',
  'clean',
  'allowlist',
  'allowlisted',
  'whitelist',
  'whitelisted',
  'falsepositive',
  'knowngood',
  'safe',
  'trusted',
]);
/** Longer ones are none of these classes. */
const MAX_CLASS = 64;
/** Types of MISP that say more than that the value is an address: the end, the port, the half. */
const ATTRIBUTES: ReadonlySet<string> = new Set([
  'ip-dst',
  'ip-src',
  'ip-dst|port',
  'ip-src|port',
  'domain|ip',
]);

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
  const type = firstText(cells, columns.valueType);
  const parsed = refusalOfType(type) ?? parse(value, type, cells, columns);
  if (typeof parsed === 'string') return refused(parsed);
  const unfit = refusalOfNets(parsed.nets, parsed.hostBits);
  if (unfit !== null) return refused(unfit);

  const protocol = protocolOf(firstText(cells, columns.protocol));
  const constraint = constraintOf(parsed.constraint, portsOf(cells, columns), protocol);
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

function parse(
  value: string,
  type: string,
  cells: Cells,
  columns: Columns,
): ParsedValue | RefusalReason {
  if (value === '') return 'malformed';
  if (value.length > MAX_LINE_BYTES) return 'tooLong';
  const bare = refanged(value);
  if (ATTRIBUTES.has(type.toLowerCase())) return parseTyped(bare, type.toLowerCase());
  if (parseAddress(bare) !== null) return parseExtent(bare, cells, columns);
  // A cell has no comment: `a;b` are two addresses, as `a,b` are.
  return parseValue(bare.replaceAll(';', ','));
}

function parseTyped(value: string, type: string): ParsedValue | RefusalReason {
  const parsed = parseAttribute(type, value);
  if (typeof parsed === 'string') return parsed;
  const { net, constraint } = parsed;
  return { nets: [net], hostBits: widthOf(net.family) - net.bits, constraint };
}

/** An address, with the end of its range or its mask where a table has a column for it. */
function parseExtent(
  address: string,
  cells: Cells,
  { rangeEnd, mask }: Columns,
): ParsedValue | RefusalReason {
  const end = refanged(firstText(cells, rangeEnd));
  const bits = firstText(cells, mask).replace('/', '');
  if (end === '' && bits === '') return rangeEnd.length > 0 ? 'range' : parseValue(address);
  if (end !== '') return parseAddress(end) === null ? 'range' : parseValue(`${address}-${end}`);
  return /^[\d.]{1,15}$/.test(bits) ? parseValue(`${address}/${bits}`) : 'notAnAddress';
}

function refanged(text: string): string {
  return text.replaceAll('[.]', '.');
}

function standingOf(cells: Cells, { revoked, classification, toIds }: Columns): Standing {
  if (revoked.some((column) => isTrue(cells(column)))) return 'revoked';
  if (toIds.some((column) => isFalse(cells(column)))) return 'context';
  return classification.some((column) => isBenign(textOf(cells(column)))) ? 'context' : 'listed';
}

function isBenign(text: string): boolean {
  return text.length <= MAX_CLASS && BENIGN.has(text.toLowerCase().replaceAll(/[ _-]/g, ''));
}

/** What the value itself says (`addr:port`) and what the fields for it say must agree. */
function constraintOf(
  ofValue: Constraint | null,
  ports: readonly number[] | 'badPort',
  protocol: Protocol | null,
): Constraint | null | RefusalReason {
  if (ports === 'badPort') return ports;
  const { ports: own, direction } = ofValue ?? { ports: null, direction: null };
  if (own === null) {
    return normalConstraint({ ports: ports.length === 0 ? null : ports, direction, protocol });
  }
  const agrees = ports.length === 0 || own.every((port) => ports.includes(port));
  return agrees ? { ports: own, direction, protocol } : 'ambiguous';
}

/** `HTTP` is what was spoken over one of these, and may be over another port elsewhere. */
function protocolOf(text: string): Protocol | null {
  return (
    PROTOCOL_NAMES.find((name) => text.length <= name.length && text.toLowerCase() === name) ?? null
  );
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
