import { crc32 } from 'node:zlib';
import type { AllowEntry } from '../../domain/indicator/allowlist.ts';
import { readAllowlist } from '../../format/allowlist.ts';
import type { SnapshotRef } from '../../format/activity-log/header.ts';
import { buildSnapshot } from '../../format/indicator-snapshot/build-snapshot.ts';
import type { IndicatorSnapshot } from '../../format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../format/indicator-snapshot/open-snapshot.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IndicatorSnapshots, SnapshotPointer } from '../../ports/indicator-snapshots.ts';
import { KeptFresh } from './kept-fresh.ts';

export interface LoadedSnapshot {
  readonly ref: SnapshotRef;
  readonly index: IndicatorSnapshot;
  readonly allowlist: readonly AllowEntry[];
}

/** Before the first publication nothing is listed; ordinal 0 lets a later hunt look again at all that was matched so. */
const NONE: SnapshotRef = { ordinal: 0, id: 'none' };

/**
 * The snapshot that this instance matches with: loaded by the first batch, swapped between batches. At most two are in memory,
 * and no batch waits for a download (`KeptFresh`).
 */
export class CurrentSnapshot {
  readonly #snapshots: IndicatorSnapshots;
  readonly #kept: KeptFresh<LoadedSnapshot>;
  #allowlistId: string | null = null;
  #trouble: string | null = null;

  constructor(snapshots: IndicatorSnapshots, clock: Clock, freshMs: number) {
    this.#snapshots = snapshots;
    this.#kept = new KeptFresh((loaded) => this.#read(loaded), clock, freshMs);
  }

  /** Why the snapshot that the pointer names is not the one in use; null if it is. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** A snapshot that was held against the pointer lately enough; throws when that cannot be done now. */
  async fresh(): Promise<LoadedSnapshot> {
    return this.#kept.fresh();
  }

  /** Reads the pointer, and the snapshot if it is another one. */
  async refresh(): Promise<LoadedSnapshot> {
    return this.#kept.refresh();
  }

  async #read(loaded: LoadedSnapshot | null): Promise<LoadedSnapshot> {
    const pointer = (await this.#snapshots.current())?.pointer;
    if (pointer === undefined) {
      return loaded ?? { ref: NONE, index: openSnapshot(buildSnapshot([])), allowlist: [] };
    }
    return loaded === null || pointer.ordinal > loaded.ref.ordinal
      ? this.#follow(pointer, loaded)
      : loaded;
  }

  /** A file that is torn, foreign or of a format to come is refused, and what is loaded stays in use. */
  async #follow(pointer: SnapshotPointer, before: LoadedSnapshot | null): Promise<LoadedSnapshot> {
    try {
      const loaded = await this.#load(pointer, before);
      this.#allowlistId = pointer.allowlistId;
      this.#trouble = null;
      return loaded;
    } catch (error) {
      if (before === null || !isRefusal(error)) throw error;
      this.#trouble = `snapshot ${pointer.ordinal} (${pointer.id}) is refused: ${error.message}`;
      return before;
    }
  }

  /** Only what changed is read: an edited allowlist leaves the index where it is. */
  async #load(
    { ordinal, id, allowlistId }: SnapshotPointer,
    before: LoadedSnapshot | null,
  ): Promise<LoadedSnapshot> {
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
