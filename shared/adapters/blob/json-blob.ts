import type { ContainerClient } from '@azure/storage-blob';
import { OPERATION_MS, collect, statusOf, within } from './blob-service.ts';

/** Null when there is no such blob; a SyntaxError that names it where it is not JSON. */
export async function readJsonBlob(
  container: ContainerClient,
  name: string,
): Promise<{ value: unknown; version: string } | null> {
  try {
    const answer = await container.getBlobClient(name).download(0, undefined, within(OPERATION_MS));
    if (answer.readableStreamBody === undefined || answer.etag === undefined) {
      throw new Error(`${name} was answered without a body or an ETag`);
    }
    const value = parseJson(
      await collect(answer.readableStreamBody),
      `${container.containerName}/${name}`,
    );
    return { value, version: answer.etag };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** The new ETag, or null when the blob is no longer (or not yet) what `version` says. */
export async function writeJsonBlob(
  container: ContainerClient,
  name: string,
  value: unknown,
  version: string | null,
): Promise<string | null> {
  const bytes = Buffer.from(JSON.stringify(value));
  try {
    const answer = await container.getBlockBlobClient(name).upload(bytes, bytes.length, {
      conditions: version === null ? { ifNoneMatch: '*' } : { ifMatch: version },
      blobHTTPHeaders: { blobContentType: 'application/json' },
      ...within(OPERATION_MS),
    });
    if (answer.etag === undefined) throw new Error(`${name} was written without an ETag`);
    return answer.etag;
  } catch (error) {
    const status = statusOf(error);
    if (status === 412 || status === 409) return null;
    throw error;
  }
}

/** An editor may have written a byte order mark, which the decoder drops, or another encoding, which it refuses. */
function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new SyntaxError(`${name} is not JSON in UTF-8`, { cause });
  }
}
