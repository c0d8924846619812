/**
 * What a feed lists. Every kind but `warningList` is a threat to some degree; the entries of a warning list only cap the
 * severity of what other feeds list.
 */
export type FeedKind =
  | 'threat'
  | 'commandAndControl'
  | 'malware'
  | 'scanner'
  | 'abuse'
  | 'anonymizer'
  | 'hosting'
  | 'warningList';

export const FEED_KINDS: readonly FeedKind[] = [
  'threat',
  'commandAndControl',
  'malware',
  'scanner',
  'abuse',
  'anonymizer',
  'hosting',
  'warningList',
];
