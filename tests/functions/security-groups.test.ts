// Security groups on the platform of this machine: Azure's own client for them against the functions in their host, over
// TLS, and the handlers called as functions.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { SecurityCenter, type DeviceSecurityGroup } from '@azure/arm-security';
import { HttpRequest, type HttpResponseInit } from '@azure/functions';
import { deleteSecurityGroup } from '../../functions/http/delete-security-group.ts';
import { getSecurityGroup } from '../../functions/http/get-security-group.ts';
import { listSecurityGroups } from '../../functions/http/list-security-groups.ts';
import { putSecurityGroup } from '../../functions/http/put-security-group.ts';
import type { Command } from '../../local/commands/command.ts';
import { command as apply } from '../../local/commands/groups-apply.ts';
import { command as exportGroups } from '../../local/commands/groups-export.ts';
import { command as list } from '../../local/commands/groups-list.ts';
import { APP_DIRECTORY } from '../../local/functions/host-app.ts';
import { type FunctionsProcess, startFunctions } from '../../local/functions/start.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { closeServices, services } from '../../shared/wiring.ts';
import { runCommand } from '../local/commands/run-command.ts';

const HUB =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-Fleet/providers/Microsoft.Devices/IotHubs/hub-1';

const GROUP: DeviceSecurityGroup = {
  timeWindowRules: [
    {
      ruleType: 'ActiveConnectionsNotInAllowedRange',
      isEnabled: true,
      minThreshold: 0,
      maxThreshold: 30,
      timeWindowSize: 'PT05M',
    },
  ],
  allowlistRules: [
    {
      ruleType: 'ConnectionToIpNotAllowed',
      isEnabled: true,
      allowlistValues: ['203.0.113.0/26', '2001:db8::/48'],
    },
  ],
};

let directory: string;
let platform: Platform;
let functions: FunctionsProcess;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'threadwatch-groups-'));
  platform = await startPlatform({ directory, partitionCount: 1, anyPorts: true });
  functions = await startFunctions({
    platform,
    httpPort: 0,
    tls: { directory: join(directory, 'tls'), port: 0 },
  });
  Object.assign(process.env, platform.settings);
});
after(async () => {
  await functions.stop();
  await closeServices();
  await platform.stop();
  await rm(directory, { recursive: true });
});

