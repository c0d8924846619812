import { isObject } from '../feed-record/json-value.ts';
import { timestampOf, uuidOf } from './identity.ts';

export interface MispManifest {
  readonly events: readonly MispManifestEntry[];
  /** Members that name no event. */
  readonly refused: number;
}

export interface MispManifestEntry {
  /** As it is written: the event's file is named by it. */
  readonly uuid: string;
  /** Unix seconds of the last change; null if it does not read, and then only the event itself can tell. */
  readonly timestamp: number | null;
}

/**
 * `manifest.json` of a MISP feed: `{"<uuid>":{"timestamp",…},…}`. Null if it is none: an answer such as `{"message":…}` must
 * not read as a feed that withdrew all its events.
 */
export function readMispManifest(document: unknown): MispManifest | null {
  if (!isObject(document)) return null;
  const members = Object.entries(document);
  const events: MispManifestEntry[] = [];
  for (const [name, about] of members) {
    const uuid = uuidOf(name);
    if (uuid !== null && isObject(about)) {
      events.push({ uuid, timestamp: timestampOf(about['timestamp']) });
    }
  }
  if (events.length === 0 && members.length > 0) return null;
  return { events, refused: members.length - events.length };
}
