import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type {
  IndicatorSnapshots,
  SnapshotPointer,
  StoredPointer,
} from '../../ports/indicator-snapshots.ts';
import { CONTAINERS } from './blob-service.ts';
import { listOlder, readHashed, removeOlder, storeHashed } from './hashed-blobs.ts';
import { readJsonBlob, writeJsonBlob } from './json-blob.ts';

const POINTER = 'current.json';
const SNAPSHOTS = 'snapshots';
const ALLOWLISTS = 'allowlists';

/** `indicators/snapshots/{sha256}`, `indicators/allowlists/{sha256}` and `indicators/current.json`. */
export class BlobIndicatorSnapshots implements IndicatorSnapshots {
  readonly #container: ContainerClient;

  constructor(service: BlobServiceClient) {
    this.#container = service.getContainerClient(CONTAINERS.indicators);
  }

  async current(): Promise<StoredPointer | null> {
    const stored = await readJsonBlob(this.#container, POINTER);
    if (stored === null) return null;
    return { pointer: parsePointer(stored.value), version: stored.version };
  }

  async read(id: string): Promise<Uint8Array> {
    return readHashed(this.#container, SNAPSHOTS, id);
  }

  async store(bytes: Uint8Array): Promise<string> {
    return storeHashed(this.#container, SNAPSHOTS, bytes);
  }

  async point(to: SnapshotPointer, version: string | null): Promise<boolean> {
    return (await writeJsonBlob(this.#container, POINTER, to, version)) !== null;
  }

  async storeAllowlist(bytes: Uint8Array): Promise<string> {
    return storeHashed(this.#container, ALLOWLISTS, bytes);
  }

  async readAllowlist(id: string): Promise<Uint8Array> {
    return readHashed(this.#container, ALLOWLISTS, id);
  }

  async remove(olderThan: number, keep: ReadonlySet<string>): Promise<number> {
    const ids = await listOlder(this.#container, SNAPSHOTS, olderThan);
    // Read after the list: what was pointed at since was stored since, and is then too young to be removed.
    const current = (await this.current())?.pointer.id;
    let removed = 0;
    for (const id of ids) {
      if (keep.has(id) || id === current) continue;
      if (await removeOlder(this.#container, `${SNAPSHOTS}/${id}`, olderThan)) removed++;
    }
    return removed;
  }
}

function parsePointer(value: unknown): SnapshotPointer {
  const pointer = (value ?? {}) as { readonly [Name in keyof SnapshotPointer]?: unknown };
  const { ordinal, id, publishedAt, allowlistId = null } = pointer; // The version before had no allowlist.
  if (
    typeof ordinal !== 'number' ||
    !Number.isSafeInteger(ordinal) ||
    !isSha256(id) ||
    typeof publishedAt !== 'string' ||
    (allowlistId !== null && !isSha256(allowlistId))
  ) {
    throw new Error(
      'indicators/current.json needs a whole ordinal, the SHA-256 of a snapshot, its time, and the SHA-256 of an allowlist or none',
    );
  }
  return { ordinal, id, publishedAt, allowlistId };
}

function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
