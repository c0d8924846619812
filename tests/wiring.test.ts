import assert from 'node:assert/strict';
import process from 'node:process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SettingsError, closeServices, parseSettings, services } from '../shared/wiring.ts';

const BY_KEY = {
  IotHubName: 'hub',
  DeviceStream:
    'Endpoint=sb://Example.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=azE=',
  DeviceStreamEventHub: 'Devices',
  ThreadwatchStorage:
    'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=azE=;BlobEndpoint=http://127.0.0.1:1/a;',
  ThreadwatchCosmos: 'AccountEndpoint=http://127.0.0.1:1/;AccountKey=azE=;',
};
const BY_IDENTITY = {
  IotHubName: 'hub',
  DeviceStream__fullyQualifiedNamespace: 'example.servicebus.windows.net',
  DeviceStreamEventHub: 'devices',
  ThreadwatchStorage__blobServiceUri: 'https://example.blob.core.windows.net',
  ThreadwatchCosmos__accountEndpoint: 'https://example.documents.azure.com:443/',
};

describe('the app settings', () => {
  it('are understood with connection strings, and with an identity', () => {
    assert.equal(parseSettings(BY_KEY).ThreadwatchCosmos, BY_KEY.ThreadwatchCosmos);
    const parsed = parseSettings(BY_IDENTITY);
    assert.equal(
      parsed.ThreadwatchStorage__blobServiceUri,
      'https://example.blob.core.windows.net',
    );
    assert.equal(parsed.ThreadwatchStorage, undefined);
  });

  it('have defaults where there is a sane one', () => {
    const { RepeatHorizonMs, EphemeralPortFrom, DeviceStreamGapConsumerGroup } =
      parseSettings(BY_KEY);
    assert.deepEqual(
      { RepeatHorizonMs, EphemeralPortFrom, DeviceStreamGapConsumerGroup },
      {
        RepeatHorizonMs: 300_000,
        EphemeralPortFrom: 30_000,
        DeviceStreamGapConsumerGroup: 'threadwatch-gaps',
      },
    );
  });

  for (const name of Object.keys(BY_KEY)) {
    it(`name ${name} when it is missing`, () => {
      const env = Object.fromEntries(Object.entries(BY_KEY).filter(([key]) => key !== name));
      assert.throws(
        () => parseSettings(env),
        (error: SettingsError) => {
          assert.equal(error.code, 'SETTINGS');
          assert.match(error.message, new RegExp(`\\b${name}(__|:|\\b)`));
          return true;
        },
      );
    });
  }

  it('name everything that is missing at once', () => {
    assert.throws(
      () => parseSettings({}),
      (error: SettingsError) => {
        for (const name of Object.keys(BY_KEY)) assert.ok(error.message.includes(name), name);
        return true;
      },
    );
  });

  it('name what is not what it must be, and do not repeat its value', () => {
    const wrong: [string, string][] = [
      ['RepeatHorizonMs', '5 minutes'],
      ['RepeatHorizonMs', '0'],
      ['EphemeralPortFrom', '70000'],
      ['ThreadwatchStorage__blobServiceUri', 'example'],
      ['ThreadwatchCosmos', ''],
    ];
    for (const [name, value] of wrong) {
      assert.throws(
        () => parseSettings({ ...BY_KEY, [name]: value }),
        { code: 'SETTINGS', message: new RegExp(`^app settings: .*${name}`) },
        `${name}=${value}`,
      );
    }
  });
});

describe('the services', () => {
  let environment: NodeJS.ProcessEnv;
  beforeEach(() => {
    environment = { ...process.env };
  });
  afterEach(async () => {
    await closeServices();
    process.env = environment;
  });

  it('are built once, from connection strings', async () => {
    Object.assign(process.env, BY_KEY);
    const built = await services();
    assert.equal(await services(), built);
    assert.equal(built.stream, 'example.servicebus.windows.net~devices');
  });

  it('are built with an identity', async () => {
    Object.assign(process.env, BY_IDENTITY);
    assert.equal((await services()).stream, 'example.servicebus.windows.net~devices');
  });

  it('are built at the next use when a setting was missing at the first', async () => {
    await assert.rejects(services(), { code: 'SETTINGS' });
    Object.assign(process.env, BY_KEY);
    assert.equal((await services()).stream, 'example.servicebus.windows.net~devices');
  });

  it('are refused a connection string without an endpoint', async () => {
    Object.assign(process.env, BY_KEY, {
      DeviceStream: 'SharedAccessKeyName=n;SharedAccessKey=azE=',
    });
    await assert.rejects(services());
    Object.assign(process.env, BY_KEY, { ThreadwatchCosmos: 'AccountKey=azE=' });
    await assert.rejects(services(), /AccountEndpoint/);
  });
});
