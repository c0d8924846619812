import { Readable } from 'node:stream';
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { Runs } from '../../ports/runs.ts';
import { CONTAINERS, OPERATION_MS, statusOf, within } from './blob-service.ts';

/** A run of a large partition's day has some hundred megabytes. */
const TRANSFER_MS = 5 * 60_000;
const REMOVALS_AT_ONCE = 32;
const UPLOAD_BYTES = 4 * 1024 * 1024;

/** Block blobs in the container `runs`. */
export class BlobRuns implements Runs {
  readonly #container: ContainerClient;

  constructor(service: BlobServiceClient) {
    this.#container = service.getContainerClient(CONTAINERS.runs);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { name } of this.#container.listBlobsFlat({
      prefix,
      ...within(OPERATION_MS),
    })) {
      names.push(name);
    }
    return names.sort();
  }

  async write(
    name: string,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<boolean> {
    const blob = this.#container.getBlockBlobClient(name);
    let isMade = false;
    // Pieces are read from other blobs: what those answer says nothing of this one.
    async function* watched(): AsyncGenerator<Uint8Array> {
      yield* pieces;
      isMade = true;
    }
    try {
      await blob.uploadStream(Readable.from(watched(), { objectMode: false }), UPLOAD_BYTES, 1, {
        conditions: { ifNoneMatch: '*' },
        ...within(TRANSFER_MS),
      });
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (isMade && (status === 409 || status === 412)) return false;
      throw error;
    }
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
    const blob = this.#container.getBlobClient(name);
    try {
      const answer = await blob.download(0, undefined, within(TRANSFER_MS));
      if (answer.readableStreamBody === undefined) {
        throw new Error(`${name} was answered without a body`);
      }
      return answer.readableStreamBody as unknown as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async remove(prefix: string, most = Infinity): Promise<number> {
    const names: string[] = [];
    for await (const { name } of this.#container.listBlobsFlat({
      prefix,
      ...within(OPERATION_MS),
    })) {
      if (names.push(name) === most) break;
    }
    for (let from = 0; from < names.length; from += REMOVALS_AT_ONCE) {
      const some = names.slice(from, from + REMOVALS_AT_ONCE);
      await Promise.all(
        some.map((name) =>
          this.#container.getBlobClient(name).deleteIfExists(within(OPERATION_MS)),
        ),
      );
    }
    return names.length;
  }
}
