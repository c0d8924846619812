// Windows from the message to the alert, on the platform of this machine: orchestrators and activities called as functions; in the end
// all alerts are lost, and made again from the log.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { HttpRequest } from '@azure/functions';
import { ingestDeviceStream } from '../../functions/events/ingest-device-stream.ts';
import { listAlerts } from '../../functions/http/list-alerts.ts';
import {
  EVALUATE_WINDOW,
  evaluateWindow,
  windowActivities,
} from '../../functions/orchestrations/evaluate-window.ts';
import {
  FOLD_ACTIVITY_LOG,
  foldActivities,
  foldOnce,
} from '../../functions/orchestrations/fold-activity-log.ts';
import {
  HUNT_INDICATORS,
  huntActivities,
  huntOnce,
} from '../../functions/orchestrations/hunt-indicators.ts';
import { REBUILD, rebuild, rebuildActivities } from '../../functions/orchestrations/rebuild.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { createDatabase, openCosmos } from '../../shared/adapters/cosmos/cosmos.ts';
import { MINUTE_MS, PIECE_MS } from '../../shared/domain/window/window.ts';
import { dueWindows } from '../../shared/pipeline/windows/due-windows.ts';
import { closeServices, services, useClock } from '../../shared/wiring.ts';
import { groupOf, timeWindowRule } from '../domain/security-group/groups.ts';
import { encodeMessage } from '../support/encode-message.ts';
import { type Orchestrators, orchestrate } from '../support/orchestrate.ts';
import { deliver } from '../support/trigger-metadata.ts';

const START = Date.UTC(2026, 7, 22, 11);
const registered: Orchestrators = {
  orchestrators: {
    [EVALUATE_WINDOW]: evaluateWindow,
    [FOLD_ACTIVITY_LOG]: foldOnce,
    [HUNT_INDICATORS]: huntOnce,
    [REBUILD]: rebuild,
  },
  activities: { ...windowActivities, ...foldActivities, ...huntActivities, ...rebuildActivities },
};

describe('windows', () => {
  let directory: string;
  let platform: Platform;
  let now = START;
  let sequence = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-windows-'));
    platform = await startPlatform({
      directory: join(directory, 'data'),
      partitionCount: 1,
      anyPorts: true,
    });
    Object.assign(process.env, platform.settings);
    useClock({ now: () => now });
    const { groups } = await services();
    const rule = timeWindowRule({ minThreshold: 1, maxThreshold: 2, windowMs: PIECE_MS });
    await groups.write(groupOf('pumps', rule), null);
  });
  after(async () => {
    await closeServices();
    await platform.stop();
    await rm(directory, { recursive: true });
  });

  /** Sends a message and has it ingested. */
  const send = async (deviceId: string, enqueuedTime: number, peers: number) => {
    const connections = Array.from({ length: peers }, (_, i) => ({
      remote: `192.0.2.${i + 1}`,
      bytesIn: 10,
      bytesOut: 20,
    }));
    const body = encodeMessage(connections, 1000 + sequence);
    const properties = { mti: '2.3-1-0-0', securityGroup: 'pumps' };
    const systemProperties = {
      'iothub-connection-device-id': deviceId,
      'iothub-enqueuedtime': new Date(enqueuedTime - 100).toISOString(),
    };
    await platform.hub.client.send([
      {
        partitionId: '0',
        sequenceNumber: sequence,
        enqueuedTime: new Date(enqueuedTime).toISOString(),
        properties,
        systemProperties,
        body,
      },
    ]);
    const event = { sequenceNumber: sequence++, deviceId, enqueuedTime, body, properties };
    const { bodies, context } = deliver('0', [event]);
    await ingestDeviceStream(bodies, context);
  };
  const closeDue = async (given: Orchestrators = registered) => {
    const { windows } = await services();
    const due = await dueWindows(windows);
    for (const window of due) await orchestrate(EVALUATE_WINDOW, { window }, given);
    return due.length;
  };
  const alerts = async () => {
    const url = 'http://127.0.0.1/api/alerts';
    const answer = await listAlerts(new HttpRequest({ method: 'GET', url }));
    const { value } = answer.jsonBody as { value: Record<string, any>[] };
    return value
      .map(({ createdAt: _made, ...alert }) => alert)
      .sort((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
  };
  const counted = async () =>
    (await alerts())
      .map(({ deviceId, subject, count }) => {
        return `${deviceId} ${String(subject.start).slice(11, 16)} ${count}`;
      })
      .sort();

  it('close once nothing of their time waits, and tell who stands outside', async () => {
    await send('pump-1', START + 1000, 1);
    await send('pump-1', START + PIECE_MS + 1000, 2);
    await send('pump-2', START + PIECE_MS + 2000, 3);
    now = START + 2 * PIECE_MS + 125_000;
    assert.equal(await closeDue(), 1); // From the first whole one on.
    assert.deepEqual(await counted(), ['pump-2 11:05 3']);
    assert.equal(await closeDue(), 0);
  });

  it('wait for what was not read, and are one orchestration all that time', async () => {
    // In the stream, not ingested: the window cannot be closed.
    const enqueuedTime = now + 1000;
    const sent = new Date(enqueuedTime).toISOString();
    await platform.hub.client.send([
      {
        partitionId: '0',
        sequenceNumber: sequence,
        enqueuedTime: sent,
        body: Buffer.from('waits'),
      },
    ]);
    now = START + 4 * PIECE_MS;
    let waited = 0;
    const given: Orchestrators = { ...registered, onTimer: () => void waited++ };
    const waitUntil = async (met: () => boolean) => {
      while (!met()) await new Promise((resolve) => setImmediate(resolve));
    };
    const due = await dueWindows((await services()).windows);
    const running = orchestrate(EVALUATE_WINDOW, { window: due[0]! }, given);
    await waitUntil(() => waited >= 2);
    const { bodies, context } = deliver('0', [
      {
        sequenceNumber: sequence++,
        deviceId: 'pump-1',
        enqueuedTime,
        body: encodeMessage([{ remote: '192.0.2.9', bytesOut: 1 }], 7),
        properties: { mti: '2.3-1-0-0', securityGroup: 'pumps' },
      },
    ]);
    await ingestDeviceStream(bodies, context);
    assert.deepEqual((await running).output, {
      devices: 2,
      alerts: 1,
      mayHaveLost: false,
      late: 0,
    });
    assert.deepEqual(await counted(), ['pump-2 11:05 3', 'pump-2 11:10 0']);
  });

  it('come again with all else when the alerts are lost: from the log alone', async () => {
    now = START + 5 * PIECE_MS;
    while ((await closeDue()) > 0);
    const before = await alerts();
    assert.ok(before.length >= 3);
    const cosmos = openCosmos({ connectionString: platform.cosmos.connectionString });
    await cosmos.database('threadwatch').delete();
    await createDatabase(cosmos);
    await closeServices();
    assert.deepEqual(await alerts(), []);
    const { output } = await orchestrate(REBUILD, null, registered);
    assert.partialDeepStrictEqual(output, { step: 'done' });
    // The groups are lost too: windows are held to those that they were begun with.
    assert.deepEqual((await (await services()).groups.current()).groups, []);
    assert.deepEqual(await alerts(), before);
    assert.equal(await closeDue(), 0);
    await orchestrate(REBUILD, null, registered);
    assert.deepEqual(await alerts(), before);
  });

  it('are judged on by the groups that there are now', async () => {
    now += 2 * PIECE_MS + MINUTE_MS;
    const before = await alerts();
    assert.ok((await closeDue()) > 0);
    assert.deepEqual(await alerts(), before);
  });
});
