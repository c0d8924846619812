import { formatPrefix, isSingle } from '../../../domain/address/prefix.ts';
import type { FeedCounts } from '../../../domain/indicator/feed.ts';
import type {
  AcceptedEntry,
  FeedEntry,
  RefusalReason,
} from '../../../domain/indicator/feed-entry.ts';
import {
  DEFAULT_POLICY,
  type IndicatorState,
  stateAt,
  type ValidityPolicy,
} from '../../../domain/indicator/validity.ts';

export interface FeedSummary extends Omit<FeedCounts, 'listed' | 'promised'> {
  /** Accepted entries with a port, a direction or a protocol that must hold too. */
  readonly constrained: number;
  /** Parts of accepted or refused entries that were left out beside the entry itself: further terms of a pattern. */
  readonly refusedParts: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** Counts the entries of one feed; validity is judged at `at`. */
export class Tally {
  readonly #at: number;
  readonly #policy: ValidityPolicy;
  // Single IPv4 addresses as numbers: a set of texts takes three times the memory.
  // Sixteen of them, because one holds 2^24 at most.
  readonly #ipv4 = Array.from({ length: 16 }, () => new Set<number>());
  readonly #others = new Set<string>();
  readonly #refused: Partial<Record<RefusalReason, number>> = { bogon: 0 };
  readonly #refusedParts: Partial<Record<RefusalReason, number>> = {};
  #entries = 0;
  #indicators = 0;
  #active = 0;
  #duplicates = 0;
  #constrained = 0;
  #prefixes = 0;
  #ranges = 0;

  constructor(at: number, policy: ValidityPolicy = DEFAULT_POLICY) {
    this.#at = at;
    this.#policy = policy;
  }

  add(entry: FeedEntry): void {
    if (entry.part !== true) this.#entries++;
    if (entry.kind === 'refused') {
      const counts = entry.part === true ? this.#refusedParts : this.#refused;
      counts[entry.reason] = (counts[entry.reason] ?? 0) + 1;
      return;
    }
    if (entry.range === true) this.#ranges++;
    else if (!isSingle(entry.nets[0]!)) this.#prefixes++;
    if (entry.part === true) return;
    this.#indicators++;
    if (stateOf(entry, this.#at, this.#policy) === 'active') this.#active++;
    if (entry.detail !== null && entry.detail.constraint !== null) this.#constrained++;
    if (!this.#isNew(entry)) this.#duplicates++;
  }

  /** Without a format the summary names the kind of list that the entries show. */
  summary(format: string | null): FeedSummary {
    return {
      format: format ?? this.#shownFormat(),
      entries: this.#entries,
      indicators: this.#indicators,
      active: this.#active,
      duplicates: this.#duplicates,
      constrained: this.#constrained,
      refused: this.#refused,
      refusedParts: this.#refusedParts,
    };
  }

  #shownFormat(): string {
    if (this.#ranges > 0) return 'ranges';
    return this.#prefixes > 0 ? 'netset' : 'plain';
  }

  #isNew({ nets, detail }: AcceptedEntry): boolean {
    const [net] = nets;
    if (nets.length === 1 && detail === null && net!.family === 4 && isSingle(net!)) {
      const word = net!.words[0];
      return addedTo(this.#ipv4[word & 15]!, word);
    }
    return addedTo(this.#others, JSON.stringify([nets.map(formatPrefix), detail]));
  }
}

export function stateOf(
  { standing, detail }: AcceptedEntry,
  at: number,
  policy: ValidityPolicy = DEFAULT_POLICY,
): IndicatorState {
  const { validFrom, validUntil, tlp } = detail ?? NOTHING_SAID;
  return stateAt({ standing, validFrom, validUntil, tlp }, at, policy);
}

/** A list that says nothing of validity holds as long as it is published. */
const NOTHING_SAID = { validFrom: null, validUntil: null, tlp: null };

function addedTo<T>(set: Set<T>, value: T): boolean {
  const before = set.size;
  return set.add(value).size > before;
}
