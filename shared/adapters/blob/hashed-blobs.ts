// Immutable blobs, each named in its folder by the SHA-256 of its bytes.
import { createHash, hash } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import { HashMismatchError } from '../../ports/hash-mismatch.ts';
import { OPERATION_MS, statusOf, within } from './blob-service.ts';

/**
 * Keeps the bytes and gives their hash. A blob that is there already is made as new: who removes old ones must not
 * remove what somebody is about to name again.
 */
export async function storeHashed(
  container: ContainerClient,
  folder: string,
  bytes: Uint8Array,
): Promise<string> {
  const id = hash('sha256', bytes, 'hex');
  const name = `${folder}/${id}`;
  if (await create(container, name, bytes)) return id;
  // Removed between the two: then once more, and whoever is faster this time stored the same.
  if (!(await touch(container, name))) await create(container, name, bytes);
  return id;
}

/** In a buffer of its own, from byte 0 on; throws when the bytes are not what `id` promises. */
export async function readHashed(
  container: ContainerClient,
  folder: string,
  id: string,
): Promise<Uint8Array> {
  const name = `${folder}/${id}`;
  const answer = await container.getBlobClient(name).download(0, undefined, within(OPERATION_MS));
  if (answer.readableStreamBody === undefined || answer.contentLength === undefined) {
    throw new Error(`${name} was answered without a body or its length`);
  }
  const { bytes, sha256 } = await collectHashed(answer.readableStreamBody, answer.contentLength);
  if (sha256 !== id) {
    throw new HashMismatchError(`${name} was expected, its bytes hash to ${sha256}`);
  }
  return bytes;
}

/** Hashes while bytes arrive, and holds them once: a snapshot may have tens of megabytes. */
export async function collectHashed(
  stream: NodeJS.ReadableStream,
  length: number,
): Promise<{ readonly bytes: Uint8Array; readonly sha256: string }> {
  const bytes = new Uint8Array(length);
  const hashing = createHash('sha256');
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    if (chunk.length > length - filled) {
      throw new Error(`${length} bytes were promised, at least ${filled + chunk.length} came`);
    }
    bytes.set(chunk, filled);
    hashing.update(chunk);
    filled += chunk.length;
  }
  if (filled < length) throw new Error(`${length} bytes were promised, ${filled} came`);
  return { bytes, sha256: hashing.digest('hex') };
}

/** The ids in the folder that nobody stored since `olderThan`, epoch milliseconds. */
export async function listOlder(
  container: ContainerClient,
  folder: string,
  olderThan: number,
): Promise<string[]> {
  const prefix = `${folder}/`;
  const ids: string[] = [];
  for await (const blob of container.listBlobsFlat({ prefix, ...within(OPERATION_MS) })) {
    if (blob.properties.lastModified.getTime() < olderThan)
      ids.push(blob.name.slice(prefix.length));
  }
  return ids;
}

/** False when it is gone already, or was stored again since `olderThan`. */
export async function removeOlder(
  container: ContainerClient,
  name: string,
  olderThan: number,
): Promise<boolean> {
  // The header knows whole seconds, as do blobs, and means "at or before": this is the last second before `olderThan`.
  const conditions = { ifUnmodifiedSince: new Date((Math.ceil(olderThan / 1000) - 1) * 1000) };
  try {
    await container.deleteBlob(name, { conditions, ...within(OPERATION_MS) });
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || status === 412) return false;
    throw error;
  }
}

async function create(
  container: ContainerClient,
  name: string,
  bytes: Uint8Array,
): Promise<boolean> {
  const conditions = { ifNoneMatch: '*' };
  try {
    await container
      .getBlockBlobClient(name)
      .uploadData(bytes, { conditions, ...within(OPERATION_MS) });
    return true;
  } catch (error) {
    if (statusOf(error) === 409) return false;
    throw error;
  }
}

/** Setting no metadata where there is none moves Last-Modified, and nothing else. */
async function touch(container: ContainerClient, name: string): Promise<boolean> {
  try {
    await container.getBlobClient(name).setMetadata({}, within(OPERATION_MS));
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
