import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Alert,
  countSightings,
  openAlert,
  openPlatformAlert,
  resolveAlert,
} from '../../shared/domain/alert/alert.ts';
import { alertRecord } from '../../shared/pipeline/alert-record.ts';
import { SEEN, counted, sighting, totals } from '../domain/alert/alerts.ts';
import { indicator } from '../format/activity-log/blocks.ts';

const opened = (): Alert => openAlert('alert-1', sighting(), SEEN + 1500);

describe('the record of an alert', () => {
  it('says what was found, by whom, and what to do', () => {
    const { displayName, description, remediationSteps, ...rest } = alertRecord(opened());
    assert.equal(displayName, 'Suspicious IP address communication');
    assert.ok(typeof description === 'string' && Array.isArray(remediationSteps));
    assert.deepEqual(rest, {
      record: 'alert',
      id: 'alert-1',
      revision: 1,
      alertType: 'IoT_TiConnection',
      ruleType: null,
      severity: 'medium',
      status: 'active',
      deviceId: 'device-1',
      moduleId: null,
      securityGroup: 'default',
      subject: { kind: 'address', address: '192.0.2.1' },
      createdAt: '2026-08-22T12:00:01.500Z',
      messages: 1,
      connections: 1,
      bytesIn: 10,
      bytesOut: 20,
      firstSeen: '2026-08-22T12:00:00.000Z',
      lastSeen: '2026-08-22T12:00:00.000Z',
      foundBy: 'live',
      evidence: {
        indicators: [indicator()],
        warningLists: [],
        snapshot: 'snapshot-1',
        direction: 'outboundAttempt',
        flows: [{ ...sighting().flows[0]!, time: '2026-08-22T12:00:00.000Z' }],
        flowsLeftOut: 0,
      },
    });
  });

  it('shows the fold’s counts once there are any, and how many flows it leaves out', () => {
    const later = totals({ messages: 40, connections: 55, lastSeen: SEEN + 60_000 });
    const alert = countSightings(
      opened(),
      'alert-1',
      'a/0',
      [counted(9, { totals: later })],
      SEEN,
    )!;
    const record = alertRecord(alert);
    assert.deepEqual(
      [record['messages'], record['connections'], record['lastSeen']],
      [40, 55, '2026-08-22T12:01:00.000Z'],
    );
    assert.equal((record['evidence'] as { flowsLeftOut: number }).flowsLeftOut, 54);
  });

  it('says when it was resolved', () => {
    const record = alertRecord(resolveAlert(opened(), SEEN + 2000)!);
    assert.deepEqual(
      [record['status'], record['resolvedAt'], record['revision']],
      ['resolved', '2026-08-22T12:00:02.000Z', 2],
    );
  });

  it('of a platform alert has facts and no counts', () => {
    const finding = {
      alertType: 'TW_StreamGap',
      component: 'stream',
      key: 'test~devices/0/0/5-9',
      severity: 'high' as const,
      facts: { messages: 5 },
    };
    const record = alertRecord(openPlatformAlert('alert-2', finding, SEEN));
    assert.deepEqual(record['evidence'], { messages: 5 });
    assert.deepEqual(
      [record['deviceId'], 'messages' in record, 'foundBy' in record],
      [null, false, false],
    );
  });

  it('is refused for an alert type that this version does not know', () => {
    assert.throws(() => alertRecord({ ...opened(), alertType: 'IoT_Later' }), /IoT_Later/);
  });
});
