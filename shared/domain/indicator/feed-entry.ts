import type { Prefix } from '../address/prefix.ts';
import type { IndicatorDetail } from './indicator.ts';
import type { Standing } from './validity.ts';

/** What a reader makes of one entry of a feed. */
export type FeedEntry = AcceptedEntry | RefusedEntry;

export interface AcceptedEntry {
  readonly kind: 'indicator';
  readonly standing: Standing;
  /** Physical line, from 1; null in formats that have none. */
  readonly line: number | null;
  /** One for an address or a prefix; a range has the least set of them, a pattern all its addresses. */
  readonly nets: readonly Prefix[];
  /** null: the feed says nothing beside the address. */
  readonly detail: IndicatorDetail | null;
  /** Written as a range, whatever prefixes it is made of. */
  readonly range?: true;
  /** A further part of the entry before it (another term of its pattern): not an entry of its own. */
  readonly part?: true;
}

export interface RefusedEntry {
  readonly kind: 'refused';
  readonly line: number | null;
  readonly id: string | null;
  readonly reason: RefusalReason;
  /** What was refused: at most 80 characters, all printable ASCII. */
  readonly text: string;
  /** A part of the entry before it, whose other parts were taken. */
  readonly part?: true;
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
  | 'allowed'
  /** An entry that tells of something else than an address: a hash, a name, an autonomous system. */
  | 'noAddress'
  /** A STIX pattern that does not parse, or whose values are not what its paths need: it must match nothing. */
  | 'badPattern'
  /** A STIX pattern that is right but that one connection cannot answer: a negation, a sequence, a text match. */
  | 'unsupportedPattern'
  /** A pattern in another language than STIX. */
  | 'patternType'
  /** A time that does not read, or an end at or before its beginning. */
  | 'badValidity'
  /** An older version of an object that the same feed also holds in a newer one. */
  | 'superseded'
  /** One of more than 256 indicators of one feed on one network. */
  | 'crowded'
  /** A port that is no port. */
  | 'badPort'
  /** A record without the fields that its format needs, or of another type than they need. */
  | 'malformed';

const MAX_SHOWN = 80;

/** Text of a feed as a refused entry shows it: cut, and everything but printable ASCII escaped. */
export function shownText(text: string): string {
  let shown = '';
  for (const unit of text.slice(0, MAX_SHOWN).split('')) {
    const code = unit.charCodeAt(0);
    if (code >= 0x20 && code < 0x7f) shown += unit;
    else if (code < 0x100) shown += `\\x${code.toString(16).padStart(2, '0')}`;
    else shown += `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return shown.slice(0, MAX_SHOWN);
}
