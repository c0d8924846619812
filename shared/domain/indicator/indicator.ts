import type { Validity } from './validity.ts';

/** What a feed says of an indicator beside its addresses. Lists of bare addresses say nothing. */
export interface IndicatorDetail extends Validity {
  /** The source's own name for it: STIX id, MISP uuid. */
  readonly id: string | null;
  /** As the feed wrote it. */
  readonly value: string;
  readonly sources: readonly string[];
  /** 0 to 100; null means unspecified, which is not 0. */
  readonly confidence: number | null;
  readonly labels: readonly string[];
}

/** An indicator that covers an address that was asked for; whether it holds at that time is the caller's question. */
export interface MatchedIndicator extends IndicatorDetail {
  readonly feed: string;
  /** The prefix, in canonical text, by which it covers the address. */
  readonly matchedPrefix: string;
}
