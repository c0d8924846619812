import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryAlertStore } from '../../shared/adapters/memory/alert-store.ts';
import {
  type Alert,
  openAlert,
  platformKey,
  resolveAlert,
} from '../../shared/domain/alert/alert.ts';
import {
  AlertConflictError,
  AlertOpener,
  alertIdOf,
  changeAlert,
  raisePlatformAlert,
} from '../../shared/pipeline/alerts.ts';
import type { StoredAlert } from '../../shared/ports/alert-store.ts';
import { KEY, SEEN, sighting, totals } from '../domain/alert/alerts.ts';

const HUB = 'test-hub';
const ID = alertIdOf(HUB, KEY);
const clock = { now: () => SEEN + 1000 };

/** Counts calls, and lets somebody else write between a read and the write that follows. */
class WatchedStore extends MemoryAlertStore {
  reads = 0;
  writes = 0;
  between: (() => Promise<unknown>) | null = null;

  override async read(partitionKey: string, id: string): Promise<StoredAlert | null> {
    this.reads++;
    const stored = await super.read(partitionKey, id);
    await this.between?.();
    return stored;
  }

  override async create(partitionKey: string, alert: Alert): Promise<boolean> {
    this.writes++;
    return super.create(partitionKey, alert);
  }

  override async replace(partitionKey: string, alert: Alert, version: string): Promise<boolean> {
    this.writes++;
    return super.replace(partitionKey, alert, version);
  }
}

async function all(store: MemoryAlertStore): Promise<Alert[]> {
  const alerts: Alert[] = [];
  for await (const alert of store.list()) alerts.push(alert);
  return alerts;
}

describe('the id of an alert', () => {
  it('is the same for the same finding, and 32 hexadecimal digits', () => {
    assert.match(ID, /^[0-9a-f]{32}$/);
    assert.equal(alertIdOf(HUB, structuredClone(KEY)), ID);
    assert.notEqual(alertIdOf('other-hub', KEY), ID);
    assert.notEqual(alertIdOf(HUB, { ...KEY, deviceId: 'device-2' }), ID);
  });

  it('never changes, because stored alerts carry it', () => {
    assert.equal(ID, '04638294c3c56a4e9407dc12da9c4ce2');
  });
});

describe('opening alerts', () => {
  it('stores each under its device', async () => {
    const store = new WatchedStore();
    const other = { ...KEY, deviceId: 'device-2' };
    await new AlertOpener(store, clock, HUB).open([sighting(), sighting({ key: other })]);
    assert.equal((await store.read('device-1', ID))?.alert.createdAt, SEEN + 1000);
    assert.equal((await store.read('device-2', alertIdOf(HUB, other)))?.alert.status, 'active');
    assert.equal((await all(store)).length, 2);
  });

  it('opens many at once, each of them', async () => {
    const store = new WatchedStore();
    const many = Array.from({ length: 50 }, (_, i) =>
      sighting({ key: { ...KEY, deviceId: `device-${i}` } }),
    );
    await new AlertOpener(store, clock, HUB).open(many);
    assert.equal((await all(store)).length, 50);
  });

  it('opens a thousand of a block, the gravest first: the others are the fold’s', async () => {
    const store = new WatchedStore();
    const many = Array.from({ length: 1100 }, (_, i) =>
      sighting({
        key: { ...KEY, deviceId: `device-${i}` },
        severity: i >= 1090 ? 'high' : 'low',
      }),
    );
    await new AlertOpener(store, clock, HUB).open(many);
    const opened = await all(store);
    assert.equal(opened.length, 1000);
    assert.equal(opened.filter(({ severity }) => severity === 'high').length, 10);
  });

  it('costs one write for a beacon, however often it is seen', async () => {
    const store = new WatchedStore();
    const opener = new AlertOpener(store, clock, HUB);
    for (let i = 0; i < 20; i++) await opener.open([sighting()]);
    assert.deepEqual([store.reads, store.writes], [1, 1]);
  });

  it('writes again when it gets graver, and no more after that', async () => {
    const store = new WatchedStore();
    const opener = new AlertOpener(store, clock, HUB);
    await opener.open([sighting({ severity: 'low' })]);
    await opener.open([sighting({ severity: 'high' })]);
    await opener.open([sighting({ severity: 'medium' })]);
    const { alert } = (await store.read('device-1', ID))!;
    assert.deepEqual([alert.severity, alert.revision, store.writes], ['high', 2, 2]);
  });

  it('counts nothing: that is the fold’s', async () => {
    const store = new WatchedStore();
    for (let i = 0; i < 3; i++) await new AlertOpener(store, clock, HUB).open([sighting()]);
    const { alert } = (await store.read('device-1', ID))!;
    assert.deepEqual([alert.live, alert.opening?.totals.messages, store.writes], [null, 1, 1]);
  });

  it('reopens an alert that was resolved before the sighting', async () => {
    const store = new WatchedStore();
    const resolved = resolveAlert(openAlert(ID, sighting(), SEEN), SEEN + 10)!;
    await store.create('device-1', resolved);
    const at = (lastSeen: number) =>
      new AlertOpener(store, clock, HUB).open([sighting({ totals: totals({ lastSeen }) })]);
    await at(SEEN + 10);
    assert.equal((await store.read('device-1', ID))?.alert.status, 'resolved');
    await at(SEEN + 11);
    assert.equal((await store.read('device-1', ID))?.alert.status, 'active');
  });

  it('fails when the store fails, and tries again the next time', async () => {
    const store = new WatchedStore();
    const opener = new AlertOpener(store, clock, HUB);
    store.between = async () => Promise.reject(new Error('the store is down'));
    await assert.rejects(opener.open([sighting()]), /the store is down/);
    store.between = null;
    await opener.open([sighting()]);
    assert.equal((await all(store)).length, 1);
  });
});

