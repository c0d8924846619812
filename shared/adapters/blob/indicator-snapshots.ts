import { hash } from 'node:crypto';
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type {
  IndicatorSnapshots,
  SnapshotPointer,
  StoredPointer,
} from '../../ports/indicator-snapshots.ts';
import { CONTAINERS, OPERATION_MS, collect, statusOf, within } from './blob-service.ts';
import { readJsonBlob, writeJsonBlob } from './json-blob.ts';

const POINTER = 'current.json';

/** `indicators/snapshots/{sha256}` and `indicators/current.json`. */
export class BlobIndicatorSnapshots implements IndicatorSnapshots {
  readonly #container: ContainerClient;

  constructor(service: BlobServiceClient) {
    this.#container = service.getContainerClient(CONTAINERS.indicators);
  }

  async current(): Promise<StoredPointer | null> {
    const stored = await readJsonBlob(this.#container, POINTER);
    if (stored === null) return null;
    const pointer = stored.value as Partial<SnapshotPointer>;
    if (!Number.isSafeInteger(pointer.ordinal) || !/^[0-9a-f]{64}$/.test(pointer.id ?? '')) {
      throw new Error(
        'indicators/current.json needs a whole ordinal and the SHA-256 of a snapshot',
      );
    }
    return { pointer: stored.value as SnapshotPointer, version: stored.version };
  }

  async read(id: string): Promise<Uint8Array> {
    const blob = this.#container.getBlobClient(`snapshots/${id}`);
    const answer = await blob.download(0, undefined, within(OPERATION_MS));
    if (answer.readableStreamBody === undefined)
      throw new Error(`snapshot ${id} came without a body`);
    const bytes = await collect(answer.readableStreamBody);
    const found = hash('sha256', bytes, 'hex');
    if (found !== id) throw new Error(`snapshot ${id} was expected, its bytes hash to ${found}`);
    return bytes;
  }

  async store(bytes: Uint8Array): Promise<string> {
    const id = hash('sha256', bytes, 'hex');
    const blob = this.#container.getBlockBlobClient(`snapshots/${id}`);
    try {
      await blob.uploadData(bytes, { conditions: { ifNoneMatch: '*' }, ...within(OPERATION_MS) });
    } catch (error) {
      if (statusOf(error) !== 409) throw error; // The same bytes are there already.
    }
    return id;
  }

  async point(to: SnapshotPointer, version: string | null): Promise<boolean> {
    return (await writeJsonBlob(this.#container, POINTER, to, version)) !== null;
  }
}
