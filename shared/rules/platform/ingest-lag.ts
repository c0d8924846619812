import type { PlatformRule } from '../rule.ts';

/** Messages wait to be read, so windows cannot be closed: nothing is said of devices until they are. */
export const ingestLag = {
  alertType: 'TW_IngestLag',
  severity: 'medium',
  displayName: 'Messages wait to be inspected',
  description:
    'Windows that are over cannot be closed, because messages of their time wait in the event hub. No device is judged by what was not read yet.',
  limits: 'Says nothing of messages that never reached the event hub.',
  remediationSteps: [
    'See in the function app’s logs whether ingest fails, and why.',
    'If it is only slow, scale out: an instance takes a partition at a time (docs/operations.md).',
    'The alert resolves when windows are closed in time again; what was late by our own fault is caught up in order.',
  ],
} satisfies PlatformRule;
