import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type SecurityGroup, groupKey } from '../../shared/domain/security-group/security-group.ts';
import type { SecurityGroups } from '../../shared/ports/security-groups.ts';

export interface SecurityGroupsUnderTest {
  readonly store: SecurityGroups;
  close(): Promise<void>;
}

/** A group in which every part is something. */
export function aGroup(name: string, maxThreshold = 14): SecurityGroup {
  return {
    name,
    timeWindowRules: [
      {
        ruleType: 'ActiveConnectionsNotInAllowedRange',
        isEnabled: true,
        minThreshold: 2,
        maxThreshold,
        timeWindowSize: 'PT05M',
        windowMs: 300_000,
      },
    ],
    allowlistRules: [
      { ruleType: 'ConnectionToIpNotAllowed', isEnabled: true, values: ['203.0.113.0/26', '::1'] },
    ],
    denylistRules: [{ ruleType: 'DenylistCustomAlertRule', isEnabled: false, values: [] }],
  };
}

/** What every answer to the port must do. */
export function securityGroupsContract(
  name: string,
  open: () => Promise<SecurityGroupsUnderTest>,
): void {
  describe(`security groups: ${name}`, () => {
    let under: SecurityGroupsUnderTest;
    let store: SecurityGroups;
    let groups = 0;
    /** As it is written; another in each test. */
    let group: string;
    let key: string;

    before(async () => {
      under = await open();
      ({ store } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      group = `Group ${groups++}`;
      key = groupKey(group);
    });

    const stored = async (one = key) => {
      const found = await store.read(one);
      assert.ok(found !== null, one);
      return found;
    };
    const written = async (max = 1, name = group) => {
      const version = (await store.read(groupKey(name)))?.version ?? null;
      assert.notEqual(await store.write(aGroup(name, max), version), null);
      return stored(groupKey(name));
    };
    const maxOf = async () => (await stored()).group.timeWindowRules[0]!.maxThreshold;
    const revision = async () => (await store.current()).revision;

    it('know no group that nobody wrote', async () => {
      assert.equal(await store.read(key), null);
      assert.ok(!(await store.list()).some((one) => one.group.name === group));
    });

    it('give a group back as it was written, its name too, under the key of the name', async () => {
      const version = await store.write(aGroup(group), null);
      assert.deepEqual(await stored(), { group: aGroup(group), version });
      assert.equal(await store.read(group), null);
    });

    it('take any name', async () => {
      const names = [
        'Ünit Ж 水',
        `${'x'.repeat(240)} long`,
        '..',
        'a.b',
        "o'hare",
        '__proto__',
        '水'.repeat(256),
      ];
      for (const [i, name] of names.entries()) {
        await store.write(aGroup(name, i + 20), null);
        assert.deepEqual((await stored(groupKey(name))).group, aGroup(name, i + 20));
      }
      const listed = new Set((await store.list()).map((one) => one.group.name));
      for (const name of names) {
        assert.ok(listed.has(name), name);
        const { version } = await stored(groupKey(name));
        assert.equal(await store.remove(groupKey(name), version), true);
      }
    });

    it('keep a group of their own', async () => {
      const values = ['::1'];
      const allowlistRules = [{ ruleType: 'ConnectionToIpNotAllowed', isEnabled: true, values }];
      await store.write({ ...aGroup(group), allowlistRules }, null);
      values.push('::2');
      const read = (await stored()).group.allowlistRules[0]!.values as string[];
      assert.deepEqual(read, ['::1']);
      read.push('::3');
      assert.deepEqual((await stored()).group.allowlistRules[0]!.values, ['::1']);
    });

    it('create a group once, also in another spelling, and keep the first', async () => {
      await store.write(aGroup(group, 1), null);
      assert.equal(await store.write(aGroup(group, 2), null), null);
      assert.equal(await store.write(aGroup(group.toUpperCase(), 2), null), null);
      assert.equal(await maxOf(), 1);
    });

    it('write over the group that was read, in another version each time', async () => {
      const first = await written(1);
      const second = await written(2, group.toUpperCase());
      assert.notEqual(second.version, first.version);
      assert.deepEqual(second.group, aGroup(group.toUpperCase(), 2));
    });

    it('do not write over a group, nor remove one, that is no longer the one that was read', async () => {
      const { version } = await written(1);
      await written(2);
      assert.equal(await store.write(aGroup(group, 9), version), null);
      assert.equal(await store.remove(key, version), false);
      assert.equal(await maxOf(), 2);
    });

    it('let one of several create a group, write over it, and remove it', async () => {
      for (const round of [0, 10]) {
        const version = (await store.read(key))?.version ?? null;
        const maxima = [1, 2, 3, 4].map((n) => n + round);
        const done = await Promise.all(maxima.map((n) => store.write(aGroup(group, n), version)));
        const winners = maxima.filter((_, i) => done[i] !== null);
        assert.equal(winners.length, 1);
        assert.equal(await maxOf(), winners[0]);
        assert.ok(done.includes((await stored()).version));
      }
      const { version } = await stored();
      const removed = await Promise.all([1, 2, 3].map(() => store.remove(key, version)));
      assert.equal(removed.filter(Boolean).length, 1);
    });

    it('forget a group that is removed, once', async () => {
      const { version } = await written();
      assert.equal(await store.remove(key, version), true);
      assert.equal(await store.read(key), null);
      assert.ok(!(await store.list()).some((one) => one.group.name === group));
      assert.ok(!(await store.current()).groups.some((one) => one.name === group));
      assert.equal(await store.remove(key, version), false);
    });

    it('do not take the next group of a name for the one that was removed', async () => {
      const first = await written(1);
      await store.remove(key, first.version);
      assert.equal(await store.write(aGroup(group, 2), first.version), null);
      assert.equal(await store.read(key), null);
      const next = await written(3);
      assert.notEqual(next.version, first.version);
      assert.equal(await store.write(aGroup(group, 4), first.version), null);
      assert.equal(await store.remove(key, first.version), false);
      assert.equal(await maxOf(), 3);
    });

    it('remove nothing where nothing is', async () => {
      assert.equal(await store.remove(key, '"1"'), false);
    });

    it('have a revision that rises with each change and with nothing else', async () => {
      const before = await revision();
      const { version } = await written(1);
      assert.equal(await revision(), before + 1);
      await written(2);
      assert.equal(await revision(), before + 2);
      assert.equal(await store.write(aGroup(group, 9), version), null);
      assert.equal(await store.remove(key, version), false);
      await store.list();
      assert.equal(await revision(), before + 2);
      assert.equal(await store.remove(key, (await stored()).version), true);
      assert.equal(await revision(), before + 3);
      await written(4);
      assert.equal(await revision(), before + 4);
      const { groups: current } = await store.current();
      assert.deepEqual(
        current.find((one) => one.name === group),
        aGroup(group, 4),
      );
    });

    it('list every group over many pages, by key, in the version that reading gives', async () => {
      const names = Array.from(
        { length: 130 },
        (_, n) => `${n % 2 ? 'M' : 'm'}any-${(n * 37) % 130}`,
      );
      await Promise.all(names.map((one) => store.write(aGroup(one), null)));
      const listed = await store.list();
      const keys = listed.map((one) => groupKey(one.group.name));
      assert.deepEqual(keys, keys.toSorted());
      assert.equal(keys.filter((one) => one.startsWith('many-')).length, 130);
      for (const name of [names[0]!, names[129]!]) {
        const one = listed.find((other) => other.group.name === name);
        assert.deepEqual(one, await stored(groupKey(name)));
      }
      assert.deepEqual(
        (await store.current()).groups,
        listed.map((one) => one.group),
      );
    });
  });
}
