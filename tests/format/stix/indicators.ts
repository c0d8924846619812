import type { FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import { readStixObject } from '../../../shared/format/stix/indicator-object.ts';

export const ID = 'indicator--0096f501-a34d-461d-b950-b3d031b954b4';

/** An indicator with all that it must have. */
export function indicator(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: ID,
    created: '2026-08-01T00:00:00.000Z',
    modified: '2026-08-02T00:00:00.000Z',
    valid_from: '2026-08-03T00:00:00.000Z',
    pattern: "[ipv4-addr:value = '45.66.64.1']",
    pattern_type: 'stix',
    ...fields,
  };
}

export function without(field: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(indicator()).filter(([name]) => name !== field));
}

export function entriesOf(object: unknown): readonly FeedEntry[] {
  const reading = readStixObject(object);
  if (reading === null) throw new Error('an indicator was expected');
  return reading.entries;
}
