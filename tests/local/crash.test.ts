// The functions host is killed again and again while the sample fleet plays; hub and stores are other processes and live
// on, as in Azure. Whatever the moment, the log holds every message once and the alerts count what they would have counted.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { BlobCheckpoints } from '../../shared/adapters/blob/checkpoints.ts';
import { BlobActivityLog } from '../../shared/adapters/blob/activity-log.ts';
import { openBlobService } from '../../shared/adapters/blob/blob-service.ts';
import { zstdBlockCodec } from '../../shared/adapters/node/block-codec.ts';
import { PIECE_MS, alignedDown, alignedUp } from '../../shared/domain/window/window.ts';
import { allWindowsDone, judgeBetween } from '../../shared/pipeline/windows/window-plan.ts';
import { loadFirstGroups, securityGroupsOf } from '../../local/groups/load-groups.ts';
import { readForward } from '../../shared/pipeline/log/read-log.ts';
import { type CapturedEvent, readCapture } from '../../local/capture/read-capture.ts';
import { type FunctionsProcess, startFunctions } from '../../local/functions/start.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { type Incident, scoreReplay, scoreRules } from '../support/score-replay.ts';
import { loadFeedFolder } from '../support/feeds.ts';

const SAMPLE = join(import.meta.dirname, '../../local/samples/fleet');
const KILLS = 10;
const KILLS_OF_WINDOWS = 6;
/** When the sample was captured: some of its indicators have ended since. */
const CAPTURED = { now: () => Date.parse('2026-08-22T11:00:00Z') };
const NEVER = '0 0 0 1 1 *';

describe('the functions host, killed at random moments', () => {
  let directory: string;
  let platform: Platform;
  const events: CapturedEvent[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-crash-'));
    platform = await startPlatform({ directory, partitionCount: 4, anyPorts: true });
    const { leftOut } = await loadFeedFolder(platform, join(SAMPLE, 'feed'), CAPTURED);
    assert.deepEqual(leftOut, []);
    const groups = join(SAMPLE, 'groups.json');
    await loadFirstGroups(securityGroupsOf(platform), groups, { cwd: '.', stdin: process.stdin });
    await judgeBetween(planOf(platform), 0, 0);
    for await (const event of readCapture(join(SAMPLE, 'capture.ndjson.gz'), process.stdin)) {
      events.push(event);
    }
  });

  after(async () => {
    await platform.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('loses nothing and counts nothing twice', async (t) => {
    // The functions' own clock is today's, by which a refresh would drop what ended.
    const each = '* * * * * *';
    const settings = { FoldSchedule: each, WindowSchedule: each, FeedRefreshSchedule: NEVER };
    const durableStateDirectory = join(directory, 'durable');
    // Small batches, so that a kill meets ingest, fold and checkpoint at every step.
    const start = () =>
      startFunctions({ platform, settings, httpPort: 0, maxBatch: 200, durableStateDirectory });
    let sent = 0;
    let unread = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const end = Math.ceil(((kill + 1) * events.length) / KILLS);
      await platform.hub.client.send(events.slice(sent, end));
      sent = end;
      const functions = await start();
      await wait(Math.random() * 700);
      await functions.kill('SIGKILL');
      unread += (await waiting(platform)) > 0 ? 1 : 0;
    }
    t.diagnostic(`${KILLS} kills, ${unread} of them with messages left unread`);
    assert.ok(unread > 0, 'the kills came while there was work');
    let functions: FunctionsProcess | undefined = await start();
    // What a lost checkpoint brings: the same events with the same numbers once more.
    const { alreadyHeld } = await platform.hub.client.send(events);
    assert.equal(alreadyHeld, events.length);
    await folded(platform);
    // Windows of a time that is over are due at once, so they are judged when everything is read; and killed on their way.
    const from = alignedDown(events[0]!.time, PIECE_MS);
    const until = alignedUp(events.at(-1)!.time + 1, PIECE_MS);
    await judgeBetween(planOf(platform), from, until);
    let unfinished = 0;
    for (let kill = 0; kill < KILLS_OF_WINDOWS; kill++) {
      await wait(300 + Math.random() * 1500);
      await functions.kill('SIGKILL');
      unfinished += (await allWindowsDone(planOf(platform))) ? 0 : 1;
      functions = await start();
    }
    t.diagnostic(`${KILLS_OF_WINDOWS} more kills, ${unfinished} of them with windows on their way`);
    assert.ok(unfinished > 0, 'the kills came while windows were judged');
    while (!(await allWindowsDone(planOf(platform)))) await wait(200);
    const answer = await fetch(`${functions.listening.httpAddress}/api/alerts`);
    const { value } = (await answer.json()) as { value: Record<string, unknown>[] };
    await functions.stop();
    functions = undefined;
    const truth = await readFile(join(import.meta.dirname, '../fixtures/fleet/truth.json'), 'utf8');
    const { incidents } = JSON.parse(truth) as { incidents: Incident[] };
    assert.deepEqual(scoreReplay(incidents, value).problems, []);
    assert.deepEqual(scoreRules(incidents, value), []);
    assert.equal(await rowsOnce(platform), events.length);
  });
});

function planOf({ blobs }: Platform): { checkpoints: BlobCheckpoints } {
  const service = openBlobService({ connectionString: blobs.connectionString });
  return { checkpoints: new BlobCheckpoints(service) };
}

/** Events that the host has not checkpointed. */
async function waiting({ hub }: Platform): Promise<number> {
  let count = 0;
  for (const partition of await hub.client.partitionIds()) {
    const { lastEnqueuedSequenceNumber } = await hub.client.partitionProperties(partition);
    const done = await hub.client.readCheckpoint('$Default', partition);
    if (done === null || done < lastEnqueuedSequenceNumber) count++;
  }
  return count;
}

async function folded(platform: Platform): Promise<void> {
  const service = openBlobService({ connectionString: platform.blobs.connectionString });
  const checkpoints = new BlobCheckpoints(service);
  for (const partition of await platform.hub.client.partitionIds()) {
    const { lastEnqueuedSequenceNumber } = await platform.hub.client.partitionProperties(partition);
    for (;;) {
      const checkpoint = await checkpoints.read(`fold/127.0.0.1~devices/${partition}`);
      const value = checkpoint?.value as { position: { sequence: number } } | undefined;
      if ((value?.position.sequence ?? -1) >= lastEnqueuedSequenceNumber) break;
      await wait(200);
    }
  }
}

/** How many sequence numbers the log holds; fails when one stands in it twice or is missing. */
async function rowsOnce(platform: Platform): Promise<number> {
  const log = new BlobActivityLog(
    openBlobService({ connectionString: platform.blobs.connectionString }),
  );
  let rows = 0;
  for (const partition of await log.partitions()) {
    let last: number | null = null;
    for await (const { block } of readForward(log, partition, null, zstdBlockCodec)) {
      const { header } = block;
      if (header.kind === 'close') continue;
      assert.equal(header.epoch, 0);
      assert.equal(header.lost, null);
      if (last !== null) assert.equal(header.fromSequence, last + 1);
      last = header.toSequence;
      rows += header.toSequence - header.fromSequence + 1;
    }
  }
  return rows;
}
