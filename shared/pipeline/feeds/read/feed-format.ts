/** What one document can be; `plain`, `netset` and `ranges` differ in what they hold, not in how they are read. */
export const DOCUMENT_FORMATS = [
  'plain',
  'netset',
  'ranges',
  'csv',
  'json',
  'jsonl',
  'stix',
  'misp',
  'warninglist',
] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

/** Feeds of many documents, read in pieces over the network. */
export const SERVICE_FORMATS = ['taxii', 'misp-feed'] as const;

export const FEED_FORMATS = [...DOCUMENT_FORMATS, ...SERVICE_FORMATS] as const;

/** `noReader`: nothing reads this content. `tooLarge`: it unpacks to more than a feed can be. `damaged`: it breaks off. */
export class FeedFormatError extends Error {
  readonly code: 'noReader' | 'tooLarge' | 'damaged';
  constructor(code: 'noReader' | 'tooLarge' | 'damaged', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