describe('the client of Azure for security groups', () => {
  let groups: SecurityCenter['deviceSecurityGroups'];
  /** The status of the last answer, which the client does not give away. */
  let status: number;

  before(async () => {
    const { httpsAddress, certificateFile } = functions.listening;
    const token = { token: 'any', expiresOnTimestamp: Date.now() + 3_600_000 };
    const client = new SecurityCenter({ getToken: async () => token }, 'any', {
      endpoint: `${httpsAddress}/api`,
      tlsOptions: { ca: await readFile(certificateFile!, 'utf8') },
      retryOptions: { maxRetries: 0 },
    });
    client.pipeline.addPolicy({
      name: 'note the status',
      sendRequest: async (request, next) => {
        const response = await next(request);
        ({ status } = response);
        return response;
      },
    });
    groups = client.deviceSecurityGroups;
  });

  const names = async (hub = HUB) => {
    const found: string[] = [];
    for await (const { name } of groups.list(hub)) found.push(name!);
    return found;
  };
  const put = (name: string, group: DeviceSecurityGroup) => groups.createOrUpdate(HUB, name, group);

  it('lists nothing at first', async () => {
    assert.deepEqual(await names(), []);
  });

  it('creates a group, and is shown every rule there is', async () => {
    const group = await put('Cameras', GROUP);
    assert.equal(status, 201);
    assert.deepEqual(
      [group.id, group.name, group.type],
      [
        `${HUB}/providers/Microsoft.Security/deviceSecurityGroups/Cameras`,
        'Cameras',
        'Microsoft.Security/deviceSecurityGroups',
      ],
    );
    assert.deepEqual([group.thresholdRules, group.denylistRules], [[], []]);
    assert.deepEqual([group.timeWindowRules!.length, group.allowlistRules!.length], [16, 4]);
    assert.partialDeepStrictEqual(group.timeWindowRules![0], GROUP.timeWindowRules![0]);
    assert.partialDeepStrictEqual(group.allowlistRules![0], {
      ...GROUP.allowlistRules![0],
      valueType: 'IpCidr',
      displayName: "Outbound connection to an ip that isn't allowed",
    });
    const others = group.timeWindowRules!.slice(1);
    assert.ok(others.every((rule) => !rule.isEnabled && rule.timeWindowSize === 'PT15M'));
  });

  it('gets and lists it, by any spelling of its name', async () => {
    const group = await groups.get(HUB, 'CAMERAS');
    assert.equal(group.name, 'Cameras');
    assert.equal(group.timeWindowRules![0]!.maxThreshold, 30);
    assert.deepEqual(await names(), ['Cameras']);
    // Without the slash that a resource id begins with: what routers of Azure take for sure.
    assert.deepEqual(await names(HUB.slice(1)), ['Cameras']);
  });

  it('updates it with what it was given, read-only texts and all', async () => {
    const group = await groups.get(HUB, 'cameras');
    const [first, ...others] = group.timeWindowRules!;
    const changed = await put('cameras', {
      ...group,
      timeWindowRules: [{ ...first!, maxThreshold: 31 }, ...others],
      denylistRules: [
        { ruleType: 'DenylistCustomAlertRule', isEnabled: true, denylistValues: ['192.0.2.0/24'] },
      ],
    });
    assert.equal(status, 200);
    assert.equal(changed.timeWindowRules![0]!.maxThreshold, 31);
    assert.deepEqual(changed.denylistRules![0]!.denylistValues, ['192.0.2.0/24']);
    const again = await groups.get(HUB, 'cameras');
    assert.deepEqual(again, changed);
  });

  it('is told which field is wrong', async () => {
    const good = GROUP.timeWindowRules![0]!;
    const wrong = {
      timeWindowRules: [
        good,
        { ...good, ruleType: 'TwinUpdatesNotInAllowedRange' },
        { ...good, ruleType: 'FileUploadsNotInAllowedRange', minThreshold: 31 },
      ],
    } as DeviceSecurityGroup;
    const target = 'properties.timeWindowRules[2].maxThreshold';
    await assert.rejects(put('meters', wrong), (error: any) => {
      assert.equal(error.name, 'RestError');
      assert.deepEqual([error.statusCode, error.code], [400, 'InvalidRequest']);
      assert.match(error.message, /maxThreshold/);
      assert.equal(error.details.target, target);
      assert.equal(error.details.details[0].target, target);
      return true;
    });
    await assert.rejects(put('a#b', GROUP), { statusCode: 400, code: 'InvalidRequest' });
    await assert.rejects(put('a/b', GROUP), { statusCode: 400, code: 'InvalidRequest' });
    assert.deepEqual(await names(), ['Cameras']);
  });

  it('deletes it, once', async () => {
    await groups.delete(HUB, 'CAMERAS');
    assert.equal(status, 200);
    await groups.delete(HUB, 'cameras');
    assert.equal(status, 204);
    await assert.rejects(groups.get(HUB, 'cameras'), {
      name: 'RestError',
      statusCode: 404,
      code: 'ResourceNotFound',
    });
    assert.deepEqual(await names(), []);
  });

  it('creates a group of any name that a path can hold', async () => {
    for (const name of ["o'hare 水 & Co; +1", 'a.b', 'x'.repeat(256)]) {
      assert.equal((await put(name, GROUP)).name, name);
      assert.equal((await groups.get(HUB, name)).name, name);
      await groups.delete(HUB, name);
      assert.equal(status, 200);
    }
  });
});

describe('security groups as files', () => {
  const run = async (command: Command, ...args: string[]) => {
    const url = ['--url', functions.listening.httpAddress];
    const { code, stdout } = await runCommand(command, [...args, ...url], { cwd: directory });
    assert.equal(code, 0);
    return stdout;
  };
  const NOTHING = 'the security groups are as they should be\n';
  const SAMPLE = join(APP_DIRECTORY, 'local', 'samples', 'fleet', 'groups.json');

  it('are applied as Defender exported them, and exported, and change nothing then', async () => {
    const planned = await run(apply, SAMPLE, '--dry-run');
    assert.deepEqual(
      planned.split('\n').filter((line) => line.startsWith('create ')),
      ['create cameras', 'create default', 'create meters', 'create thermostats'],
    );
    assert.equal(await run(apply, SAMPLE), planned);
    const { groups } = await services();
    const { revision } = await groups.current();
    assert.equal(await run(apply, SAMPLE), NOTHING);
    await run(exportGroups, 'groups');
    assert.equal(await run(apply, 'groups', '--prune'), NOTHING);
    assert.equal((await groups.current()).revision, revision);
    assert.match(await run(list), /^cameras +ConnectionToIpNotAllowed +enabled +13 values /m);
  });

  it('are removed where no file names them, if asked', async () => {
    await rm(join(directory, 'groups', 'meters.json'));
    assert.equal(await run(apply, 'groups'), NOTHING);
    assert.equal(await run(apply, 'groups', '--prune'), 'delete meters\n');
    assert.equal(await run(apply, 'groups', '--prune'), NOTHING);
    for (const { group, version } of await (await services()).groups.list()) {
      await (await services()).groups.remove(group.name, version);
    }
  });
});

