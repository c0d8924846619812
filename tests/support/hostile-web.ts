// Servers on loopback that answer as a test likes, or as no server should.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createRawServer,
  type Server,
  type Socket,
} from 'node:net';

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface WebServer {
  /** `http://127.0.0.1:PORT`, or `https:` with an identity. */
  readonly origin: string;
  /** Every request that came, in order. */
  readonly requests: SeenRequest[];
  /** Closes the server and whatever connection is still open. */
  stop(): Promise<void>;
}

export type WebHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** For web.example.com, other.example.com, 127.0.0.1 and 127.0.0.2 until 2120; its own authority. Secret to nobody. */
export const TEST_IDENTITY: Identity = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgW1T12chva7oCAixW
Gpo+09qRcKaQDPIIpfw24kVGM+2hRANCAAStcgeQi5xgFwA0B5AjFfzGd6H3MSoh
zunHZVfQev2EDHe41Md51FE8IShQYHI7CCRGihGWnMBQ3p4gLlld/Ln1
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBpTCCAUugAwIBAgIUP+McT53E2C9Nba3YvqWrze74ELswCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPd2ViLmV4YW1wbGUuY29tMCAXDTIwMDEwMTAwMDAwMFoYDzIx
MjAwMTAxMDAwMDAwWjAaMRgwFgYDVQQDDA93ZWIuZXhhbXBsZS5jb20wWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAStcgeQi5xgFwA0B5AjFfzGd6H3MSohzunHZVfQ
ev2EDHe41Md51FE8IShQYHI7CCRGihGWnMBQ3p4gLlld/Ln1o20wazAPBgNVHRMB
Af8EBTADAQH/MDkGA1UdEQQyMDCCD3dlYi5leGFtcGxlLmNvbYIRb3RoZXIuZXhh
bXBsZS5jb22HBH8AAAGHBH8AAAIwHQYDVR0OBBYEFDIZCE+XuCd/r00B9JhVdT+X
PyExMAoGCCqGSM49BAMCA0gAMEUCICcWMzmxappJsP8YR0nV4wJVt+CI2gCAk8Lh
A1CFpotmAiEArWJTdskleonYllpGFiCQxaxssNI9luVBXgBd7SAyum4=
-----END CERTIFICATE-----`,
};

export async function startWebServer(handler: WebHandler, identity?: Identity): Promise<WebServer> {
  const requests: SeenRequest[] = [];
  const serve: WebHandler = (request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, headers });
    handler(request, response);
  };
  const server = identity === undefined ? createServer(serve) : createSecureServer(identity, serve);
  const { port, stop } = await listen(server);
  const scheme = identity === undefined ? 'http' : 'https';
  return { origin: `${scheme}://127.0.0.1:${port}`, requests, stop };
}

/** A server that speaks what `onSocket` writes. */
export async function startRawServer(
  onSocket: (socket: Socket) => void,
): Promise<Omit<WebServer, 'requests'>> {
  const { port, stop } = await listen(createRawServer(onSocket));
  return { origin: `http://127.0.0.1:${port}`, stop };
}

/** Writes a chunk again and again, as fast as it is taken, until the client goes. */
export function writeForEver(response: ServerResponse, chunk: Uint8Array): void {
  const fill = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', fill);
  fill();
}

/** Writes a chunk every few milliseconds until the client goes. */
export function drip(response: ServerResponse, chunk: Uint8Array | string, everyMs: number): void {
  const timer = setInterval(() => response.write(chunk), everyMs);
  response.once('close', () => clearInterval(timer));
}

async function listen(server: Server): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    await new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    });
  };
  return { port: (server.address() as AddressInfo).port, stop };
}
