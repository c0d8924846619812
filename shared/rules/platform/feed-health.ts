import type { PlatformRule } from '../rule.ts';

/** A threat feed that cannot be had, or whose new state is not to be believed without a look. */
export const feedHealth = {
  alertType: 'TW_FeedHealth',
  severity: 'medium',
  displayName: 'A threat feed is not kept up to date',
  description:
    'A configured feed fails, changed so much that its new state is held back, or was not confirmed within its time to live. Detection goes on with its last good state until that expires.',
  limits:
    'A source that keeps answering with an outdated list looks healthy. Changes below the limits of docs/feeds.md pass unseen.',
  remediationSteps: [
    'See "threatwatch feeds status NAME" or GET /api/feeds for the reason and the figures.',
    'If the change is real, accept it: "threatwatch feeds accept NAME". If a wrong state is in use, go back: "threatwatch feeds rollback NAME".',
    'If the source fails, check its address and its credential; remove the feed if it has ended.',
  ],
} satisfies PlatformRule;
