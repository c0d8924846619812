import { crc32 } from 'node:zlib';
import type { AllowEntry } from '../../domain/indicator/allowlist.ts';
import { readAllowlist } from '../../format/allowlist.ts';
import type { SnapshotRef } from '../../format/activity-log/header.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IndicatorSnapshots, SnapshotPointer } from '../../ports/indicator-snapshots.ts';

export interface LoadedSnapshot {
  readonly ref: SnapshotRef;
  readonly index: IndicatorSnapshot;
  readonly allowlist: readonly AllowEntry[];
}

/** Before the first publication nothing is listed; ordinal 0 lets a later hunt look again at all that was matched so. */
const NONE: SnapshotRef = { ordinal: 0, id: 'none' };

/**
 * The snapshot that this instance matches with: loaded by the first batch, swapped between batches. Asked often enough, it
 * looks at the pointer ahead of time and loads beside the batches, which go on with the old one until the new one is
 * ready: so at most two are in memory, and no batch waits for a download.
 */
export class CurrentSnapshot {
  readonly #snapshots: IndicatorSnapshots;
  readonly #clock: Clock;
  readonly #freshMs: number;
  #loaded: LoadedSnapshot | null = null;
  #allowlistId: string | null = null;
  #checkedAt = -Infinity;
  #refreshing: Promise<LoadedSnapshot> | null = null;
  #trouble: string | null = null;

  constructor(snapshots: IndicatorSnapshots, clock: Clock, freshMs: number) {
    this.#snapshots = snapshots;
    this.#clock = clock;
    this.#freshMs = freshMs;
  }

  /** Why the snapshot that the pointer names is not the one in use; null if it is. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** A snapshot that was held against the pointer lately enough; throws when that cannot be done now. */
  async fresh(): Promise<LoadedSnapshot> {
    const age = this.#clock.now() - this.#checkedAt;
    // Below 0 the clock was wrong then, or is now.
    if (this.#loaded === null || age < 0 || age > this.#freshMs) return this.refresh();
    // A third of the time is left for the loading; what fails here is tried again, and then waited for.
    if (age > (this.#freshMs * 2) / 3) this.refresh().catch(() => {});
    return this.#loaded;
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
      this.#loaded ??= { ref: NONE, index: openSnapshot(buildSnapshot([])), allowlist: [] };
    } else if (this.#loaded === null || pointer.ordinal > this.#loaded.ref.ordinal) {
      await this.#follow(pointer);
    }
    this.#checkedAt = askedAt;
    return this.#loaded!;
  }

  /** A file that is torn, foreign or of a format to come is refused, and what is loaded stays in use. */
  async #follow(pointer: SnapshotPointer): Promise<void> {
    try {
      this.#loaded = await this.#load(pointer);
      this.#allowlistId = pointer.allowlistId;
      this.#trouble = null;
    } catch (error) {
      if (this.#loaded === null || !isRefusal(error)) throw error;
      this.#trouble = `snapshot ${pointer.ordinal} (${pointer.id}) is refused: ${error.message}`;
    }
  }

  /** Only what changed is read: an edited allowlist leaves the index where it is. */
  async #load({ ordinal, id, allowlistId }: SnapshotPointer): Promise<LoadedSnapshot> {
    const before = this.#loaded;
    const index =
      before?.ref.id === id ? before.index : openSnapshot(await this.#snapshots.read(id), crc32);
    let allowlist: readonly AllowEntry[] = [];
    if (allowlistId !== null) {
      allowlist =
        before !== null && this.#allowlistId === allowlistId
          ? before.allowlist
          : readAllowlist(await this.#snapshots.readAllowlist(allowlistId));
    }
    return { ref: { ordinal, id }, index, allowlist };
  }
}

/** Whether a snapshot or an allowlist is what it should not be, so that asking again would not help. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && REFUSED.has(String(error.code));
}

/** Codes of errors that say that the bytes themselves are wrong: asking again would not help. */
const REFUSED: ReadonlySet<string> = new Set([
  'foreign',
  'truncated',
  'unsupportedVersion',
  'unknownSection',
  'corrupt',
  'inconsistent',
  'ALLOWLIST',
  'HASH_MISMATCH',
]);
