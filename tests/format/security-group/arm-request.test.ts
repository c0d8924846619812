import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupRequest } from '../../../shared/format/security-group/arm-request.ts';

const params = {
  subscription: 's',
  resourceGroup: 'rg-Fleet',
  hubProvider: 'Microsoft.Devices',
  hubType: 'IotHubs',
  hub: 'hub-1',
};
const ask = (query: string, more: Record<string, string> = {}) =>
  groupRequest({ query: new URLSearchParams(query), params: { ...params, ...more } });

describe('a request for security groups', () => {
  it('names the resource under which it asks, and the group', () => {
    const scope =
      '/subscriptions/s/resourceGroups/rg-Fleet/providers/Microsoft.Devices/IotHubs/hub-1';
    assert.deepEqual(ask('api-version=2019-08-01'), { scope, name: '' });
    assert.deepEqual(ask('Api-Version=2019-08-01', { name: 'A' }), { scope, name: 'A' });
  });

  it('names the version of the API that is served', () => {
    for (const query of ['', 'api-version=', 'version=2019-08-01']) {
      assert.throws(() => ask(query), {
        code: 'MissingApiVersionParameter',
        message: /2019-08-01/,
      });
    }
    for (const query of ['api-version=2020-01-01', 'api-version=2019-08-01-preview']) {
      assert.throws(() => ask(query), {
        code: 'InvalidApiVersionParameter',
        message: /is not served, only 2019-08-01/,
      });
    }
  });
});
