// A management API that answers what a test says, and remembers what it was asked.
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { type WebServer, startWebServer } from './hostile-web.ts';

export interface AskedApi {
  /** `METHOD /path`, decoded no further than it came. */
  readonly call: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: any;
}

export interface ApiReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of JSON. */
  readonly text?: string;
}

export class FakeApi {
  readonly asked: AskedApi[] = [];
  readonly replies = new Map<string, ApiReply | ((asked: AskedApi) => ApiReply)>();
  readonly #server: WebServer;

  private constructor(server: WebServer) {
    this.#server = server;
  }

  static async start(): Promise<FakeApi> {
    let api: FakeApi | null = null;
    const server = await startWebServer((request, response) => {
      void (async () => {
        const hasBody = Number(request.headers['content-length'] ?? 0) > 0;
        const body = hasBody ? await json(request) : undefined;
        const asked = { call: `${request.method} ${request.url}`, headers: request.headers, body };
        const { status = 200, headers = {}, body: reply, text } = api!.#answer(asked);
        response
          .writeHead(status, headers)
          .end(text ?? (status === 204 ? '' : JSON.stringify(reply)));
      })();
    });
    api = new FakeApi(server);
    return api;
  }

  get url(): string {
    return this.#server.origin;
  }

  /** Forgets what it was asked and what it would answer. */
  clear(): void {
    this.asked.length = 0;
    this.replies.clear();
  }

  on(call: string, reply: ApiReply | ((asked: AskedApi) => ApiReply)): void {
    this.replies.set(call, reply);
  }

  refuse(call: string, status: number, code: string, message: string, details?: string[]): void {
    this.on(call, { status, body: { error: { code, message, ...(details ? { details } : {}) } } });
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  #answer(asked: AskedApi): ApiReply {
    this.asked.push(asked);
    const reply = this.replies.get(asked.call) ?? { status: 404, text: 'nothing here' };
    return typeof reply === 'function' ? reply(asked) : reply;
  }
}
