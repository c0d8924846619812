import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import {
  addToEnvironment,
  loadHostSettings,
  loadLocalSettings,
  loadMain,
  resolveSettings,
} from '../../../local/host/settings.ts';

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), 'host-settings-'))));
after(async () => rm(directory, { recursive: true }));

const write = (name: string, value: unknown) =>
  writeFile(join(directory, name), JSON.stringify(value));

describe('host.json', () => {
  it('has the defaults of the .NET host', async () => {
    await write('host.json', { version: '2.0', logging: { any: 'thing' } });
    assert.deepEqual(await loadHostSettings(directory), {
      functionTimeoutMilliseconds: null,
      routePrefix: 'api',
      eventHubs: {
        maxEventBatchSize: 100,
        minEventBatchSize: 1,
        maxWaitTime: 60_000,
        batchCheckpointFrequency: 1,
      },
      durableTask: {
        maxConcurrentActivityFunctions: 10 * availableParallelism(),
        maxConcurrentOrchestratorFunctions: 10 * availableParallelism(),
      },
    });
  });

  it('says what is different', async () => {
    await write('host.json', {
      version: '2.0',
      functionTimeout: '00:10:00',
      extensions: {
        http: { routePrefix: '' },
        eventHubs: { maxEventBatchSize: 1000, minEventBatchSize: 64, maxWaitTime: '00:00:15' },
        durableTask: { hubName: 'Hub', maxConcurrentActivityFunctions: 3, tracing: {} },
      },
    });
    const settings = await loadHostSettings(directory);
    assert.equal(settings.functionTimeoutMilliseconds, 600_000);
    assert.equal(settings.routePrefix, '');
    assert.equal(settings.eventHubs.minEventBatchSize, 64);
    assert.equal(settings.eventHubs.maxWaitTime, 15_000);
    assert.equal(settings.durableTask.hubName, 'Hub');
    assert.equal(settings.durableTask.maxConcurrentActivityFunctions, 3);
  });

  it('yields to what the caller overrides', async () => {
    const { eventHubs } = await loadHostSettings(directory, { minEventBatchSize: 1 });
    assert.equal(eventHubs.minEventBatchSize, 1);
    assert.equal(eventHubs.maxEventBatchSize, 1000);
  });

  it('may have no limit of time', async () => {
    await write('host.json', { version: '2.0', functionTimeout: '-1' });
    assert.equal((await loadHostSettings(directory)).functionTimeoutMilliseconds, null);
  });

  it('is refused with its path and what is wrong', async () => {
    const wrong: [object, RegExp][] = [
      [{ version: '1.0' }, /host\.json.*version/s],
      [{ version: '2.0', functionTimeout: 'soon' }, /functionTimeout/],
      [
        { version: '2.0', extensions: { eventHubs: { maxEventBatchSize: 0 } } },
        /maxEventBatchSize/,
      ],
      [
        { version: '2.0', extensions: { eventHubs: { minEventBatchSize: 101 } } },
        /minEventBatchSize is greater/,
      ],
      [{ version: '2.0', extensions: { eventHubs: { maxWaitTime: '00:11:00' } } }, /at most/],
      [
        {
          version: '2.0',
          extensions: { eventHubs: { initialOffsetOptions: { type: 'fromEnd' } } },
        },
        /from the start only/,
      ],
    ];
    for (const [json, reason] of wrong) {
      await write('host.json', json);
      await assert.rejects(loadHostSettings(directory), reason);
    }
    await writeFile(join(directory, 'host.json'), '{');
    await assert.rejects(loadHostSettings(directory), /cannot read .*host\.json/);
    await assert.rejects(loadHostSettings(join(directory, 'absent')), /cannot read .*host\.json/);
  });
});

describe('local.settings.json', () => {
  it('gives its values', async () => {
    await write('local.settings.json', { IsEncrypted: false, Values: { A: '1' } });
    assert.deepEqual(await loadLocalSettings(directory), { A: '1' });
  });

  it('is often absent', async () => {
    assert.deepEqual(await loadLocalSettings(join(directory, 'absent')), {});
  });

  it('is refused when it cannot be understood', async () => {
    await write('local.settings.json', { IsEncrypted: true, Values: {} });
    await assert.rejects(loadLocalSettings(directory), /encrypted/);
    await writeFile(join(directory, 'local.settings.json'), 'x');
    await assert.rejects(loadLocalSettings(directory), /cannot read/);
  });
});

describe('package.json', () => {
  it('names the modules to load', async () => {
    await write('package.json', { main: 'dist/*.js' });
    assert.equal(await loadMain(directory), 'dist/*.js');
    await write('package.json', {});
    await assert.rejects(loadMain(directory), /no "main"/);
  });
});

describe('app settings', () => {
  it('stand in for their names, unless the environment has one', () => {
    process.env['HOST_TEST_SET'] = 'from outside';
    addToEnvironment({ HOST_TEST_SET: 'from settings', HOST_TEST_NEW: 'new' });
    assert.equal(resolveSettings('a %HOST_TEST_SET% b %HOST_TEST_NEW%'), 'a from outside b new');
    assert.equal(resolveSettings('0 */5 * * * *'), '0 */5 * * * *');
    assert.throws(
      () => resolveSettings('%HOST_TEST_UNSET%'),
      /'%HOST_TEST_UNSET%' does not resolve/,
    );
  });
});
