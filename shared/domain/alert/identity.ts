import type { AlertKey, AlertSubject } from './alert.ts';

/**
 * The text whose hash is an alert's id: the same finding has the same id whoever makes it and whenever. A JSON list, so
 * that no device id can imitate another field.
 */
export function identityText(hub: string, key: AlertKey): string {
  return JSON.stringify([
    hub,
    key.alertType,
    key.ruleType,
    key.deviceId,
    ...subjectParts(key.subject),
  ]);
}

/** The Cosmos partition of an alert: its device, or `platform` for Threadwatch's own health. */
export function partitionKeyOf(key: AlertKey): string {
  return key.deviceId ?? 'platform';
}

function subjectParts(subject: AlertSubject): readonly string[] {
  switch (subject.kind) {
    case 'address':
      return [subject.kind, subject.address];
    case 'window':
      return [subject.kind, subject.start, subject.end];
    case 'platform':
      return [subject.kind, subject.component, subject.key];
  }
}
