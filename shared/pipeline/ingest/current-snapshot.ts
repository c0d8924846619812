import { crc32 } from 'node:zlib';
import type { SnapshotRef } from '../../format/activity-log/header.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IndicatorSnapshots } from '../../ports/indicator-snapshots.ts';

export interface LoadedSnapshot {
  readonly ref: SnapshotRef;
  readonly index: IndicatorSnapshot;
}

/** Before the first publication nothing is listed; ordinal 0 lets a later hunt look again at all that was matched so. */
const NONE: SnapshotRef = { ordinal: 0, id: 'none' };

/** The snapshot that this instance matches with: loaded by the first batch, swapped between batches. */
export class CurrentSnapshot {
  readonly #snapshots: IndicatorSnapshots;
  readonly #clock: Clock;
  readonly #freshMs: number;
  #loaded: LoadedSnapshot | null = null;
  #checkedAt = -Infinity;
  #refreshing: Promise<LoadedSnapshot> | null = null;

  constructor(snapshots: IndicatorSnapshots, clock: Clock, freshMs: number) {
    this.#snapshots = snapshots;
    this.#clock = clock;
    this.#freshMs = freshMs;
  }

  /** A snapshot that was held against the pointer lately enough; throws when that cannot be done now. */
  async fresh(): Promise<LoadedSnapshot> {
    const stale = this.#clock.now() - this.#checkedAt > this.#freshMs;
    return stale || this.#loaded === null ? this.refresh() : this.#loaded;
  }

  /** Reads the pointer, and the snapshot if it is another one. Batches that ask at once share one reading. */
  async refresh(): Promise<LoadedSnapshot> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #read(): Promise<LoadedSnapshot> {
    const askedAt = this.#clock.now();
    const pointer = (await this.#snapshots.current())?.pointer;
    if (pointer === undefined) {
      this.#loaded ??= { ref: NONE, index: openSnapshot(buildSnapshot([])) };
    } else if (this.#loaded === null || pointer.ordinal > this.#loaded.ref.ordinal) {
      const bytes = await this.#snapshots.read(pointer.id);
      this.#loaded = {
        ref: { ordinal: pointer.ordinal, id: pointer.id },
        index: openSnapshot(bytes, crc32),
      };
    }
    this.#checkedAt = askedAt;
    return this.#loaded;
  }
}
