import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Azurite, startAzurite } from '../../../local/azurite.ts';
import { command as list } from '../../../local/commands/quarantine-list.ts';
import { nameOfMessage, parseMessageName } from '../../../local/commands/quarantine-name.ts';
import { command as show } from '../../../local/commands/quarantine-show.ts';
import { findRunning, leaveFolder, noteRunning } from '../../../local/running.ts';
import { BlobActivityLog } from '../../../shared/adapters/blob/activity-log.ts';
import { createContainers, openBlobService } from '../../../shared/adapters/blob/blob-service.ts';
import { MemoryAlertStore } from '../../../shared/adapters/memory/alert-store.ts';
import { MemoryDeviceStream } from '../../../shared/adapters/memory/device-stream.ts';
import { MemoryIndicatorSnapshots } from '../../../shared/adapters/memory/indicator-snapshots.ts';
import { zstdBlockCodec as codec } from '../../../shared/adapters/node/block-codec.ts';
import { systemClock as clock } from '../../../shared/adapters/node/system-clock.ts';
import { AlertOpener } from '../../../shared/pipeline/alerts.ts';
import { MemorySecurityGroups } from '../../../shared/adapters/memory/security-groups.ts';
import { CurrentGroups } from '../../../shared/pipeline/ingest/current-groups.ts';
import { CurrentSnapshot } from '../../../shared/pipeline/ingest/current-snapshot.ts';
import { toDeviceEvent } from '../../../shared/pipeline/ingest/fill-gap.ts';
import { Ingest } from '../../../shared/pipeline/ingest/ingest.ts';
import { DEFAULT_SETTINGS } from '../../../shared/pipeline/settings.ts';
import type { ActivityLog } from '../../../shared/ports/activity-log.ts';
import { encodeMessage } from '../../support/encode-message.ts';
import { runCommand } from './run-command.ts';

const START = Date.UTC(2026, 7, 22, 11);
const STREAM = 'hub~devices';
const JUNK = Buffer.from('no message, \u001b[31m nor text \u0000\u00ff');

describe('the quarantine of a data folder', () => {
  let directory: string;
  let data: string;
  let azurite: Azurite;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-quarantine-'));
    data = join(directory, '.threadwatch');
    azurite = await startAzurite({ directory: join(data, 'blob'), port: 0 });
    const { connectionString } = azurite;
    const service = openBlobService({ connectionString });
    await createContainers(service);
    await ingestMessages(new BlobActivityLog(service));
    // As if the platform ran here: what follows asks its store.
    const settings = { ThreadwatchStorage: connectionString };
    noteRunning(data, { httpAddress: 'http://127.0.0.1:1', settings });
  });
  after(async () => {
    await azurite.stop();
    await rm(directory, { recursive: true });
  });

  const listed = async (...args: string[]) => {
    const { code, stderr, records } = await runCommand(list, ['--json', ...args], {
      cwd: directory,
    });
    assert.equal(stderr, '');
    assert.equal(code, 0);
    return records;
  };

  it('lists what was refused, and nothing else', async () => {
    const records = await listed();
    assert.deepEqual(
      records.map(({ name, deviceId, reason }) => [name, deviceId, reason]),
      [
        [`${STREAM}/0/0/1`, 'cam-1', records[0].reason],
        [`${STREAM}/0/0/3`, 'ev\u001bil', 'legacyJson'],
        [`${STREAM}/1/0/0`, 'cam-1', records[2].reason],
      ],
    );
    assert.deepEqual(records[0], {
      record: 'quarantined',
      name: `${STREAM}/0/0/1`,
      time: '2026-08-22T11:00:01.000Z',
      deviceId: 'cam-1',
      moduleId: null,
      reason: records[0].reason,
      bytes: JUNK.length,
    });
    assert.match(records[0].reason, /^\w+$/);
    assert.equal(records[2].moduleId, 'agent');
  });

  it('lists one device, or from a time on', async () => {
    assert.equal((await listed('--device', 'cam-1')).length, 2);
    assert.equal((await listed('--device', 'nobody')).length, 0);
    const since = await listed('--since', '2026-08-22T11:00:02Z');
    assert.deepEqual(
      since.map(({ name }) => name),
      [`${STREAM}/0/0/3`],
    );
  });

  it('lists for people: a line each, control characters made visible', async () => {
    const { stdout } = await runCommand(list, [], { cwd: directory });
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[1]!, /legacyJson .* 2 bytes {2}hub~devices\/0\/0\/3$/);
    assert.equal(lines[3], '3 quarantined messages');
    assert.ok(!stdout.includes('\u001b'));
  });

  it('shows one message: its bytes in base64, as a dump, or in a file', async () => {
    const name = `${STREAM}/0/0/1`;
    const json = await runCommand(show, [name, '--json'], { cwd: directory });
    assert.equal(json.code, 0);
    const { body, ...rest } = json.records[0];
    assert.ok(Buffer.from(body, 'base64').equals(JUNK));
    assert.deepEqual(rest, (await listed())[0]);

    const dump = await runCommand(show, [name], { cwd: directory });
    const [head, first, second] = dump.stdout.split('\n');
    assert.match(
      head!,
      new RegExp(`^2026-08-22T11:00:01.000Z {2}cam-1 {2}\\w+ {2}${JUNK.length} bytes$`),
    );
    assert.equal(
      first,
      '000000  6e 6f 20 6d 65 73 73 61 67 65 2c 20 1b 5b 33 31  no message, .[31',
    );
    assert.match(second!, /^000010 {2}6d 20 6e 6f 72 /);
    assert.ok(!dump.stdout.includes('\u001b'));

    await runCommand(show, [name, '-o', 'body.bin'], { cwd: directory });
    assert.ok((await readFile(join(directory, 'body.bin'))).equals(JUNK));
  });

  it('says so when no quarantined message has the name', async () => {
    for (const name of [
      `${STREAM}/0/0/0`,
      `${STREAM}/0/1/1`,
      `${STREAM}/7/0/1`,
      'other~hub/0/0/1',
    ]) {
      const { code, stdout, stderr } = await runCommand(show, [name], { cwd: directory });
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.ok(stderr.includes(name));
    }
  });

  it('refuses arguments that it does not understand', async () => {
    const cwd = directory;
    await assert.rejects(runCommand(list, ['--since', 'now'], { cwd }), { code: 'USAGE' });
    await assert.rejects(runCommand(show, [], { cwd }), { code: 'USAGE' });
    await assert.rejects(runCommand(show, ['a/0/0/1', 'b/0/0/1'], { cwd }), { code: 'USAGE' });
    for (const name of ['x', 'a/0/0', 'a/0/0/-1', 'a/0/0/1/2', '/0/0/1', 'a/0/0/1e3']) {
      await assert.rejects(runCommand(show, [name], { cwd }), { code: 'USAGE' });
    }
    const none = runCommand(list, ['--data', 'none'], { cwd });
    await assert.rejects(none, /none holds no data of Threadwatch; run "threadwatch start"/);
  });

  it('is read while nothing runs on the folder, and nothing runs there afterwards', async () => {
    const before = await listed();
    await azurite.stop();
    leaveFolder(data);
    assert.deepEqual(await listed(), before);
    assert.equal(findRunning(data), null);
    // The store can be opened again: the command has let go of it.
    const one = await runCommand(show, [before[0].name, '--json'], { cwd: directory });
    assert.equal(one.records[0].bytes, JUNK.length);
  });
});

