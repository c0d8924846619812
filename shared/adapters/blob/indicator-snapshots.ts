import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { Publication } from '../../domain/indicator/publication.ts';
import {
  type IndicatorSnapshots,
  SnapshotLostError,
  type SnapshotPointer,
  type StoredPointer,
} from '../../ports/indicator-snapshots.ts';
import { CONTAINERS, statusOf } from './blob-service.ts';
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
    try {
      return await readHashed(this.#container, SNAPSHOTS, id);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      throw new SnapshotLostError(`there is no snapshot ${id}`, { cause: error });
    }
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
  // Version 0.1 had neither.
  const { allowlistId = null, earlier = [] } = pointer;
  if (
    !isPublication(pointer) ||
    (allowlistId !== null && !isSha256(allowlistId)) ||
    !Array.isArray(earlier) ||
    !earlier.every(isPublication)
  ) {
    throw new Error(
      'indicators/current.json needs a whole ordinal, the SHA-256 of a snapshot, its time, the SHA-256 of an allowlist or none, and the publications before it',
    );
  }
  const { ordinal, id, publishedAt } = pointer;
  return { ordinal, id, publishedAt, allowlistId, earlier };
}

function isPublication(value: unknown): value is Publication {
  const { ordinal, id, publishedAt } = (value ?? {}) as Partial<Record<keyof Publication, unknown>>;
  return Number.isSafeInteger(ordinal) && isSha256(id) && typeof publishedAt === 'string';
}

function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
