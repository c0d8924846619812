// A folder of feed files as a web server on this machine: so the real refresh function fetches them, with validators,
// and nothing needs the Internet.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize, sep } from 'node:path';

export interface FeedServer {
  /** `http://127.0.0.1:PORT`, without a slash behind it. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** Serves the files of `folder` and of folders in it; `current` may name another folder later on. */
export async function startFeedServer(folder: () => string): Promise<FeedServer> {
  const server = createServer((request, response) => {
    answer(folder(), request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, stop: () => stop(server) };
}

async function answer(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const bytes = await fileAt(folder, request.url ?? '/');
  if (bytes === null || request.method !== 'GET') {
    response.writeHead(bytes === null ? 404 : 405).end();
    return;
  }
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
  const known = request.headers['if-none-match'] === etag;
  response.writeHead(known ? 304 : 200, {
    etag,
    'content-type': 'application/octet-stream',
    ...(known ? {} : { 'content-length': bytes.length }),
  });
  response.end(known ? undefined : bytes);
}

/** Null for what is not there, and for what lies outside. */
async function fileAt(folder: string, url: string): Promise<Buffer | null> {
  try {
    const path = normalize(decodeURIComponent(url.split('?', 1)[0]!));
    const file = join(folder, path);
    if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return null;
    return (await stat(file)).isFile() ? await readFile(file) : null;
  } catch {
    return null; // No such file, or no text of a path: the caller gets 404 either way.
  }
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
