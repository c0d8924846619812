import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemorySecurityGroups } from '../../../shared/adapters/memory/security-groups.ts';
import type { GroupSet } from '../../../shared/domain/security-group/security-group.ts';
import { CurrentGroups } from '../../../shared/pipeline/ingest/current-groups.ts';
import { groupOf } from './groups.ts';

const FRESH = 60_000;
const AHEAD = 40_000;

class WatchedGroups extends MemorySecurityGroups {
  asked = 0;
  down = false;
  /** Given instead of what is stored. */
  past: GroupSet | null = null;

  override async current(): Promise<GroupSet> {
    this.asked++;
    if (this.down) throw new Error('the store is down');
    return this.past ?? super.current();
  }
}

function world() {
  const time = { now: 1000 };
  const groups = new WatchedGroups();
  const current = new CurrentGroups(groups, { now: () => time.now }, FRESH);
  return { time, groups, current };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the current groups', () => {
  it('judge nothing before there are any', async () => {
    const { current } = world();
    const compiled = await current.fresh();
    assert.deepEqual([compiled.revision, compiled.checksOf('default')], [0, []]);
  });

  it('are compiled once a revision', async () => {
    const { time, groups, current } = world();
    await groups.write(groupOf('cameras', { to: ['192.0.2.7'] }), null);
    const first = await current.fresh();
    assert.equal(first.checksOf('cameras').length, 1);
    time.now += FRESH + 1;
    assert.equal(await current.fresh(), first);
    await groups.write(groupOf('meters', {}), null);
    const second = await current.refresh();
    assert.deepEqual([first.revision, second.revision], [1, 2]);
  });

  it('are read again ahead of time, beside the batches', async () => {
    const { time, groups, current } = world();
    await current.fresh();
    await groups.write(groupOf('cameras', {}), null);
    time.now += AHEAD;
    assert.equal((await current.fresh()).revision, 0);
    assert.equal(groups.asked, 1);
    time.now += 1;
    assert.equal((await current.fresh()).revision, 0);
    await settle();
    assert.equal((await current.fresh()).revision, 1);
    assert.equal(groups.asked, 2);
  });

  it('are not used stale: a store that does not answer fails the batch', async () => {
    const { time, groups, current } = world();
    await current.fresh();
    groups.down = true;
    time.now += FRESH;
    await current.fresh();
    await settle();
    time.now += 1;
    await assert.rejects(current.fresh(), /the store is down/);
    groups.down = false;
    assert.equal((await current.fresh()).revision, 0);
  });

  it('follow a store that was restored to an older revision', async () => {
    const { groups, current } = world();
    const group = groupOf('cameras', { to: [] });
    const version = await groups.write(group, null);
    await groups.remove('cameras', version!);
    assert.equal((await current.fresh()).revision, 2);
    groups.past = { revision: 1, groups: [group] };
    const compiled = await current.refresh();
    assert.equal(compiled.revision, 1);
    assert.equal(compiled.checksOf('cameras').length, 1);
  });
});