describe('the name of a quarantined message', () => {
  it('is read as it is written', () => {
    const place = { stream: 'hub~devices', partition: '12', epoch: 3, sequence: 2 ** 40 };
    assert.deepEqual(parseMessageName(nameOfMessage(place)), place);
  });
});

/** Into partition 0 of `log` four messages, two of them junk; into partition 1 one, junk. */
async function ingestMessages(log: ActivityLog): Promise<void> {
  const stream = new MemoryDeviceStream(['0', '1']);
  const good = encodeMessage([{ remote: '203.0.113.5', bytesIn: 1, bytesOut: 1 }]);
  const bodies: readonly [string, string, Uint8Array, string?][] = [
    ['0', 'cam-1', good],
    ['0', 'cam-1', JUNK],
    ['0', 'cam-2', good],
    ['0', 'ev\u001bil', Buffer.from('{}')],
    ['1', 'cam-1', JUNK, 'agent'],
  ];
  const settings = { ...DEFAULT_SETTINGS, hub: 'test-hub' };
  const snapshot = new CurrentSnapshot(new MemoryIndicatorSnapshots(), clock, 60_000);
  const alerts = new AlertOpener(new MemoryAlertStore(), clock, settings.hub);
  const ingest = new Ingest({
    log,
    stream,
    snapshot,
    groups: new CurrentGroups(new MemorySecurityGroups(), clock, 60_000),
    clock,
    codec,
    settings,
    writerId: 'w',
    alerts,
  });
  for (const [partition, deviceId, body, moduleId] of bodies) {
    const count = (await stream.properties(partition)).lastEnqueuedSequenceNumber + 1;
    const events = stream.send(partition, {
      enqueuedTime: START + count * 1000,
      properties: { mti: '2.3-1-0-0' },
      systemProperties: {
        'iothub-connection-device-id': deviceId,
        ...(moduleId === undefined ? {} : { 'iothub-connection-module-id': moduleId }),
      },
      body,
    });
    await ingest.ingest({ stream: STREAM, partition, events: events.map(toDeviceEvent) });
  }
}
