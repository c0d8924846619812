// What a process of the local platform does at its own end; process.ts is the parent's end.
import type { AddressInfo, Server } from 'node:net';
import process from 'node:process';

/** A process that cannot close in this time has hung; nobody waits for it any longer. */
const CLOSE_MILLISECONDS = 10_000;

/**
 * Says on stdout that the process is ready, and closes it in order when the parent asks (SIGTERM) or has died (stdin
 * closes), so that no process is left behind. Ctrl-C reaches the whole group: the parent decides, the child waits.
 */
export function announce(
  listening: Readonly<Record<string, unknown>>,
  close: () => Promise<void>,
): void {
  let closing = false;
  const end = (): void => {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(1), CLOSE_MILLISECONDS).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.stdin.on('close', end).on('error', end).resume();
  // The dead parent reads no more: what is written then must not stop the orderly end.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  process.stdout.write(`${JSON.stringify({ listening })}\n`);
}

/** Loopback only. A port that was asked for is taken or refused; the usual one gives way to any free one. */
export async function listen(
  server: Server,
  port: { readonly asked: number | undefined; readonly usual: number },
): Promise<number> {
  if (port.asked !== undefined) return listenOn(server, port.asked);
  try {
    return await listenOn(server, port.usual);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    return listenOn(server, 0);
  }
}

async function listenOn(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** A port number of the command line; undefined when none was given. */
export function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new Error(`a port is a number from 0 to 65535, not "${text}"`);
  }
  return port;
}
