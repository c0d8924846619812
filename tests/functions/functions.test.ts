// The handlers called as functions, with the services that the app settings name: the platform on this machine.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { HttpRequest, type Timer } from '@azure/functions';
import { ingestDeviceStream } from '../../functions/events/ingest-device-stream.ts';
import { listAlerts } from '../../functions/http/list-alerts.ts';
import { catchUpDeviceStream } from '../../functions/schedules/catch-up-device-stream.ts';
import {
  FOLD_ACTIVITY_LOG,
  foldActivities,
  foldOnce,
} from '../../functions/orchestrations/fold-activity-log.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { closeServices, services, useClock } from '../../shared/wiring.ts';
import { encodeMessage } from '../support/encode-message.ts';
import { orchestrate } from '../support/orchestrate.ts';
import { type DeliveredEvent, contextOf, deliver } from '../support/trigger-metadata.ts';
import { loadFeedFolder } from '../support/feeds.ts';

const START = Date.UTC(2026, 7, 22, 11);
const LISTED = '209.17.118.17';
const timer = {} as Timer;

describe('the functions', () => {
  let directory: string;
  let platform: Platform;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-functions-'));
    platform = await startPlatform({ directory: join(directory, 'data'), partitionCount: 2 });
    Object.assign(process.env, platform.settings);
    const feeds = join(directory, 'feeds');
    await mkdir(feeds);
    await writeFile(join(feeds, 'list.txt'), `${LISTED}\n`);
    assert.deepEqual((await loadFeedFolder(platform, feeds)).leftOut, []);
  });
  after(async () => {
    await closeServices();
    await platform.stop();
    await rm(directory, { recursive: true });
  });

  const message = (
    sequenceNumber: number,
    deviceId: string,
    remote: string,
    more: Partial<DeliveredEvent> = {},
  ): DeliveredEvent => ({
    sequenceNumber,
    deviceId,
    enqueuedTime: START + sequenceNumber * 1000,
    body: encodeMessage([{ remote, bytesIn: 10, bytesOut: 20 }], sequenceNumber),
    ...more,
  });
  const ingest = async (partition: string, events: readonly DeliveredEvent[]) => {
    const { bodies, context, logged } = deliver(partition, events);
    await ingestDeviceStream(bodies, context);
    return logged;
  };
  const fold = async () => {
    const orchestrators = { [FOLD_ACTIVITY_LOG]: foldOnce };
    const registered = { orchestrators, activities: foldActivities };
    return (await orchestrate(FOLD_ACTIVITY_LOG, null, registered)).output;
  };
  const alerts = async (query = '') => {
    const url = `http://127.0.0.1/api/alerts${query}`;
    const answer = await listAlerts(new HttpRequest({ method: 'GET', url }));
    return (answer.jsonBody as { value: Record<string, any>[] }).value;
  };
  const events = [
    message(0, 'cam-1', LISTED),
    message(1, 'cam-1', '198.18.0.9'),
    message(2, 'cam-2', LISTED),
    message(3, 'cam-1', LISTED),
    message(4, 'cam-1', LISTED, { body: Buffer.from('junk') }),
    message(5, 'cam-1', LISTED, { properties: { level: 'info' } }),
  ];

  it('list no alert at first', async () => {
    assert.deepEqual(await alerts(), []);
  });

  it('ingest a batch and open its alerts at once', async () => {
    const logged = await ingest('0', events);
    assert.deepEqual(logged, [
      [
        'device stream ingested',
        {
          partition: '0',
          events: 6,
          blocks: 1,
          counted: 4,
          repeats: 0,
          quarantined: 1,
          other: 1,
          findings: 3,
          allowed: 0,
        },
      ],
    ]);
    const opened = await alerts();
    assert.deepEqual(opened.map(({ deviceId }) => String(deviceId)).sort(), ['cam-1', 'cam-2']);
  });

  it('fold the log into the counts', async () => {
    assert.deepEqual(await fold(), [{ blocks: 1, sightings: 2, alerts: 2 }]);
    const [alert] = await alerts('?deviceId=cam-1');
    assert.partialDeepStrictEqual(alert, {
      record: 'alert',
      alertType: 'IoT_TiConnection',
      severity: 'high',
      status: 'active',
      revision: 1,
      subject: { kind: 'address', address: LISTED },
      messages: 2,
      connections: 2,
      bytesIn: 20,
      bytesOut: 40,
      firstSeen: '2026-08-22T11:00:00.000Z',
      lastSeen: '2026-08-22T11:00:03.000Z',
    });
    assert.equal(alert!['evidence'].indicators[0].feed, 'list.txt');
  });

  it('leave the same state when every event is delivered twice, in other batches', async () => {
    const before = await alerts();
    const blocksOf = (logged: unknown[][]) => (logged[0]![1] as { blocks: number }).blocks;
    for (const batch of [events, events.slice(0, 2), events.slice(1, 5), events.slice(5)]) {
      assert.equal(blocksOf(await ingest('0', batch)), 0);
    }
    assert.deepEqual(await fold(), [{ blocks: 0, sightings: 0, alerts: 0 }]);
    assert.deepEqual(await alerts(), before);
  });

  it('list the alerts of one device where one is named', async () => {
    assert.equal((await alerts()).length, 2);
    const one = await alerts('?deviceId=cam-2');
    assert.deepEqual(
      one.map(({ deviceId }) => deviceId),
      ['cam-2'],
    );
    assert.deepEqual(await alerts('?deviceId=cam-3'), []);
    assert.deepEqual(await alerts(`?deviceId=${encodeURIComponent("' OR 1=1 --")}`), []);
  });

  it('commit what waits in the stream though nobody delivers it', async () => {
    await platform.hub.client.send([
      {
        partitionId: '1',
        properties: { mti: '2.3-1-0-0' },
        systemProperties: { 'iothub-connection-device-id': 'cam-9' },
        body: encodeMessage([{ remote: LISTED, bytesOut: 60 }]),
      },
    ]);
    let now = Date.now();
    await closeServices();
    useClock({ now: () => now });
    const catchUp = async () => {
      const { context, logged } = contextOf('catchUpDeviceStream');
      await catchUpDeviceStream(timer, context);
      return (logged[0]![1] as { committedEvents: number }).committedEvents;
    };
    assert.equal(await catchUp(), 0);
    now += 4 * 60_000;
    assert.equal(await catchUp(), 0);
    now += 2 * 60_000;
    assert.equal(await catchUp(), 1);
    assert.equal(await catchUp(), 0);
    const [alert] = await alerts('?deviceId=cam-9');
    assert.equal(alert!['severity'], 'medium');
  });

  it('throw to the host while the host does not keep its contract', async () => {
    const { context } = contextOf('ingestDeviceStream');
    await assert.rejects(ingestDeviceStream([Buffer.alloc(1)], context), {
      code: 'TRIGGER_CONTRACT',
    });
    const { context: given } = deliver('0', events.slice(0, 1));
    await assert.rejects(ingestDeviceStream(['text'], given), { code: 'TRIGGER_CONTRACT' });
  });

  it('go on with the snapshot in use when the next one is damaged, and log that', async () => {
    const { intelligence, snapshots } = await services();
    const { pointer, version } = (await snapshots.current())!;
    const id = await snapshots.store(Buffer.from('no snapshot'));
    await snapshots.point({ ...pointer, ordinal: pointer.ordinal + 1, id }, version);
    await intelligence.refresh();
    const logged = await ingest('0', [message(6, 'cam-6', LISTED)]);
    assert.match(String(logged[1]), /^snapshot 2 \(\w{64}\) is refused/);
    assert.equal((await alerts('?deviceId=cam-6')).length, 1);
    const now = (await snapshots.current())!;
    await snapshots.point({ ...pointer, ordinal: pointer.ordinal + 2 }, now.version);
    await intelligence.refresh();
    assert.equal((await ingest('0', [message(7, 'cam-6', LISTED)])).length, 1);
  });

  // Last: it takes the store away.
  it('throw to the host while a store is down', async () => {
    await platform.cosmos.stop();
    const event = message(8, 'cam-5', LISTED);
    await assert.rejects(ingest('0', [event]));
    await assert.rejects(alerts());
  });
});
