import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import process from 'node:process';
import { describe, it } from 'node:test';
import { listen, parsePort } from '../../local/child.ts';
import { type Child, startChild } from '../../local/process.ts';

const entry = new URL('process/child.ts', import.meta.url);

function start<T = unknown>(mode: string, options: object = {}): Promise<Child<T>> {
  return startChild<T>({ name: 'the child', entry, args: [mode], ...options });
}

describe('a child process', () => {
  it('says where it listens, gets its environment, and ends in order', async () => {
    const lines: string[] = [];
    const env = { GREETING: 'hello' };
    const child = await start<{ port: number }>('serve', {
      env,
      onLog: (line: string) => lines.push(line),
    });
    assert.deepEqual(child.listening, { port: 4711 });
    assert.ok(isAlive(child.pid));
    await child.stop();
    assert.deepEqual(await child.exited, { code: 0, signal: null });
    assert.deepEqual(lines, ['env hello', 'closed in order']);
    assert.ok(!isAlive(child.pid));
    await child.stop();
  });

  it('tells why it did not start', async () => {
    await assert.rejects(
      start('crash'),
      /the child did not start: .*exit code 1:[^]*no such folder/,
    );
    const slow = start('silent', { readyMilliseconds: 700 });
    await assert.rejects(slow, /not ready after 700 ms:\nstill looking for something/);
    const nothing = startChild({ name: 'nothing', entry: 'does-not-exist.ts' });
    await assert.rejects(nothing, /nothing did not start/);
  });

  it('leaves Ctrl-C to its parent', async () => {
    const child = await start('serve');
    process.kill(child.pid, 'SIGINT');
    process.kill(child.pid, 'SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(isAlive(child.pid));
    await child.stop();
  });

  it('is killed when it hangs, and says so when it could not close', async () => {
    const hung = await start('hang', { stopMilliseconds: 200 });
    await hung.stop();
    assert.deepEqual(await hung.exited, { code: null, signal: 'SIGKILL' });
    const lines: string[] = [];
    const failed = await start('close fails', { onLog: (line: string) => lines.push(line) });
    await failed.stop();
    assert.equal((await failed.exited).code, 1);
    assert.match(lines.join('\n'), /could not save/);
  });

  it('is told apart when it is killed', async () => {
    const child = await start('serve');
    assert.deepEqual(await child.kill('SIGKILL'), { code: null, signal: 'SIGKILL' });
  });

  it('ends when its parent is killed', async () => {
    const parent = await start<{ grandchild: number }>('parent');
    const { grandchild } = parent.listening;
    assert.ok(isAlive(grandchild));
    await parent.kill('SIGKILL');
    const until = performance.now() + 5000;
    while (isAlive(grandchild) && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(!isAlive(grandchild));
  });
});

describe('a port', () => {
  it('is the usual one, or any free one when that is taken', async () => {
    const first = createServer();
    const usual = await listen(first, { asked: 0, usual: 1 });
    const second = createServer();
    const other = await listen(second, { asked: undefined, usual });
    assert.notEqual(other, usual);
    await close(first);
    const third = createServer();
    assert.equal(await listen(third, { asked: undefined, usual }), usual);
    assert.equal((third.address() as { address: string }).address, '127.0.0.1');
    await close(second);
    await close(third);
  });

  it('that was asked for is taken or refused', async () => {
    const first = createServer();
    const asked = await listen(first, { asked: 0, usual: 1 });
    const second = createServer();
    await assert.rejects(listen(second, { asked, usual: 0 }), { code: 'EADDRINUSE' });
    await close(first);
    assert.equal(await listen(second, { asked, usual: 0 }), asked);
    await close(second);
  });

  it('is a number up to 65535', () => {
    assert.equal(parsePort(undefined), undefined);
    assert.equal(parsePort('8081'), 8081);
    for (const text of ['', 'x', '-1', '65536', '1e3', '080800']) {
      assert.throws(() => parsePort(text), /a port is a number/);
    }
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