type Handler = (request: HttpRequest) => Promise<HttpResponseInit>;

describe('the functions of security groups', () => {
  const params = {
    subscription: 's',
    resourceGroup: 'r',
    hubProvider: 'Microsoft.Devices',
    hubType: 'IotHubs',
    hub: 'h',
    name: 'meters',
  };
  const call = async (
    handler: Handler,
    {
      body,
      headers = {},
      query = '?api-version=2019-08-01',
    }: { body?: unknown; headers?: Record<string, string>; query?: string } = {},
  ) => {
    const answer = await handler(
      new HttpRequest({
        method: body === undefined ? 'GET' : 'PUT',
        url: `http://127.0.0.1/api/x${query}`,
        params,
        headers,
        ...(body === undefined
          ? {}
          : { body: { string: typeof body === 'string' ? body : JSON.stringify(body) } }),
      }),
    );
    const etag = new Headers(answer.headers).get('etag');
    return { status: answer.status ?? 200, etag, body: answer.jsonBody };
  };
  const properties = { timeWindowRules: GROUP.timeWindowRules };

  it('change a group under its ETag', async () => {
    const body = { properties };
    const missing = await call(putSecurityGroup, { body, headers: { 'if-match': '*' } });
    assert.deepEqual([missing.status, missing.body.error.code], [412, 'PreconditionFailed']);
    const ifNone = { 'if-none-match': '*' };
    const created = await call(putSecurityGroup, { body, headers: ifNone });
    assert.equal(created.status, 201);
    assert.equal((await call(putSecurityGroup, { body, headers: ifNone })).status, 412);
    const read = await call(getSecurityGroup);
    assert.deepEqual([read.etag, read.body], [created.etag, created.body]);
    assert.equal(read.body.etag, read.etag);
    const listed = await call(listSecurityGroups);
    assert.deepEqual(listed.body, { value: [read.body] });
    assert.equal((await (await services()).groups.current()).groups[0]?.name, 'meters');
    const headers = { 'if-match': read.etag! };
    const changed = await call(putSecurityGroup, { body: {}, headers });
    assert.equal(changed.status, 200);
    assert.equal((await call(putSecurityGroup, { body, headers })).status, 412);
    assert.equal((await call(deleteSecurityGroup, { headers })).status, 412);
    const now = { 'if-match': changed.etag! };
    assert.equal((await call(deleteSecurityGroup, { headers: now })).status, 200);
    assert.equal((await call(deleteSecurityGroup)).status, 204);
    assert.equal((await call(deleteSecurityGroup, { headers: now })).status, 412);
  });

  it('serve one version of the API', async () => {
    for (const handler of [
      listSecurityGroups,
      getSecurityGroup,
      putSecurityGroup,
      deleteSecurityGroup,
    ]) {
      const missing = await call(handler, { query: '' });
      assert.deepEqual(
        [missing.status, missing.body.error.code],
        [400, 'MissingApiVersionParameter'],
      );
      const other = await call(handler, { query: '?api-version=2020-01-01' });
      assert.deepEqual([other.status, other.body.error.code], [400, 'InvalidApiVersionParameter']);
    }
  });

  it('refuse a body that is none, or too large', async () => {
    for (const [body, status] of [
      ['', 400],
      ['{', 400],
      ['[]', 400],
      [JSON.stringify({ properties, more: 'x'.repeat(2_000_000) }), 413],
    ] as const) {
      assert.equal((await call(putSecurityGroup, { body })).status, status);
    }
    assert.equal((await call(getSecurityGroup)).status, 404);
  });
});
