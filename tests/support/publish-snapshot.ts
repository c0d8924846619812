import type { Clock } from '../../shared/ports/clock.ts';
import { earlierThanNext } from '../../shared/domain/indicator/publication.ts';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import type {
  IndicatorSnapshots,
  SnapshotPointer,
} from '../../shared/ports/indicator-snapshots.ts';

const MAX_CONFLICTS = 10;

/** Stores a snapshot file and makes it the current one; the one that is current already stays as it is. */
export async function publishSnapshot(
  snapshots: IndicatorSnapshots,
  clock: Clock,
  bytes: Uint8Array,
): Promise<SnapshotPointer> {
  const id = await snapshots.store(bytes);
  for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
    const stored = await snapshots.current();
    if (stored?.pointer.id === id) return stored.pointer;
    const pointer: SnapshotPointer = {
      ordinal: (stored?.pointer.ordinal ?? 0) + 1,
      id,
      publishedAt: formatInstant(clock.now()),
      allowlistId: stored?.pointer.allowlistId ?? null,
      earlier: earlierThanNext(stored?.pointer ?? null),
    };
    if (await snapshots.point(pointer, stored?.version ?? null)) return pointer;
  }
  throw new Error(`the snapshot pointer moved ${MAX_CONFLICTS} times while it was being written`);
}
