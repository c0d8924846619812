import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import {
  type ActivityLog,
  type AppendOutcome,
  type LogFile,
  LogFileGoneError,
  type PartitionRef,
} from '../../ports/activity-log.ts';
import { CONTAINERS, OPERATION_MS, collect, statusOf, within } from './blob-service.ts';

/** Append blobs `activity/{stream}/{partition}/{file}`. */
export class BlobActivityLog implements ActivityLog {
  readonly #container: ContainerClient;
  readonly #operationMs: number;

  constructor(service: BlobServiceClient, operationMs = OPERATION_MS) {
    this.#container = service.getContainerClient(CONTAINERS.activity);
    this.#operationMs = operationMs;
  }

  async partitions(): Promise<readonly PartitionRef[]> {
    const partitions: PartitionRef[] = [];
    for (const stream of await this.#folders('')) {
      for (const partition of await this.#folders(`${stream}/`)) {
        partitions.push({ stream, partition });
      }
    }
    return partitions;
  }

  async files(partition: PartitionRef, fromName = ''): Promise<readonly LogFile[]> {
    const prefix = folderOf(partition);
    const files: LogFile[] = [];
    const options = { prefix, ...within(this.#operationMs) };
    for await (const blob of this.#container.listBlobsFlat(options)) {
      const name = blob.name.slice(prefix.length);
      if (name >= fromName) files.push({ name, sizeBytes: blob.properties.contentLength ?? 0 });
    }
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async read(partition: PartitionRef, file: string, from: number, to: number): Promise<Uint8Array> {
    if (to <= from) return new Uint8Array(0);
    const blob = this.#container.getBlobClient(folderOf(partition) + file);
    try {
      const answer = await blob.download(from, to - from, within(this.#operationMs));
      if (answer.readableStreamBody === undefined)
        throw new Error(`${file} was answered without a body`);
      return await collect(answer.readableStreamBody);
    } catch (error) {
      // 416: the file ends at or before `from`.
      if (statusOf(error) === 416) return new Uint8Array(0);
      if (statusOf(error) !== 404) throw error;
      const { stream, partition: number } = partition;
      throw new LogFileGoneError(`activity log ${stream}/${number}/${file} is gone`, {
        cause: error,
      });
    }
  }

  async append(
    partition: PartitionRef,
    file: string,
    offset: number,
    bytes: Uint8Array,
  ): Promise<AppendOutcome> {
    const blob = this.#container.getAppendBlobClient(folderOf(partition) + file);
    try {
      await blob.appendBlock(bytes, bytes.length, {
        conditions: { appendPosition: offset },
        ...within(this.#operationMs),
      });
      return 'appended';
    } catch (error) {
      // 412: not at this position. 409: the blob has its 50,000 blocks. 404: not created, or gone.
      const status = statusOf(error);
      if (status === 412 || status === 409 || status === 404) return 'conflict';
      throw error;
    }
  }

  async create(partition: PartitionRef, file: string): Promise<boolean> {
    const blob = this.#container.getAppendBlobClient(folderOf(partition) + file);
    try {
      await blob.create({ conditions: { ifNoneMatch: '*' }, ...within(this.#operationMs) });
      return true;
    } catch (error) {
      if (statusOf(error) === 409) return false;
      throw error;
    }
  }

  async #folders(prefix: string): Promise<string[]> {
    const names: string[] = [];
    const options = { prefix, ...within(this.#operationMs) };
    for await (const entry of this.#container.listBlobsByHierarchy('/', options)) {
      if (entry.kind === 'prefix') names.push(entry.name.slice(prefix.length, -1));
    }
    return names;
  }
}

function folderOf({ stream, partition }: PartitionRef): string {
  return `${stream}/${partition}/`;
}
