import type { Constraint } from './constraint.ts';
import type { FeedKind } from './feed-kind.ts';
import type { Tlp } from './tlp.ts';
import type { Validity } from './validity.ts';

/** What is known of an indicator beside its addresses. Lists of bare addresses say nothing. */
export interface IndicatorDetail extends Validity {
  /** The source's own name for it: STIX id, MISP uuid. */
  readonly id: string | null;
  /** Who says so, if the feed passes on what others say; empty: the feed itself. */
  readonly sources: readonly string[];
  /** 0 to 100; null means unspecified, which is not 0. */
  readonly confidence: number | null;
  readonly labels: readonly string[];
  readonly constraint: Constraint | null;
  /** Who may be told; null: the feed does not say. */
  readonly tlp: Tlp | null;
  /** ISO 8601; when the feed was first seen to list it. Null until a feed's state is kept. */
  readonly listedSince: string | null;
}

/** A detail that says nothing: what a bare address has. */
export const NO_DETAIL: IndicatorDetail = {
  id: null,
  sources: [],
  validFrom: null,
  validUntil: null,
  confidence: null,
  labels: [],
  constraint: null,
  tlp: null,
  listedSince: null,
};

/** An indicator that covers an address that was asked for; whether it holds at that time is the caller's question. */
export interface MatchedIndicator extends IndicatorDetail {
  readonly feed: string;
  readonly kind: FeedKind;
  /** The listed address or prefix, in canonical text. */
  readonly value: string;
  /** The same with its length, also for a single address. */
  readonly matchedPrefix: string;
}

/** A warning list that covers an address: infrastructure that is listed as a threat more often than it is one. */
export interface WarningMatch {
  readonly list: string;
  readonly matchedPrefix: string;
}

/** No feed may fill alerts with text: labels are cut to so many, of so many characters. */
export const MAX_LABELS = 16;
export const MAX_LABEL_LENGTH = 64;

/** Distinct labels within the limits. */
export function boundedLabels(labels: readonly string[]): readonly string[] {
  const cut = labels.map((label) => label.trim().slice(0, MAX_LABEL_LENGTH)).filter(Boolean);
  return [...new Set(cut)].slice(0, MAX_LABELS);
}
