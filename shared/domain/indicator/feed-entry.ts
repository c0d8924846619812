import type { Prefix } from '../address/prefix.ts';
import type { Constraint } from './constraint.ts';
import type { IndicatorDetail } from './indicator.ts';

/** What a reader makes of one entry of a feed. */
export type FeedEntry = AcceptedEntry | RefusedEntry;

export interface AcceptedEntry {
  readonly kind: 'indicator';
  /** Physical line, from 1; null in formats that have none. */
  readonly line: number | null;
  /** One for an address or a prefix; a range has the least set of them, a pattern all its addresses. */
  readonly nets: readonly Prefix[];
  readonly constraint: Constraint | null;
  /** null: the feed says nothing beside the address. */
  readonly detail: IndicatorDetail | null;
}

export interface RefusedEntry {
  readonly kind: 'refused';
  readonly line: number | null;
  readonly id: string | null;
  readonly reason: RefusalReason;
  /** What was refused: at most 80 characters, all printable ASCII. */
  readonly text: string;
}

export type RefusalReason =
  /** Reads as no address, prefix or range in a strict form. */
  | 'notAnAddress'
  /** Private, reserved, multicast, documentation: never a peer across the Internet. Also a prefix that holds some. */
  | 'bogon'
  | 'tooBroad'
  /** A range that runs backwards, mixes families or lacks an end. */
  | 'range'
  /** Bytes outside printable ASCII in the value. */
  | 'encoding'
  | 'tooLong'
  | 'domain'
  | 'url'
  /** Two addresses on a line: which one is meant? */
  | 'ambiguous'
  /** An eMule entry with an access level above 127: such addresses are let through. */
  | 'allowed';
