/** `noReader`: nothing reads this content. `tooLarge`: it unpacks to more than a feed can be. */
export class FeedFileError extends Error {
  readonly code: 'noReader' | 'tooLarge';
  constructor(code: 'noReader' | 'tooLarge', message: string) {
    super(message);
    this.code = code;
  }
}
