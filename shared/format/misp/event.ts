// MISP events (misp-core-format): an event has attributes, and objects that have attributes.
import { widthOf } from '../../domain/address/prefix.ts';
import { refusalOfNets } from '../../domain/indicator/breadth.ts';
import type { Constraint } from '../../domain/indicator/constraint.ts';
import {
  type FeedEntry,
  type RefusalReason,
  shownText,
} from '../../domain/indicator/feed-entry.ts';
import type { Standing } from '../../domain/indicator/validity.ts';
import {
  type IndicatorDetail,
  NO_DETAIL,
  boundedLabels,
} from '../../domain/indicator/indicator.ts';
import { strictest } from '../../domain/indicator/tlp.ts';
import { type JsonObject, isObject, isTrue, itemsOf, textOf } from '../feed-record/json-value.ts';
import { type ParsedAttribute, parseAttribute } from './attribute-value.ts';
import { timestampOf, uuidOf } from './identity.ts';
import { type MispTags, readTags } from './tags.ts';

export interface MispEventReading {
  readonly uuid: string | null;
  /** Unix seconds of the last change. */
  readonly timestamp: number | null;
  /** One for each attribute: those of the event, then those of its objects. */
  readonly entries: readonly FeedEntry[];
}

/** What holds for all attributes of an event, or of one of its objects. */
interface Surroundings {
  readonly deleted: boolean;
  readonly sources: readonly string[];
  readonly tags: MispTags;
}

/** Null if the document is no event, `{"Event":{…}}`. */
export function readMispEvent(document: unknown): MispEventReading | null {
  const event = isObject(document) ? document['Event'] : undefined;
  if (!isObject(event)) return null;
  const creator = event['Orgc'];
  const around: Surroundings = {
    deleted: isTrue(event['deleted']),
    sources: isObject(creator) ? boundedLabels([textOf(creator['name'])]) : [],
    tags: readTags(event['Tag']),
  };
  const entries = [
    ...itemsOf(event['Attribute']).map((item) => readAttribute(item, around)),
    ...itemsOf(event['Object']).flatMap((item) => readObject(item, around)),
  ];
  return { uuid: uuidOf(event['uuid']), timestamp: timestampOf(event['timestamp']), entries };
}

/** The events of an export: one alone, `{"response":[…]}` or a bare list. Null if there is none; items may be broken. */
export function mispEventsOf(document: unknown): readonly unknown[] | null {
  if (isEvent(document)) return [document];
  const response = isObject(document) ? document['response'] : undefined;
  if (Array.isArray(response) && response.length === 0) return [];
  const list = response ?? document;
  return Array.isArray(list) && list.some(isEvent) ? list : null;
}

function isEvent(document: unknown): boolean {
  return isObject(document) && isObject(document['Event']);
}

function readObject(item: unknown, event: Surroundings): readonly FeedEntry[] {
  if (!isObject(item)) return [refusedItem(item)];
  const around = { ...event, deleted: event.deleted || isTrue(item['deleted']) };
  return itemsOf(item['Attribute']).map((attribute) => readAttribute(attribute, around));
}

function readAttribute(item: unknown, around: Surroundings): FeedEntry {
  if (!isObject(item)) return refusedItem(item);
  const [type, value] = [textOf(item['type']), textOf(item['value'])];
  const id = uuidOf(item['uuid']);
  const parsed = onlyFit(parseAttribute(type, value));
  if (typeof parsed === 'string') {
    const text = shownText(`${type} ${value}`);
    return { kind: 'refused', line: null, id, reason: parsed, text };
  }
  const detail = detailOf(item, id, parsed.constraint, around);
  const standing = standingOf(item, around);
  return { kind: 'indicator', standing, line: null, nets: [parsed.net], detail };
}

function onlyFit(parsed: ParsedAttribute | RefusalReason): ParsedAttribute | RefusalReason {
  if (typeof parsed === 'string') return parsed;
  const { family, bits } = parsed.net;
  return refusalOfNets([parsed.net], widthOf(family) - bits) ?? parsed;
}

/** `first_seen` and `last_seen` are sightings: an attribute holds until it is deleted. */
function detailOf(
  attribute: JsonObject,
  id: string | null,
  constraint: Constraint | null,
  { sources, tags }: Surroundings,
): IndicatorDetail {
  const own = readTags(attribute['Tag']);
  const confidence = own.confidence === undefined ? tags.confidence : own.confidence;
  return {
    ...NO_DETAIL,
    id,
    sources,
    confidence: confidence ?? null,
    labels: boundedLabels([textOf(attribute['category']), ...own.labels, ...tags.labels]),
    constraint,
    tlp: strictest(own.tlp, tags.tlp),
  };
}

function standingOf(attribute: JsonObject, { deleted }: Surroundings): Standing {
  if (deleted || isTrue(attribute['deleted'])) return 'revoked';
  return isTrue(attribute['to_ids']) ? 'listed' : 'context';
}

function refusedItem(item: unknown): FeedEntry {
  return {
    kind: 'refused',
    line: null,
    id: null,
    reason: 'malformed',
    text: shownText(textOf(item)),
  };
}
