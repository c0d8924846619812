import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { loadFirstGroups } from '../../../local/groups/load-groups.ts';
import { APP_DIRECTORY } from '../../../local/functions/host-app.ts';
import { MemorySecurityGroups } from '../../../shared/adapters/memory/security-groups.ts';

const SAMPLE = join(APP_DIRECTORY, 'local', 'samples', 'fleet', 'groups.json');

describe('the groups of the sample', () => {
  it('are loaded where there was never a group, and only there', async () => {
    const store = new MemorySecurityGroups();
    const load = () => loadFirstGroups(store, SAMPLE, { cwd: '.', stdin: process.stdin });
    const keys = async () => (await store.list()).map(({ group }) => group.name);
    assert.equal(await load(), 4);
    assert.deepEqual(await keys(), ['cameras', 'default', 'meters', 'thermostats']);
    assert.equal(await load(), 4);
    for (const { group, version } of await store.list()) await store.remove(group.name, version);
    assert.equal(await load(), 0);
    assert.deepEqual(await keys(), []);
  });
});
