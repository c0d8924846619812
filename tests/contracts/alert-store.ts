import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Alert, openAlert } from '../../shared/domain/alert/alert.ts';
import type { AlertStore } from '../../shared/ports/alert-store.ts';

export interface StoreUnderTest {
  readonly store: AlertStore;
  close(): Promise<void>;
}

/** What a server is known to do otherwise than the port says; the suite holds it to that too. */
export interface Differences {
  /** A list for one partition key gives the alerts of all. */
  readonly listsEveryPartition?: boolean;
}

const AT = Date.UTC(2026, 7, 22, 11);

export function anAlert(id: string, deviceId: string): Alert {
  return openAlert(
    id,
    {
      key: {
        alertType: 'IoT_TiConnection',
        ruleType: null,
        deviceId,
        subject: { kind: 'address', address: '192.0.2.10' },
      },
      moduleId: null,
      securityGroup: 'cameras',
      severity: 'medium',
      direction: 'outboundAttempt',
      warningLists: [{ list: 'resolvers', matchedPrefix: '192.0.2.10/32' }],
      indicators: [],
      snapshot: 'none',
      totals: {
        messages: 1,
        connections: 1,
        bytesIn: 0,
        bytesOut: 60,
        firstSeen: AT,
        lastSeen: AT,
      },
      flows: [],
    },
    AT,
  );
}

/** What every answer to the port must do. */
export function alertStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  differences: Differences = {},
): void {
  describe(`alert store: ${name}`, () => {
    let under: StoreUnderTest;
    let store: AlertStore;
    let devices = 0;
    let device: string;

    before(async () => {
      under = await open();
      ({ store } = under);
    });
    after(() => under.close());
    beforeEach(() => {
      device = `kamera-dübel-${devices++}`;
    });

    const stored = async (id: string) => {
      const found = await store.read(device, id);
      assert.ok(found !== null);
      return found;
    };
    const idsOf = async (partitionKey?: string) => {
      const ids: string[] = [];
      for await (const { id, deviceId } of store.list(partitionKey)) ids.push(`${deviceId}/${id}`);
      return ids.sort();
    };

    it('knows no alert that nobody created', async () => {
      assert.equal(await store.read(device, 'a1'), null);
    });

    it('gives an alert back as it was created', async () => {
      const alert = anAlert('a1', device);
      assert.equal(await store.create(device, alert), true);
      assert.deepEqual((await stored('a1')).alert, alert);
    });

    it('creates an alert once, and keeps the first', async () => {
      await store.create(device, anAlert('a1', device));
      const other = { ...anAlert('a1', device), severity: 'high' as const };
      assert.equal(await store.create(device, other), false);
      assert.equal((await stored('a1')).alert.severity, 'medium');
    });

    it('lets one of several create an alert', async () => {
      const made = await Promise.all(
        Array.from({ length: 5 }, () => store.create(device, anAlert('a1', device))),
      );
      assert.equal(made.filter(Boolean).length, 1);
    });

    it('keeps alerts of one id in two partitions apart', async () => {
      const other = `${device}-2`;
      await store.create(device, anAlert('a1', device));
      assert.equal(await store.create(other, anAlert('a1', other)), true);
      assert.equal((await stored('a1')).alert.deviceId, device);
    });

    it('replaces the alert that was read, and gives it another version', async () => {
      await store.create(device, anAlert('a1', device));
      const { alert, version } = await stored('a1');
      assert.equal(await store.replace(device, { ...alert, revision: 2 }, version), true);
      const after = await stored('a1');
      assert.equal(after.alert.revision, 2);
      assert.notEqual(after.version, version);
    });

    it('does not replace an alert that changed since it was read', async () => {
      await store.create(device, anAlert('a1', device));
      const { alert, version } = await stored('a1');
      await store.replace(device, { ...alert, revision: 2 }, version);
      assert.equal(await store.replace(device, { ...alert, revision: 9 }, version), false);
      assert.equal((await stored('a1')).alert.revision, 2);
    });

    it('lets one of several replace what all have read', async () => {
      await store.create(device, anAlert('a1', device));
      const { alert, version } = await stored('a1');
      const revisions = [2, 3, 4, 5];
      const done = await Promise.all(
        revisions.map((revision) => store.replace(device, { ...alert, revision }, version)),
      );
      const winners = revisions.filter((_, i) => done[i]);
      assert.equal(winners.length, 1);
      assert.equal((await stored('a1')).alert.revision, winners[0]);
    });

    it('does not replace what is not there', async () => {
      await store.create(device, anAlert('a1', device));
      const { version } = await stored('a1');
      assert.equal(await store.replace(device, anAlert('a2', device), version), false);
      assert.equal(await store.read(device, 'a2'), null);
    });

    it('lists each alert once over many pages, of one partition or of all', async () => {
      const other = `${device}-2`;
      const ids = Array.from({ length: 130 }, (_, n) => `a${n}`);
      await Promise.all(ids.map((id) => store.create(device, anAlert(id, device))));
      await store.create(other, anAlert('b0', other));
      const own = ids.map((id) => `${device}/${id}`).sort();
      const all = await idsOf();
      assert.equal(new Set(all).size, all.length);
      assert.deepEqual(
        all.filter((id) => id.startsWith(`${device}/`)),
        own,
      );
      assert.ok(all.includes(`${other}/b0`));
      assert.deepEqual(await idsOf(device), differences.listsEveryPartition === true ? all : own);
    });

    it('lists nothing of a partition without alerts', async () => {
      const listed = await idsOf('nobody');
      if (differences.listsEveryPartition === true) assert.deepEqual(listed, await idsOf());
      else assert.deepEqual(listed, []);
    });
  });
}
