import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { BlobActivityLog } from '../../shared/adapters/blob/activity-log.ts';
import { MemoryActivityLog } from '../../shared/adapters/memory/activity-log.ts';
import type { PartitionRef } from '../../shared/ports/activity-log.ts';
import { type TestBlobs, startBlobs } from '../support/azurite.ts';
import { type FaultyProxy, once, startFaultyProxy } from '../support/faulty-proxy.ts';
import { activityLogContract } from './activity-log.ts';

let blobs: TestBlobs;
before(async () => {
  blobs = await startBlobs();
});
after(() => blobs.stop());

activityLogContract('in memory', async () => ({
  log: new MemoryActivityLog(),
  close: async () => undefined,
}));

activityLogContract('append blobs', async () => ({
  log: new BlobActivityLog(blobs.service),
  close: async () => undefined,
}));

describe('append blobs over a faulty network', () => {
  const FILE = '00000000T00-000000.log';
  let proxy: FaultyProxy;
  let log: BlobActivityLog;
  let direct: BlobActivityLog;
  let ref: PartitionRef;
  let streams = 0;

  before(async () => {
    proxy = await startFaultyProxy(blobs.address);
    log = new BlobActivityLog(blobs.through(proxy.address));
    direct = new BlobActivityLog(blobs.service);
  });
  after(() => proxy.stop());
  beforeEach(async () => {
    ref = { stream: `faulty-${streams++}~devices`, partition: '0' };
    proxy.next(() => 'pass');
    await direct.create(ref, FILE);
  });

  const isAppend = ({ method, url }: { method: string; url: string }) =>
    method === 'PUT' && url.includes('comp=appendblock');
  const stored = async () => new TextDecoder().decode(await direct.read(ref, FILE, 0, 1000));
  const bytes = new TextEncoder().encode('block');

  it('holds a block once whose answer was lost, and does not call it appended', async () => {
    const before = proxy.requests.length;
    proxy.next(once(isAppend, 'dropAnswer'));
    assert.equal(await log.append(ref, FILE, 0, bytes), 'conflict');
    assert.equal(proxy.requests.slice(before).filter(isAppend).length, 2);
    assert.equal(await stored(), 'block');
  });

  it('holds a block once where no answer came back at all', async () => {
    proxy.next((request) => (isAppend(request) ? 'dropAnswer' : 'pass'));
    assert.notEqual(await log.append(ref, FILE, 0, bytes).catch(() => 'thrown'), 'appended');
    assert.equal(await stored(), 'block');
  });

  it('appends once after a refusal that was over soon', async () => {
    proxy.next(once(isAppend, 'refuse'));
    assert.equal(await log.append(ref, FILE, 0, bytes), 'appended');
    assert.equal(await stored(), 'block');
  });

  it('throws while the store refuses, and has written nothing', async () => {
    proxy.next(() => 'refuse');
    await assert.rejects(log.append(ref, FILE, 0, bytes), { statusCode: 503 });
    await assert.rejects(log.read(ref, FILE, 0, 1), { statusCode: 503 });
    await assert.rejects(log.files(ref), { statusCode: 503 });
    assert.equal(await stored(), '');
  });

  it('throws while the store throttles, and has written nothing', async () => {
    proxy.next(() => 'throttle');
    await assert.rejects(log.append(ref, FILE, 0, bytes), { statusCode: 429 });
    assert.equal(await stored(), '');
  });

  it('does not call a file created whose answer was lost', async () => {
    proxy.next(once(({ method }) => method === 'PUT', 'dropAnswer'));
    assert.equal(await log.create(ref, 'next.log'), false);
    assert.deepEqual(
      (await direct.files(ref)).map(({ name }) => name),
      [FILE, 'next.log'],
    );
  });

  it('gives up on a store that takes a request and never answers', async () => {
    const impatient = new BlobActivityLog(blobs.through(proxy.address), 400);
    proxy.next(() => ({ delayMs: 60_000 }));
    const start = performance.now();
    await assert.rejects(impatient.append(ref, FILE, 0, bytes), { name: 'AbortError' });
    await assert.rejects(impatient.read(ref, FILE, 0, 10), { name: 'AbortError' });
    await assert.rejects(impatient.files(ref), { name: 'AbortError' });
    await assert.rejects(impatient.partitions(), { name: 'AbortError' });
    assert.ok(performance.now() - start < 4000);
  });

  it('waits for an answer that is slow', async () => {
    proxy.next(once(isAppend, { delayMs: 300 }));
    assert.equal(await log.append(ref, FILE, 0, bytes), 'appended');
  });
});
