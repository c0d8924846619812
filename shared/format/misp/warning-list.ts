import { parsePrefix } from '../../domain/address/prefix.ts';
import {
  type FeedEntry,
  type RefusalReason,
  shownText,
} from '../../domain/indicator/feed-entry.ts';
import { isObject, textOf, trimBlanks } from '../feed-record/json-value.ts';
import { MAX_LINE_BYTES } from '../feed-text/line-cutter.ts';
import { parseValue } from '../feed-text/parse-value.ts';

export interface WarningListReading {
  readonly name: string;
  readonly version: string | null;
  /** `cidr`, `string`, `hostname`, `substring` or `regex`; of others no item is understood. */
  readonly type: string;
  readonly entries: readonly FeedEntry[];
}

/** A name is shown wherever its list has an effect. */
const MAX_NAME = 128;

/** A MISP warning list: known infrastructure, of which alerts shall say that it is. Null for any other document. */
export function readWarningList(document: unknown): WarningListReading | null {
  if (!isObject(document)) return null;
  const { name, type, version, list, matching_attributes: attributes } = document;
  if (typeof name !== 'string' || typeof type !== 'string' || !Array.isArray(list)) return null;
  const refusal = refusalOfList(type, attributes);
  return {
    name: trimBlanks(name).slice(0, MAX_NAME),
    version: textOf(version).slice(0, MAX_NAME) || null,
    type: type.slice(0, MAX_NAME),
    entries: list.map((item) => readItem(item, refusal)),
  };
}

/** Why the items of a list are no addresses, whatever they look like; null if they are to be parsed. */
function refusalOfList(type: string, attributes: unknown): RefusalReason | null {
  if (type === 'cidr') return null;
  if (type === 'hostname') return 'domain';
  // Regular expressions of strangers are not run: one of them can stop a program.
  if (type !== 'string') return 'noAddress';
  // The fuzzy hash of an empty file, `3::`, is also an address.
  const isForOthers = Array.isArray(attributes) && !attributes.some(isAddressAttribute);
  return isForOthers && attributes.length > 0 ? 'noAddress' : null;
}

function isAddressAttribute(name: unknown): boolean {
  return typeof name === 'string' && /^(?:ALL$|ip-|domain\|ip$)/.test(name);
}

/** Private and broad networks are what such lists are for: they are accepted here. */
function readItem(item: unknown, refusal: RefusalReason | null): FeedEntry {
  if (typeof item !== 'string') return refused('malformed', textOf(item));
  const text = trimBlanks(item);
  if (refusal !== null) return refused(refusal, text);
  const net = parsePrefix(text);
  if (net === null) return refused(refusalOf(text), text);
  return { kind: 'indicator', standing: 'context', line: null, nets: [net], detail: null };
}

function refusalOf(text: string): RefusalReason {
  if (text.length > MAX_LINE_BYTES) return 'notAnAddress';
  return parseValue(text) === 'domain' ? 'domain' : 'notAnAddress';
}

function refused(reason: RefusalReason, text: string): FeedEntry {
  return { kind: 'refused', line: null, id: null, reason, text: shownText(text) };
}
