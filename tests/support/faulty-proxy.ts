// A proxy between an SDK and a real store that does to requests what a network does.
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** `dropAnswer`: the store does what was asked, the client only sees its connection die. */
export type Fault = 'pass' | 'refuse' | 'throttle' | 'dropAnswer' | { readonly delayMs: number };

export interface FaultyProxy {
  /** `http://127.0.0.1:PORT`; the store's paths are the same behind it. */
  readonly address: string;
  /** Judges each request from now on; until the first call everything passes. */
  next(rule: (request: ProxiedRequest) => Fault): void;
  /** Every request that came, in order. */
  readonly requests: readonly ProxiedRequest[];
  stop(): Promise<void>;
}

const RETRY_AFTER_MS = 20;

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const stopping = new AbortController();
  const requests: ProxiedRequest[] = [];
  let judge: (request: ProxiedRequest) => Fault = () => 'pass';

  /** The Host header stays the client's, so that a store which names its own address names this one. */
  const forward = async (incoming: IncomingMessage): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { method, url, headers } = incoming;
      const options = { hostname, port, path: url, method, headers, agent, setHost: false };
      incoming.pipe(request(options, resolve).once('error', reject));
    });

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = incoming;
    requests.push({ method, url });
    const fault = judge({ method, url });
    if (fault === 'refuse') return answer(outgoing, 503, {});
    if (fault === 'throttle') {
      const after = { 'retry-after': '0', 'x-ms-retry-after-ms': String(RETRY_AFTER_MS) };
      return answer(outgoing, 429, after);
    }
    if (typeof fault === 'object') await wait(fault.delayMs, undefined, stopping);
    const answered = await forward(incoming);
    if (fault === 'dropAnswer') {
      answered.resume().once('end', () => outgoing.destroy());
      return;
    }
    outgoing.writeHead(answered.statusCode!, answered.headers);
    answered.pipe(outgoing);
  };

  const server = createServer((incoming, outgoing) => {
    // The store, or this proxy, has gone: so the client's connection goes too.
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (rule) => {
      judge = rule;
    },
    requests,
    stop: async () => {
      stopping.abort();
      agent.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

/** `fault` for the first request that `which` is true of, everything else passes. */
export function once(
  which: (request: ProxiedRequest) => boolean,
  fault: Fault,
): (request: ProxiedRequest) => Fault {
  let done = false;
  return (request) => {
    if (done || !which(request)) return 'pass';
    done = true;
    return fault;
  };
}

function answer(outgoing: ServerResponse, status: number, headers: Record<string, string>): void {
  // The Cosmos client falls over an answer without a message.
  const body = JSON.stringify({ code: String(status), message: 'refused by the proxy' });
  outgoing.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}
