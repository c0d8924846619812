import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { Configuration, StoredConfiguration } from '../../ports/configuration.ts';
import { CONTAINERS } from './blob-service.ts';
import { readJsonBlob, writeJsonBlob } from './json-blob.ts';

/** `configuration/{name}.json`, changed under its ETag. */
export class BlobConfiguration implements Configuration {
  readonly #container: ContainerClient;

  constructor(service: BlobServiceClient) {
    this.#container = service.getContainerClient(CONTAINERS.configuration);
  }

  async read(name: string): Promise<StoredConfiguration | null> {
    return readJsonBlob(this.#container, `${name}.json`);
  }

  async write(name: string, value: unknown, version: string | null): Promise<string | null> {
    return writeJsonBlob(this.#container, `${name}.json`, value, version);
  }
}
