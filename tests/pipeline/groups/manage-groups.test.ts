import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { MemorySecurityGroups } from '../../../shared/adapters/memory/security-groups.ts';
import type { RequestError } from '../../../shared/format/http-problem.ts';
import {
  MAX_GROUPS,
  deleteGroup,
  getGroup,
  putGroup,
} from '../../../shared/pipeline/groups/manage-groups.ts';
import type { SecurityGroups } from '../../../shared/ports/security-groups.ts';

const ANY = { ifMatch: null, ifNoneMatch: null };
const ONLY_NEW = { ifMatch: null, ifNoneMatch: '*' };
const ifMatch = (version: string) => ({ ifMatch: `"${version}"`, ifNoneMatch: null });

const body = (maxThreshold = 10) => ({
  properties: {
    timeWindowRules: [
      {
        ruleType: 'ActiveConnectionsNotInAllowedRange',
        isEnabled: true,
        minThreshold: 1,
        maxThreshold,
        timeWindowSize: 'PT5M',
      },
    ],
  },
});

let groups: MemorySecurityGroups;
beforeEach(() => {
  groups = new MemorySecurityGroups();
});
const revision = async () => (await groups.current()).revision;
const put = (name: string, max = 10, conditions: Parameters<typeof putGroup>[3] = ANY) =>
  putGroup(groups, name, body(max), conditions);
const maxOf = async (name: string) =>
  (await getGroup(groups, name)).group.timeWindowRules[0]!.maxThreshold;
const refused = (code: string, message = /./) => ({ code, message });

describe('putting a security group', () => {
  it('creates it, then changes it; one that is the same stays in its version', async () => {
    const first = await put('Cameras');
    assert.deepEqual([first.created, first.group.name], [true, 'Cameras']);
    const same = await put('Cameras');
    assert.deepEqual([same.created, same.version, await revision()], [false, first.version, 1]);
    const changed = await put('Cameras', 11);
    assert.deepEqual([changed.created, await revision()], [false, 2]);
    assert.notEqual(changed.version, first.version);
  });

  it('knows it by any spelling, and keeps the one with which it was created', async () => {
    await put('Cameras');
    const { created, group } = await put('CAMERAS', 11);
    assert.deepEqual([created, group.name], [false, 'Cameras']);
    assert.equal((await getGroup(groups, 'cameras')).group.name, 'Cameras');
    assert.equal((await groups.list()).length, 1);
  });

  it('writes only under the conditions that were named', async () => {
    await assert.rejects(put('a', 1, ifMatch('1')), refused('PreconditionFailed', /not exist/));
    const { version } = await put('a', 1, ONLY_NEW);
    await assert.rejects(put('a', 2, ONLY_NEW), refused('PreconditionFailed', /exists already/));
    await put('a', 2, ifMatch(version));
    await assert.rejects(put('a', 3, ifMatch(version)), refused('PreconditionFailed'));
    await put('a', 4, { ifMatch: '*', ifNoneMatch: null });
    assert.equal(await maxOf('a'), 4);
  });

  it('tells the field that is wrong, and writes nothing', async () => {
    await assert.rejects(put('a', 0), (error: RequestError) => {
      const path = 'properties.timeWindowRules[0].maxThreshold';
      assert.equal(error.code, 'InvalidRequest');
      assert.ok(error.message.startsWith(`${path}: `));
      assert.deepEqual(
        error.fields.map(({ target, code }) => [target, code]),
        [[path, 'InvalidValue']],
      );
      return true;
    });
    await assert.rejects(
      putGroup(groups, 'a', { properties: { timeWindowRules: [{}], allowlistRules: 1 } }, ANY),
      refused('InvalidRequest', /\(and 1 more: see details\)$/),
    );
    await assert.rejects(putGroup(groups, 'a', undefined, ANY), refused('InvalidRequest'));
    assert.equal(await revision(), 0);
  });

  it('refuses a name that is none, an encoded slash too', async () => {
    const reason = refused('InvalidRequest', /^the name of the security group: /);
    for (const name of ['a%2Fb', 'a%2fb', '', '..', 'x'.repeat(257), '$twin.tags.SecurityGroup']) {
      await assert.rejects(put(name), reason);
      await assert.rejects(getGroup(groups, name), reason);
      await assert.rejects(deleteGroup(groups, name, ANY), reason);
    }
  });

  it('has room for a thousand groups', async () => {
    for (let i = 0; i < MAX_GROUPS; i++) await groups.write(aNamed(`group ${i}`), null);
    await assert.rejects(put('one more'), refused('QuotaExceeded', /1000/));
    assert.equal((await put('group 7', 11)).created, false);
    await deleteGroup(groups, 'group 7', ANY);
    assert.equal((await put('one more')).created, true);
  });
});

const aNamed = (name: string) => ({
  name,
  timeWindowRules: [],
  allowlistRules: [],
  denylistRules: [],
});

describe('removing a security group', () => {
  it('tells whether it was there', async () => {
    await put('Cameras');
    assert.equal(await deleteGroup(groups, 'CAMERAS', ANY), true);
    assert.equal(await deleteGroup(groups, 'cameras', ANY), false);
    const message = /no security group "cameras"/;
    await assert.rejects(getGroup(groups, 'cameras'), refused('ResourceNotFound', message));
  });

  it('happens only under the conditions that were named', async () => {
    const { version } = await put('a', 1);
    const now = ifMatch((await put('a', 2)).version);
    const old = ifMatch(version);
    const changed = refused('PreconditionFailed', /read it again/);
    await assert.rejects(deleteGroup(groups, 'a', old), changed);
    const there = refused('PreconditionFailed', /exists already/);
    await assert.rejects(deleteGroup(groups, 'a', ONLY_NEW), there);
    assert.equal(await deleteGroup(groups, 'a', now), true);
    const gone = refused('PreconditionFailed', /not exist/);
    await assert.rejects(deleteGroup(groups, 'a', now), gone);
  });
});

describe('somebody else who changes the group meanwhile', () => {
  /** After each of so many readings another writes. */
  const disturbed = (times: number): SecurityGroups => {
    let left = times;
    return {
      read: async (key) => {
        const stored = await groups.read(key);
        if (left-- > 0) await groups.write(stored!.group, stored!.version);
        return stored;
      },
      list: () => groups.list(),
      current: () => groups.current(),
      write: (group, version) => groups.write(group, version),
      remove: (key, version) => groups.remove(key, version),
    };
  };

  it('is waited for where no condition was named, within reason', async () => {
    await put('A');
    await putGroup(disturbed(2), 'A', body(20), ANY);
    assert.equal(await maxOf('A'), 20);
    await assert.rejects(putGroup(disturbed(9), 'A', body(30), ANY), refused('Conflict'));
    await assert.rejects(deleteGroup(disturbed(9), 'A', ANY), refused('Conflict'));
    assert.equal(await deleteGroup(disturbed(2), 'A', ANY), true);
  });

  it('is not written over where a version was named', async () => {
    const { version } = await put('A');
    await assert.rejects(
      putGroup(disturbed(1), 'A', body(20), ifMatch(version)),
      refused('PreconditionFailed'),
    );
    assert.equal(await maxOf('A'), 10);
  });
});
