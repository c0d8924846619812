import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { Checkpoint, Checkpoints } from '../../ports/checkpoints.ts';
import { CONTAINERS, OPERATION_MS, within } from './blob-service.ts';
import { readJsonBlob, writeJsonBlob } from './json-blob.ts';

/** One small JSON blob a checkpoint, moved under its ETag. */
export class BlobCheckpoints implements Checkpoints {
  readonly #container: ContainerClient;

  constructor(service: BlobServiceClient) {
    this.#container = service.getContainerClient(CONTAINERS.checkpoints);
  }

  async read(name: string): Promise<Checkpoint | null> {
    return readJsonBlob(this.#container, `${name}.json`);
  }

  async write(name: string, value: unknown, version: string | null): Promise<string | null> {
    return writeJsonBlob(this.#container, `${name}.json`, value, version);
  }

  async remove(name: string): Promise<void> {
    await this.#container.getBlobClient(`${name}.json`).deleteIfExists(within(OPERATION_MS));
  }
}
