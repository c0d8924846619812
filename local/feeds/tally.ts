import { formatPrefix, isSingle } from '../../shared/domain/address/prefix.ts';
import type {
  AcceptedEntry,
  FeedEntry,
  RefusalReason,
} from '../../shared/domain/indicator/feed-entry.ts';
import { validityAt } from '../../shared/domain/indicator/validity.ts';
import type { FeedFormat } from './read-feed.ts';

export interface FeedSummary {
  readonly format: FeedFormat;
  readonly entries: number;
  readonly indicators: number;
  readonly active: number;
  /** Accepted entries that stand a second time, in whatever spelling. */
  readonly duplicates: number;
  readonly constrained: number;
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>;
}

/** Counts the entries of one feed; validity is judged at `at`. */
export class Tally {
  readonly #at: number;
  readonly #format: FeedFormat | null;
  // Single IPv4 addresses as numbers: a set of texts takes three times the memory.
  readonly #ipv4 = new Set<number>();
  readonly #others = new Set<string>();
  readonly #refused: Partial<Record<RefusalReason, number>> = { bogon: 0 };
  #entries = 0;
  #indicators = 0;
  #active = 0;
  #duplicates = 0;
  #constrained = 0;
  #prefixes = 0;
  #ranges = 0;

  /** Without a format the summary names the one that the entries show. */
  constructor(at: number, format: FeedFormat | null) {
    this.#at = at;
    this.#format = format;
  }

  add(entry: FeedEntry): void {
    this.#entries++;
    if (entry.kind === 'refused') {
      this.#refused[entry.reason] = (this.#refused[entry.reason] ?? 0) + 1;
      return;
    }
    this.#indicators++;
    if (stateOf(entry, this.#at) === 'active') this.#active++;
    if (entry.constraint !== null) this.#constrained++;
    if (entry.nets.length > 1) this.#ranges++;
    else if (!isSingle(entry.nets[0]!)) this.#prefixes++;
    if (!this.#isNew(entry)) this.#duplicates++;
  }

  get summary(): FeedSummary {
    return {
      format: this.#format ?? this.#shownFormat(),
      entries: this.#entries,
      indicators: this.#indicators,
      active: this.#active,
      duplicates: this.#duplicates,
      constrained: this.#constrained,
      refused: this.#refused,
    };
  }

  #shownFormat(): FeedFormat {
    if (this.#ranges > 0) return 'ranges';
    return this.#prefixes > 0 ? 'netset' : 'plain';
  }

  #isNew({ nets, constraint, detail }: AcceptedEntry): boolean {
    const [net] = nets;
    const bare = nets.length === 1 && constraint === null && detail === null;
    if (bare && net!.family === 4 && isSingle(net!)) return addedTo(this.#ipv4, net!.words[0]);
    const key = JSON.stringify([nets.map(formatPrefix), constraint, detail]);
    return addedTo(this.#others, key);
  }
}

export function stateOf(entry: AcceptedEntry, at: number): 'active' | 'expired' | 'notYetValid' {
  // A list that says nothing of validity holds as long as it is published.
  return entry.detail === null ? 'active' : validityAt(entry.detail, at);
}

function addedTo<T>(set: Set<T>, value: T): boolean {
  const before = set.size;
  return set.add(value).size > before;
}