describe('changing an alert', () => {
  it('starts again from what somebody else wrote', async () => {
    const store = new WatchedStore();
    const opened = openAlert(ID, sighting(), SEEN);
    store.between = async () => {
      store.between = null;
      await store.create('device-1', { ...opened, revision: 7 });
    };
    const changed = await changeAlert(store, 'device-1', ID, (alert) =>
      alert === null ? opened : { ...alert, revision: alert.revision + 1 },
    );
    assert.equal(changed?.revision, 8);
    assert.deepEqual((await store.read('device-1', ID))?.alert, changed);
  });

  it('writes nothing when there is nothing to change', async () => {
    const store = new WatchedStore();
    assert.equal(await changeAlert(store, 'device-1', ID, () => null), null);
    const opened = openAlert(ID, sighting(), SEEN);
    await store.create('device-1', opened);
    assert.deepEqual(await changeAlert(store, 'device-1', ID, () => null), opened);
    assert.equal(store.writes, 1);
  });

  it('gives up when every write meets another one', async () => {
    const store = new WatchedStore();
    await store.create('device-1', openAlert(ID, sighting(), SEEN));
    const change = (alert: Alert | null) => ({ ...alert!, revision: alert!.revision + 1 });
    store.between = async () => {
      const { between } = store;
      store.between = null;
      await changeAlert(store, 'device-1', ID, change);
      store.between = between;
    };
    await assert.rejects(
      changeAlert(store, 'device-1', ID, change),
      (error) => error instanceof AlertConflictError && error.code === 'ALERT_CONFLICT',
    );
  });
});

describe('a platform alert', () => {
  const finding = {
    alertType: 'TW_StreamGap',
    component: 'stream',
    key: 'test~devices/0/0/5-9',
    severity: 'high' as const,
    facts: { messages: 5, provisional: true },
  };
  const id = alertIdOf(HUB, platformKey(finding));

  it('is raised once, whoever finds it and however often', async () => {
    const store = new WatchedStore();
    await raisePlatformAlert(store, HUB, finding, SEEN);
    await new AlertOpener(store, clock, HUB).raise(finding);
    const { alert } = (await store.read('platform', id))!;
    assert.deepEqual([alert.revision, alert.createdAt, store.writes], [1, SEEN, 1]);
  });

  it('shows new facts as a new revision', async () => {
    const store = new WatchedStore();
    await raisePlatformAlert(store, HUB, finding, SEEN);
    const facts = { messages: 5, provisional: false };
    await raisePlatformAlert(store, HUB, { ...finding, facts }, SEEN + 5);
    const { alert } = (await store.read('platform', id))!;
    assert.deepEqual([alert.revision, alert.facts, alert.createdAt], [2, facts, SEEN]);
  });
});
