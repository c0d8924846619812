import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AlertWatch } from '../../../local/console/alert-watch.ts';
import { ProgressLine } from '../../../local/console/progress-line.ts';

const alert = (id: string, change: Record<string, unknown> = {}) => ({
  id,
  deviceId: `device-${id}`,
  severity: 'low',
  status: 'active',
  revision: 1,
  displayName: 'x',
  createdAt: '2026-08-22T11:00:00.000Z',
  subject: { kind: 'platform', component: 'c', key: id },
  evidence: null,
  ...change,
});

describe('the watch over alerts', () => {
  let server: Server;
  let answers: { status: number; alerts: readonly Record<string, unknown>[] };
  let out: PassThrough;
  let stop: AbortController;
  let watch: AlertWatch;
  let running: Promise<void>;

  beforeEach(async () => {
    answers = { status: 200, alerts: [] };
    server = createServer((request, response) => {
      const status = request.url === '/api/alerts' ? answers.status : 404;
      response.writeHead(status).end(JSON.stringify({ value: answers.alerts }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    out = new PassThrough();
    stop = new AbortController();
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    watch = new AlertWatch(address, out, new ProgressLine(new PassThrough()), false);
    running = watch.run(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await running;
    server.close();
    server.closeAllConnections();
  });

  /** What is printed of these alerts. */
  const shown = async (...alerts: readonly Record<string, unknown>[]): Promise<string[]> => {
    answers = { status: 200, alerts };
    await watch.settled(stop.signal);
    const text = String(out.read() ?? '');
    return text.split('\n').filter((line) => line !== '');
  };

  it('prints each alert once, in the order of their times', async () => {
    const later = alert('b', { createdAt: '2026-08-22T12:00:00.000Z' });
    const lines = await shown(later, alert('a'));
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, /device-a/);
    assert.match(lines[1]!, /device-b/);
    assert.deepEqual(await shown(later, alert('a')), []);
  });

  it('prints an alert again that got graver or came back, and no other change', async () => {
    await shown(alert('a'));
    assert.deepEqual(await shown(alert('a', { messages: 9 })), []);
    const [graver] = await shown(alert('a', { severity: 'high', revision: 2 }));
    assert.match(graver!, / high .*\(graver: was low\)$/);
    assert.deepEqual(
      await shown(alert('a', { severity: 'high', revision: 3, status: 'resolved' })),
      [],
    );
    const [again] = await shown(alert('a', { severity: 'high', revision: 4 }));
    assert.match(again!, /\(again\)$/);
    assert.equal(watch.summary(), '1 alerts: 1 high');
  });

  it('counts by severity, the gravest first', async () => {
    assert.equal(watch.summary(), '0 alerts');
    await shown(alert('a'), alert('b', { severity: 'high' }), alert('c'));
    assert.equal(watch.summary(), '3 alerts: 1 high, 2 low');
  });

  it('goes on when the functions do not answer for a while', async () => {
    answers = { status: 500, alerts: [] };
    await new Promise((resolve) => server.once('request', resolve));
    assert.equal((await shown(alert('a'))).length, 1);
  });
});
