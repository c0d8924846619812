import { type Prefix, isSingle } from '../../shared/domain/address/prefix.ts';
import { ipv4 } from '../../shared/domain/address/address.ts';
import type { AcceptedEntry } from '../../shared/domain/indicator/feed-entry.ts';
import type { IndicatorDetail } from '../../shared/domain/indicator/indicator.ts';
import type { SnapshotIndicator } from '../../shared/format/indicator-snapshot/collect.ts';
import { U32List } from '../../shared/format/indicator-snapshot/u32-list.ts';

/** The indicators of one feed in memory: bare IPv4 addresses, nearly all there is, as four bytes each. */
export class CollectedFeed implements Iterable<SnapshotIndicator> {
  readonly #ipv4 = new U32List();
  readonly #others: { prefix: Prefix; detail: IndicatorDetail | null }[] = [];

  add({ nets, detail }: AcceptedEntry): void {
    for (const prefix of nets) {
      if (detail === null && prefix.family === 4 && isSingle(prefix)) {
        this.#ipv4.push(prefix.words[0]);
      } else {
        this.#others.push({ prefix, detail });
      }
    }
  }

  *[Symbol.iterator](): Iterator<SnapshotIndicator> {
    for (const word of this.#ipv4.view()) {
      yield { prefix: { ...ipv4(word), bits: 32 }, detail: null };
    }
    yield* this.#others;
  }
}
