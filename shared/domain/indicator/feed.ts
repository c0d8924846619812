import type { RefusalReason } from './feed-entry.ts';

// What Threadwatch knows of a configured feed between two refreshes: the document of the `feeds` container.

/** A set of indicators that a feed had at one time; the file with them is named by its hash and never changes. */
export interface FeedState {
  /** SHA-256 of the state's file, hexadecimal. */
  readonly id: string;
  /** SHA-256 of what was read, decoded: the same again is the same state, whatever times its entries carry. */
  readonly bodyHash: string;
  /** The record's `source` when it was read: the same bytes read as something else are another state. */
  readonly source: string;
  /** A state of a warning list holds addresses that no threat may have, and is never published as one. */
  readonly isWarningList: boolean;
  /** Epoch milliseconds at which it was fetched. */
  readonly fetchedAt: number;
  readonly counts: FeedCounts;
  /** For feeds that are read in pieces (TAXII, MISP): the file with the pieces, by its hash. */
  readonly piecesId: string | null;
}

export interface FeedCounts {
  readonly format: string;
  readonly entries: number;
  /** Entries that were accepted; of these `active` are in force when fetched. */
  readonly indicators: number;
  readonly active: number;
  readonly duplicates: number;
  /** Addresses and prefixes that the state lists, each once. */
  readonly listed: number;
  /** As the feed itself says, if it does. */
  readonly promised: number | null;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** Why a new state of a feed is not used before an operator has looked at it. */
export type HoldReason =
  /** It had indicators, and now has none. */
  | 'empty'
  /** Below half of the last good state. */
  | 'shrunk'
  /** Above twice the last good state. */
  | 'grown'
  /** It shares next to nothing with the last good state. */
  | 'replaced'
  /** Most of its lines are no indicators. */
  | 'unreadable'
  /** The feed promises another number of entries than it holds: it was cut, or is being written. */
  | 'cut'
  /** The operator went back from this state to an earlier one. */
  | 'rolledBack';

export interface HeldState {
  readonly state: FeedState;
  readonly reason: HoldReason;
  /** In words, with figures. */
  readonly explanation: string;
  /** Epoch milliseconds since when something is held. */
  readonly since: number;
}

/** What the feed lacks while the rest of it is in use: parts that could not be had, or that its source names but does not have. */
export const PARTIAL_FAILURES: ReadonlySet<string> = new Set(['partial', 'missing']);

export interface FeedFailure {
  /** Epoch milliseconds of the first and of the latest failure in a row. */
  readonly since: number;
  readonly at: number;
  readonly times: number;
  readonly code: string;
  /** For an operator; never holds a credential. */
  readonly message: string;
}

/** What makes the next fetch a conditional one, or an incremental one. */
export interface FetchMemory {
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** TAXII: `added_after` of the next page, as the server wrote it. */
  readonly addedAfter: string | null;
  /** When everything was last read, not only what is new. */
  readonly fullReadAt: number | null;
}

export interface FeedRecord {
  readonly name: string;
  /** Hash of the parts of the configuration, and of the readers, that decide what is read: when it changes, all is read anew. */
  readonly source: string;
  /** What the snapshot is built from; null before the first success. */
  readonly current: FeedState | null;
  /** Earlier states that were in use, the latest first. */
  readonly history: readonly FeedState[];
  readonly held: HeldState | null;
  /** The operator went back to `current`: nothing else is taken before they accept it, or the source lists that again. */
  readonly isPinned: boolean;
  readonly failure: FeedFailure | null;
  readonly memory: FetchMemory;
  /** Epoch milliseconds. When the source last said that `current` is still what it lists. */
  readonly confirmedAt: number | null;
  readonly lastAttemptAt: number | null;
  readonly lastSuccessAt: number | null;
  /** Not before this; a request of an operator comes at once. */
  readonly nextAttemptAt: number;
  readonly requestedAt: number | null;
  /** The problem that its alert tells of, as `settleHealth` writes it; null where it tells of none. */
  readonly told: string | null;
}

export const NO_MEMORY: FetchMemory = {
  etag: null,
  lastModified: null,
  addedAfter: null,
  fullReadAt: null,
};

export function newFeedRecord(name: string, source: string): FeedRecord {
  return {
    name,
    source,
    current: null,
    history: [],
    held: null,
    isPinned: false,
    failure: null,
    memory: NO_MEMORY,
    confirmedAt: null,
    lastAttemptAt: null,
    lastSuccessAt: null,
    nextAttemptAt: 0,
    requestedAt: null,
    told: null,
  };
}
