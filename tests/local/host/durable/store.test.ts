import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { EventType, type HistoryEvent } from '../../../../local/host/durable/history.ts';
import { InstanceStore } from '../../../../local/host/durable/store.ts';

let directory: string;
let journal: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'host-hub-'));
  journal = join(directory, 'task-hub.jsonl');
});
afterEach(async () => rm(directory, { recursive: true }));

const raised = (Input: string): HistoryEvent => ({
  EventType: EventType.EventRaised,
  EventId: -1,
  Timestamp: '2026-03-07T10:00:00.000Z',
  Name: 'e',
  Input,
});

function begin(store: InstanceStore, instanceId: string): void {
  store.commit(
    store.beginning(
      {
        instanceId,
        name: 'story',
        version: '',
        input: null,
        createdAt: 1,
        parent: null,
      },
      { status: 'Pending', customStatus: null },
    ),
  );
}

describe('the store of a task hub', () => {
  it('has after a restart what was committed', () => {
    const store = InstanceStore.open(directory);
    begin(store, 'a');
    begin(store, 'b');
    store.commit([
      store.sending('a', null, raised('1')),
      { op: 'take', instanceId: 'a', numbers: [1] },
      { op: 'append', instanceId: 'a', events: [raised('0')] },
    ]);
    store.commit([{ op: 'purge', instanceId: 'b' }]);
    const before = structuredClone([...store.all()]);
    store.close();
    for (let restart = 0; restart < 2; restart++) {
      const again = InstanceStore.open(directory);
      assert.deepEqual([...again.all()], before);
      again.close();
    }
    assert.equal(before.length, 1);
    assert.deepEqual(
      before[0]!.inbox.map(({ number }) => number),
      [3],
    );
  });

  it('numbers messages on from those that it finds', () => {
    const store = InstanceStore.open(directory);
    begin(store, 'a');
    store.close();
    const again = InstanceStore.open(directory);
    const change = again.sending('a', null, raised('1'));
    assert.equal(change.op === 'send' && change.message.number, 2);
    again.close();
  });

  it('forgets a commit that was not written to its end', () => {
    const store = InstanceStore.open(directory);
    begin(store, 'a');
    begin(store, 'b');
    store.close();
    truncateSync(journal, statSync(journal).size - 1);
    const again = InstanceStore.open(directory);
    assert.deepEqual(
      [...again.all()].map(({ instanceId }) => instanceId),
      ['a'],
    );
    again.close();
  });

  it('refuses a journal that is damaged elsewhere', () => {
    writeFileSync(journal, '[]\n[{"op":"purge"}]\n[]\n');
    assert.throws(() => InstanceStore.open(directory), /task-hub\.jsonl, line 2:/);
    writeFileSync(journal, '{{\n');
    assert.throws(() => InstanceStore.open(directory), /task-hub\.jsonl, line 1:/);
  });

  it('writes a journal that has grown afresh', () => {
    const store = InstanceStore.open(directory);
    begin(store, 'a');
    const change = store.sending('a', null, raised(JSON.stringify('x'.repeat(6_000_000))));
    const number = change.op === 'send' ? change.message.number : 0;
    for (let i = 0; i < 3; i++)
      store.commit([change, { op: 'take', instanceId: 'a', numbers: [number] }]);
    assert.ok(statSync(journal).size < 1000);
    store.commit([store.sending('a', null, raised('"after"'))]);
    store.close();
    assert.match(readFileSync(journal, 'utf8'), /after/);
    const again = InstanceStore.open(directory);
    assert.equal(again.get('a')!.inbox.length, 2);
    again.close();
  });

  it('takes nothing after it is closed', () => {
    for (const store of [InstanceStore.open(directory), InstanceStore.open(null)]) {
      store.close();
      assert.throws(() => begin(store, 'a'), /closed/);
    }
  });
});
