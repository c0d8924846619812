// Ingest and fold over the stores that they run on, with a network between that fails: what the simulated world proves
// for thousands of schedules, shown once for the SDKs and their retries.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { CosmosClient } from '@azure/cosmos';
import { BlobActivityLog } from '../shared/adapters/blob/activity-log.ts';
import { BlobCheckpoints } from '../shared/adapters/blob/checkpoints.ts';
import { BlobIndicatorSnapshots } from '../shared/adapters/blob/indicator-snapshots.ts';
import { CosmosAlertStore } from '../shared/adapters/cosmos/alert-store.ts';
import { MemoryDeviceStream } from '../shared/adapters/memory/device-stream.ts';
import { zstdBlockCodec as codec } from '../shared/adapters/node/block-codec.ts';
import { systemClock as clock } from '../shared/adapters/node/system-clock.ts';
import { type Alert, shownTally } from '../shared/domain/alert/alert.ts';
import { parsePrefix } from '../shared/domain/address/prefix.ts';
import { readRows } from '../shared/format/activity-log/block.ts';
import { buildSnapshot } from '../shared/format/indicator-snapshot/build-snapshot.ts';
import { AlertOpener } from '../shared/pipeline/alerts.ts';
import { type FoldServices } from '../shared/pipeline/fold.ts';
import { foldActivityLog } from './support/fold-log.ts';
import { toDeviceEvent } from '../shared/pipeline/ingest/fill-gap.ts';
import { MemorySecurityGroups } from '../shared/adapters/memory/security-groups.ts';
import { CurrentGroups } from '../shared/pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from '../shared/pipeline/ingest/current-snapshot.ts';
import { Ingest, type IngestSummary } from '../shared/pipeline/ingest/ingest.ts';
import { readForward } from '../shared/pipeline/log/read-log.ts';
import { publishSnapshot } from './support/publish-snapshot.ts';
import { DEFAULT_SETTINGS } from '../shared/pipeline/settings.ts';
import type { StreamEvent } from '../shared/ports/device-stream.ts';
import { type TestBlobs, startBlobs } from './support/azurite.ts';
import { type TestCosmos, startTestCosmos } from './support/cosmos.ts';
import { encodeMessage } from './support/encode-message.ts';
import {
  type FaultyProxy,
  type ProxiedRequest,
  once,
  startFaultyProxy,
} from './support/faulty-proxy.ts';

const START = Date.UTC(2026, 7, 22, 11);
const LISTED = '192.0.2.10';
/** Listed from the second snapshot on. */
const LISTED_LATER = '198.51.100.30';
const HARMLESS = '203.0.113.5';
const settings = { ...DEFAULT_SETTINGS, hub: 'test-hub' };

const isAppend = ({ method, url }: ProxiedRequest) =>
  method === 'PUT' && url.includes('comp=appendblock');
const isDocumentWrite = ({ method, url }: ProxiedRequest) =>
  method !== 'GET' && url.includes('/docs');

