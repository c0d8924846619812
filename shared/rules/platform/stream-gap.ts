import type { PlatformRule } from '../rule.ts';

/** Messages that the event hub's retention destroyed before Threadwatch read them. */
export const streamGap = {
  alertType: 'TW_StreamGap',
  severity: 'high',
  displayName: 'Device messages were lost before they were inspected',
  description:
    'The event hub no longer holds a range of sequence numbers that was never read: nothing is known of that traffic.',
  limits:
    'A stream that was created anew and whose numbers have passed the old ones before it is first read cannot be told from a gap.',
  remediationSteps: [
    'See in the function app’s logs why ingest stood still for longer than the event hub’s retention.',
    'Raise the event hub’s retention, and scale out if ingest falls behind (docs/operations.md).',
    'Treat the devices’ traffic in that time as not inspected.',
  ],
} satisfies PlatformRule;
