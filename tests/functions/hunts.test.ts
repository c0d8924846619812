// Hunts on the platform of this machine: messages first, feeds later; the handlers called as functions.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { HttpRequest, type HttpResponseInit } from '@azure/functions';
import { ingestDeviceStream } from '../../functions/events/ingest-device-stream.ts';
import { explainIndicator } from '../../functions/http/explain-indicator.ts';
import { getHunt } from '../../functions/http/get-hunt.ts';
import { listAlerts } from '../../functions/http/list-alerts.ts';
import { listHunts } from '../../functions/http/list-hunts.ts';
import { requestHunt } from '../../functions/http/request-hunt.ts';
import {
  HUNT_INDICATORS,
  huntActivities,
  huntOnce,
} from '../../functions/orchestrations/hunt-indicators.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { closeServices, services } from '../../shared/wiring.ts';
import { encodeMessage } from '../support/encode-message.ts';
import { loadFeedFolder } from '../support/feeds.ts';
import { orchestrate } from '../support/orchestrate.ts';
import { deliver } from '../support/trigger-metadata.ts';

const PEER = '209.17.118.17';
const url = 'http://127.0.0.1/api/x';

describe('hunts', () => {
  let directory: string;
  let platform: Platform;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-hunts-'));
    platform = await startPlatform({
      directory: join(directory, 'data'),
      partitionCount: 1,
      anyPorts: true,
    });
    Object.assign(process.env, platform.settings);
  });
  after(async () => {
    await closeServices();
    await platform.stop();
    await rm(directory, { recursive: true });
  });

  const get = async (
    handler: (request: HttpRequest) => Promise<HttpResponseInit>,
    params: Record<string, string> = {},
  ) => handler(new HttpRequest({ method: 'GET', url, params }));
  const post = async (body: unknown) =>
    requestHunt(new HttpRequest({ method: 'POST', url, body: { string: JSON.stringify(body) } }));
  const run = async () => {
    const orchestrators = { [HUNT_INDICATORS]: huntOnce };
    const registered = { orchestrators, activities: huntActivities };
    return (await orchestrate(HUNT_INDICATORS, null, registered)).logged;
  };
  const alerts = async () =>
    ((await get(listAlerts)).jsonBody as { value: Record<string, any>[] }).value;

  it('find nothing where nothing is published', async () => {
    const { bodies, context } = deliver('0', [
      {
        sequenceNumber: 0,
        deviceId: 'cam-1',
        enqueuedTime: Date.now() - 1000,
        body: encodeMessage([{ remote: PEER, bytesIn: 10, bytesOut: 20 }]),
      },
    ]);
    await ingestDeviceStream(bodies, context);
    const [[message, summary]] = (await run()) as [[string, Record<string, unknown>]];
    assert.deepEqual([message, summary['hunts']], ['indicators hunted', 0]);
    assert.deepEqual(await alerts(), []);
  });

  it('find a contact of the past when its address is published', async () => {
    const feeds = join(directory, 'feeds');
    await mkdir(feeds);
    await writeFile(join(feeds, 'list.txt'), `${PEER}\n`);
    assert.deepEqual((await loadFeedFolder(platform, feeds)).leftOut, []);
    await run();
    const [alert, ...more] = await alerts();
    assert.equal(more.length, 0);
    assert.partialDeepStrictEqual(alert, {
      alertType: 'IoT_TiConnection',
      deviceId: 'cam-1',
      severity: 'high',
      foundBy: 'hunt',
      messages: 1,
      bytesIn: 10,
    });
    // The document of Cosmos gives back what was stored.
    for await (const stored of (await services()).alerts.list('cam-1')) {
      const at = { epoch: 0, sequence: 0 };
      const conditions = [{ validFrom: null, validUntil: null, constraint: null }];
      const [partition] = Object.keys(stored.huntedIn);
      assert.deepEqual(stored.huntedIn, { [partition!]: [{ from: at, to: at, conditions }] });
    }
  });

  it('are asked for, shown and listed', async () => {
    const asked = await post({ addresses: [PEER, '198.51.100.0/24'], since: 'P1D' });
    assert.equal(asked.status, 202);
    const { id, status } = asked.jsonBody as { id: string; status: string };
    assert.equal(status, 'waiting');
    assert.equal(new Headers(asked.headers).get('location'), `/api/hunts/${id}`);
    await run();
    const hunt = (await get(getHunt, { id })).jsonBody as Record<string, any>;
    assert.equal(hunt['status'], 'done');
    const [alert] = await alerts();
    assert.partialDeepStrictEqual(hunt['contacts'], [
      { deviceId: 'cam-1', address: PEER, messages: 1, alertId: alert!['id'] },
    ]);
    const { value } = (await listHunts()).jsonBody as { value: Record<string, any>[] };
    assert.deepEqual(
      value.map((one) => [one['id'], one['status'], 'contacts' in one]),
      [[id, 'done', false]],
    );
  });

  it('say what is wrong with a request', async () => {
    for (const [answer, status, code] of [
      [await post({ addresses: ['nobody'] }), 400, 'InvalidRequest'],
      [await get(getHunt, { id: 'none' }), 404, 'UnknownHunt'],
      [await get(explainIndicator, { address: 'nobody' }), 400, 'InvalidRequest'],
    ] as const) {
      const { error } = answer.jsonBody as { error: { code: string } };
      assert.deepEqual([answer.status, error.code], [status, code]);
    }
  });

  it('show in an address which devices talked to it', async () => {
    const { jsonBody } = await get(explainIndicator, { address: PEER });
    const { listed, contacts } = jsonBody as Record<string, any>;
    assert.equal(listed, true);
    assert.equal(contacts.complete, true);
    assert.partialDeepStrictEqual(contacts.devices, [
      { deviceId: 'cam-1', messages: 1, connections: 1, bytesIn: 10, bytesOut: 20 },
    ]);
  });
});