describe('the pipeline on Azurite and the Cosmos server, over a faulty network', () => {
  let blobs: TestBlobs;
  let cosmos: TestCosmos;
  let blobProxy: FaultyProxy;
  let cosmosProxy: FaultyProxy;
  let client: CosmosClient;
  let log: BlobActivityLog;
  let snapshots: BlobIndicatorSnapshots;
  let fold: FoldServices;
  let hubs = 0;
  let streamName: string;
  let stream: MemoryDeviceStream;

  before(async () => {
    [blobs, cosmos] = await Promise.all([startBlobs(), startTestCosmos()]);
    blobProxy = await startFaultyProxy(blobs.address);
    cosmosProxy = await startFaultyProxy(cosmos.address);
    client = cosmos.through(cosmosProxy.address);
    log = new BlobActivityLog(blobs.service);
    snapshots = new BlobIndicatorSnapshots(blobs.service);
    await publishSnapshot(snapshots, clock, snapshotOf([LISTED]));
  });
  after(async () => {
    client.dispose();
    await Promise.all([blobProxy.stop(), cosmosProxy.stop()]);
    await Promise.all([blobs.stop(), cosmos.stop()]);
  });
  beforeEach(() => {
    blobProxy.next(() => 'pass');
    cosmosProxy.next(() => 'pass');
    streamName = `hub-${hubs++}~devices`;
    stream = new MemoryDeviceStream();
    fold = {
      log: new BlobActivityLog(blobs.through(blobProxy.address)),
      alerts: new CosmosAlertStore(client),
      checkpoints: new BlobCheckpoints(blobs.through(blobProxy.address)),
      clock,
      codec,
      hub: settings.hub,
    };
  });

  /** A Functions instance, behind the proxies. */
  const makeInstance = (writerId: string): Ingest => {
    const service = blobs.through(blobProxy.address);
    return new Ingest({
      log: new BlobActivityLog(service),
      stream,
      snapshot: new CurrentSnapshot(new BlobIndicatorSnapshots(service), clock, 60_000),
      groups: new CurrentGroups(new MemorySecurityGroups(), clock, 60_000),
      clock,
      codec,
      settings,
      writerId,
      alerts: new AlertOpener(new CosmosAlertStore(client), clock, settings.hub),
    });
  };

  /** Each message of `device` has one connection with each of `peers`, 10 bytes in and 20 out. */
  const send = (device: string, count: number, peers: readonly string[]): readonly StreamEvent[] =>
    stream.send(
      '0',
      ...Array.from({ length: count }, (_, n) => ({
        enqueuedTime: START + n * 1000,
        body: encodeMessage(
          peers.map((remote) => ({ remote, bytesIn: 10, bytesOut: 20 })),
          n,
        ),
        properties: { mti: '2.3-1-0-0' },
        systemProperties: { 'iothub-connection-device-id': device },
      })),
    );

  const deliver = (ingest: Ingest, events: readonly StreamEvent[]): Promise<IngestSummary> =>
    ingest.ingest({ stream: streamName, partition: '0', events: events.map(toDeviceEvent) });

  /** What the host does: the same batch again until it is through. */
  const deliverUntilDone = async (ingest: Ingest, events: readonly StreamEvent[]) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await deliver(ingest, events);
      } catch (error) {
        if (attempt === 20) throw error;
      }
    }
  };

  interface LoggedRow {
    readonly sequence: number;
    readonly writer: string;
    readonly ordinal: number;
    readonly found: readonly string[];
  }
  /** What the log holds, read without the proxies. */
  const rowsOfLog = async (): Promise<LoggedRow[]> => {
    const logged: LoggedRow[] = [];
    for await (const { block } of readForward(
      log,
      { stream: streamName, partition: '0' },
      null,
      codec,
    )) {
      const { header } = block;
      if (header.kind === 'close') continue;
      const rows = readRows({ ...block, header }, codec);
      for (let row = 0; row < rows.count; row++) {
        assert.equal(rows.isRepeat(row), false);
        logged.push({
          sequence: header.fromSequence + row,
          writer: header.writer,
          ordinal: header.snapshot.ordinal,
          found: rows.rowFindings
            .filter((finding) => finding.row === row)
            .map(({ finding }) => rows.findings[finding]!.address),
        });
      }
    }
    return logged;
  };
  const blocksOfLog = async (): Promise<number> => {
    let blocks = 0;
    for await (const _ of readForward(log, { stream: streamName, partition: '0' }, null, codec))
      blocks++;
    return blocks;
  };
  const sequences = async () => (await rowsOfLog()).map(({ sequence }) => sequence);
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

  const alertsOf = async (device: string): Promise<Alert[]> => {
    const found: Alert[] = [];
    for await (const alert of new CosmosAlertStore(cosmos.client).list(device)) found.push(alert);
    return found;
  };
  const totalsOf = async (device: string, address: string) => {
    const alerts = await alertsOf(device);
    const about = alerts.filter(
      ({ subject }) => subject.kind === 'address' && subject.address === address,
    );
    assert.equal(about.length, 1, `${device} has ${about.length} alerts about ${address}`);
    assert.notEqual(about[0]!.live, null);
    return shownTally(about[0]!)!.totals;
  };
  const expectedTotals = (sequencesSeen: readonly number[]) => ({
    messages: sequencesSeen.length,
    connections: sequencesSeen.length,
    bytesIn: 10 * sequencesSeen.length,
    bytesOut: 20 * sequencesSeen.length,
    firstSeen: START + 1000 * sequencesSeen[0]!,
    lastSeen: START + 1000 * sequencesSeen.at(-1)!,
  });

  it('keeps one block and right counts of an append that the client saw fail', async () => {
    const events = send('dropped', 6, [LISTED, HARMLESS]);
    const ingest = makeInstance('a');
    blobProxy.next(once(isAppend, 'dropAnswer'));
    await deliver(ingest, events);
    assert.equal(await blocksOfLog(), 1);
    // The own result was thrown away with the answer, so the alert is the fold's to open.
    assert.deepEqual(await alertsOf('dropped'), []);
    await deliver(ingest, events);
    await foldActivityLog(fold);
    await foldActivityLog(fold);
    assert.equal(await blocksOfLog(), 1);
    assert.deepEqual(await sequences(), upTo(6));
    assert.deepEqual(await totalsOf('dropped', LISTED), expectedTotals(upTo(6)));
    assert.equal((await alertsOf('dropped')).length, 1);
  });

  it('keeps each event once when no append is ever answered', async () => {
    const events = send('unanswered', 6, [LISTED]);
    blobProxy.next((request) => (isAppend(request) ? 'dropAnswer' : 'pass'));
    const ingest = makeInstance('a');
    for (const end of [2, 4, 6]) await deliverUntilDone(ingest, events.slice(0, end));
    blobProxy.next(() => 'pass');
    await deliver(makeInstance('b'), events);
    await foldActivityLog(fold);
    assert.deepEqual(await sequences(), upTo(6));
    assert.equal(await blocksOfLog(), 3);
    assert.deepEqual(await totalsOf('unanswered', LISTED), expectedTotals(upTo(6)));
  });

  it('goes on where it stood after storage refused for a while', async () => {
    const events = send('refused', 10, [LISTED]);
    const ingest = makeInstance('a');
    await deliver(ingest, events.slice(0, 4));
    blobProxy.next(() => 'refuse');
    await assert.rejects(deliver(ingest, events.slice(4)));
    await assert.rejects(foldActivityLog(fold), { statusCode: 503 });
    blobProxy.next(() => 'pass');
    await deliver(ingest, events.slice(4));
    await foldActivityLog(fold);
    assert.deepEqual(await sequences(), upTo(10));
    assert.deepEqual(await totalsOf('refused', LISTED), expectedTotals(upTo(10)));
  });

  it('reads from the stream what a batch that failed for good left out', async () => {
    const events = send('skipped', 10, [LISTED]);
    const ingest = makeInstance('a');
    await deliver(ingest, events.slice(0, 3));
    const { blocks } = await deliver(ingest, events.slice(7));
    assert.equal(blocks, 1);
    assert.deepEqual(await sequences(), upTo(10));
  });

  it('opens and counts alerts through a throttled Cosmos', async () => {
    const events = send('throttled', 4, [LISTED]);
    await cosmos.throttle(3, 20);
    const { findings } = await deliver(makeInstance('a'), events);
    assert.equal(findings, 4);
    assert.equal((await alertsOf('throttled')).length, 1);
    await cosmos.throttle(3, 20);
    await foldActivityLog(fold);
    assert.deepEqual(await totalsOf('throttled', LISTED), expectedTotals(upTo(4)));
  });

  it('adds rows once to an alert whose write was done but not answered', async () => {
    const events = send('half-written', 5, [LISTED]);
    cosmosProxy.next(once(isDocumentWrite, 'dropAnswer'));
    await deliverUntilDone(makeInstance('a'), events);
    assert.equal((await alertsOf('half-written')).length, 1);
    cosmosProxy.next(once(isDocumentWrite, 'dropAnswer'));
    await foldActivityLog(fold).catch(() => undefined);
    cosmosProxy.next(() => 'pass');
    await foldActivityLog(fold);
    assert.deepEqual(await totalsOf('half-written', LISTED), expectedTotals(upTo(5)));
    assert.equal((await alertsOf('half-written'))[0]!.revision, 1);
  });

  it('leaves alerts to the fold where Cosmos was down when they were to be opened', async () => {
    const events = send('cosmos-down', 3, [LISTED]);
    const ingest = makeInstance('a');
    cosmosProxy.next(() => 'refuse');
    await assert.rejects(deliver(ingest, events), { code: 503 });
    cosmosProxy.next(() => 'pass');
    await deliver(ingest, events);
    await foldActivityLog(fold);
    assert.deepEqual(await sequences(), upTo(3));
    assert.deepEqual(await totalsOf('cosmos-down', LISTED), expectedTotals(upTo(3)));
  });

  it('keeps each event once under two owners with other cuts and other snapshots', async () => {
    const events = send('contested', 40, [LISTED, LISTED_LATER]);
    const [old, young] = [makeInstance('old'), makeInstance('young')];
    await deliver(old, events.slice(0, 2));
    await publishSnapshot(snapshots, clock, snapshotOf([LISTED, LISTED_LATER]));
    await deliver(young, events.slice(1, 9));
    // Its tail and its snapshot are behind what the other has committed meanwhile.
    await deliver(old, events.slice(2, 12));
    const own = async (ingest: Ingest, size: number) => {
      for (let from = 0; from < events.length; from += size) {
        await deliverUntilDone(ingest, events.slice(from, from + size));
      }
    };
    await Promise.all([own(old, 3), own(young, 7)]);
    await Promise.all([foldActivityLog(fold), foldActivityLog(fold)]);
    await foldActivityLog(fold);

    const rows = await rowsOfLog();
    assert.deepEqual(
      rows.map(({ sequence }) => sequence),
      upTo(40),
    );
    const ordinals = rows.map(({ ordinal }) => ordinal);
    assert.deepEqual(
      ordinals,
      ordinals.toSorted((a, b) => a - b),
      'a block carries an older snapshot',
    );
    assert.deepEqual(
      rows.slice(0, 12).map(({ writer }) => writer),
      [
        ...Array<string>(2).fill('old'),
        ...Array<string>(7).fill('young'),
        ...Array<string>(3).fill('old'),
      ],
    );
    assert.equal(new Set(ordinals).size, 2);
    assert.deepEqual(await totalsOf('contested', LISTED), expectedTotals(upTo(40)));
    const foundLater = rows.filter(({ found }) => found.includes(LISTED_LATER));
    assert.deepEqual(
      foundLater.map(({ sequence }) => sequence),
      rows.filter(({ ordinal }) => ordinal === ordinals.at(-1)).map(({ sequence }) => sequence),
    );
    assert.deepEqual(
      await totalsOf('contested', LISTED_LATER),
      expectedTotals(foundLater.map(({ sequence }) => sequence)),
    );
  });
});

function snapshotOf(addresses: readonly string[]): Uint8Array {
  const indicators = addresses.map((value) => ({ prefix: parsePrefix(value)!, detail: null }));
  return buildSnapshot([{ name: 'test-list.txt', kind: 'threat', indicators }]);
}
