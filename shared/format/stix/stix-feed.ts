import { type FeedEntry, shownText } from '../../domain/indicator/feed-entry.ts';
import { boundedLabels } from '../../domain/indicator/indicator.ts';
import { strictest, type Tlp } from '../../domain/indicator/tlp.ts';
import { field, fieldsOf, textField } from './fields.ts';
import { readIdentity, readStixObject, type StixReading } from './indicator-object.ts';
import { readMarkingDefinition, tlpOfMarkings } from './markings.ts';
import { NewestVersions } from './versions.ts';

/** `type--UUID`: every STIX object but a few of version 2.0 has such an id. */
const STIX_ID = /^[a-z0-9-]{2,250}--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether an object is STIX, whatever its type: in a list of records it must not be taken for a record. */
export function isStixObject(object: unknown): boolean {
  const fields = fieldsOf(object);
  if (fields === null || typeof field(fields, 'type') !== 'string') return false;
  const id = textField(fields, 'id');
  return (id !== null && STIX_ID.test(id)) || readStixObject(object) !== null;
}

/**
 * The indicators of one document: of every id the newest version. Authors and markings are named by objects that may
 * stand anywhere in it, so they are looked up at the end: an own TLP:RED behind its indicator counts as well.
 */
export class StixFeed {
  readonly #versions = new NewestVersions();
  readonly #identities = new Map<string, string>();
  readonly #markings = new Map<string, Tlp>();

  /** An object of any type. */
  add(object: unknown): void {
    const identity = readIdentity(object);
    const marking = readMarkingDefinition(object);
    if (identity !== null) this.#identities.set(identity.id, identity.name);
    if (marking !== null) this.#markings.set(marking.id, marking.tlp);
    const reading = readStixObject(object);
    if (reading !== null) this.#versions.add(reading);
    else if (textField(fieldsOf(object) ?? {}, 'type') === null)
      this.#versions.add(noObject(object));
  }

  /** In order of arrival, when everything was added. */
  entries(): Iterable<FeedEntry> {
    return this.#versions.entries((reading) => this.#named(reading));
  }

  #named(reading: StixReading): readonly FeedEntry[] {
    const { author, markings, entries } = reading;
    const name = author === null ? undefined : this.#identities.get(author);
    const tlp = tlpOfMarkings(markings, this.#markings);
    if (name === undefined && tlp === null) return entries;
    return entries.map((entry) => {
      if (entry.kind === 'refused' || entry.detail === null) return entry;
      const sources = name === undefined ? entry.detail.sources : boundedLabels([name]);
      return {
        ...entry,
        detail: { ...entry.detail, sources, tlp: strictest(entry.detail.tlp, tlp) },
      };
    });
  }
}

/** What stands among objects and is none: counted, so that a document of another kind does not look like an empty bundle. */
function noObject(value: unknown): StixReading {
  const text = shownText(
    Object.keys(fieldsOf(value) ?? {})
      .slice(0, 8)
      .join(' '),
  );
  const entry: FeedEntry = { kind: 'refused', line: null, id: null, reason: 'malformed', text };
  return { id: null, modified: null, revoked: false, author: null, markings: [], entries: [entry] };
}
