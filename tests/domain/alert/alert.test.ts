import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type Alert,
  type CountedSighting,
  MAX_FLOWS,
  countSightings,
  mergeIndicators,
  noteSighting,
  openAlert,
  openPlatformAlert,
  platformKey,
  resolveAlert,
  shownTally,
} from '../../../shared/domain/alert/alert.ts';
import { isAfter } from '../../../shared/domain/alert/position.ts';
import { SEVERITIES, gravest } from '../../../shared/domain/alert/severity.ts';
import { addTotals } from '../../../shared/domain/alert/totals.ts';
import { indicator } from '../../format/activity-log/blocks.ts';
import { KEY, SEEN, counted, sighting, totals } from './alerts.ts';

const AT = SEEN + 1000;
const open = (fields: Partial<Alert> = {}): Alert => ({
  ...openAlert('alert-1', sighting(), AT),
  ...fields,
});
const count = (alert: Alert | null, partition: string, list: readonly CountedSighting[]) =>
  countSightings(alert, 'alert-1', partition, list, AT);
/** Folded piece by piece; a piece that was counted before changes nothing. */
const fold = (alert: Alert | null, partition: string, list: readonly CountedSighting[]) =>
  list.reduce<Alert | null>((one, each) => count(one, partition, [each]) ?? one, alert);

describe('opening an alert', () => {
  it('shows the sighting that opened it, and counts nothing', () => {
    const alert = open();
    assert.deepEqual([alert.status, alert.revision, alert.createdAt], ['active', 1, AT]);
    assert.deepEqual([alert.live, alert.counted, alert.resolvedAt], [null, {}, null]);
    assert.deepEqual(
      [alert.deviceId, alert.alertType, alert.subject],
      [KEY.deviceId, KEY.alertType, KEY.subject],
    );
    assert.deepEqual(shownTally(alert)?.totals, totals());
    assert.equal(shownTally(alert)?.snapshot, 'snapshot-1');
  });
});

describe('a further sighting', () => {
  it('raises the severity and never lowers it', () => {
    for (const before of SEVERITIES) {
      for (const after of SEVERITIES) {
        const noted = noteSighting(open({ severity: before }), after, SEEN);
        if (gravest(before, after) === before) assert.equal(noted, null);
        else assert.deepEqual([noted?.severity, noted?.revision], [after, 2]);
      }
    }
  });

  const resolved = open({ status: 'resolved', resolvedAt: AT, revision: 5 });

  it('reopens a resolved alert only when it is younger than the resolution', () => {
    assert.equal(noteSighting(resolved, 'low', AT - 1), null);
    assert.equal(noteSighting(resolved, 'low', AT), null);
    const reopened = noteSighting(resolved, 'low', AT + 1);
    assert.deepEqual(
      [reopened?.status, reopened?.resolvedAt, reopened?.revision, reopened?.severity],
      ['active', null, 6, 'medium'],
    );
  });

  it('makes one revision of raising and reopening at once', () => {
    const noted = noteSighting(resolved, 'high', AT + 1);
    assert.deepEqual([noted?.status, noted?.severity, noted?.revision], ['active', 'high', 6]);
  });

  it('leaves an older resolution standing when only the severity rises', () => {
    const noted = noteSighting(resolved, 'high', AT - 1);
    assert.deepEqual([noted?.status, noted?.resolvedAt, noted?.severity], ['resolved', AT, 'high']);
  });

  it('never reopens a dismissed alert', () => {
    const dismissed = open({ status: 'dismissed', resolvedAt: AT });
    assert.equal(noteSighting(dismissed, 'low', AT + 1), null);
    assert.equal(noteSighting(dismissed, 'high', AT + 1)?.status, 'dismissed');
  });

  it('leaves an alert that somebody works on in progress', () => {
    assert.equal(noteSighting(open({ status: 'inProgress' }), 'low', AT + 1), null);
  });
});

describe('counting sightings', () => {
  it('creates the alert that ingest did not get to open', () => {
    const alert = count(null, 'a/0', [counted(4), counted(9, { severity: 'high' })]);
    assert.ok(alert !== null);
    assert.deepEqual([alert.severity, alert.status, alert.id], ['high', 'active', 'alert-1']);
    assert.equal(shownTally(alert)?.totals.messages, 2);
    assert.deepEqual(alert.counted, { 'a/0': { epoch: 0, sequence: 9 } });
  });

  it('does not add what ingest saw when it opened the alert', () => {
    assert.equal(shownTally(count(open(), 'a/0', [counted(4)])!)?.totals.messages, 1);
  });

  it('counts twice what is given twice only once', () => {
    const list = [counted(4), counted(9)];
    const once = count(null, 'a/0', list);
    assert.equal(count(once, 'a/0', list), null);
    assert.equal(count(once, 'a/0', []), null);
    assert.equal(shownTally(count(once, 'a/0', [counted(9), counted(10)])!)?.totals.messages, 3);
  });

  it('counts both sightings of one block', () => {
    const alert = count(null, 'a/0', [counted(4), counted(4)]);
    assert.equal(alert?.live?.totals.messages, 2);
  });

  it('goes on in a new epoch, whose numbers begin again', () => {
    const alert = count(count(null, 'a/0', [counted(900)]), 'a/0', [counted(3, {}, 1)]);
    assert.equal(alert?.live?.totals.messages, 2);
    assert.deepEqual(alert.counted['a/0'], { epoch: 1, sequence: 3 });
    assert.equal(count(alert, 'a/0', [counted(901)]), null);
  });

  it('reopens a resolved alert, a dismissed one is counted silently', () => {
    const later = counted(4, { totals: totals({ lastSeen: AT + 1 }) });
    const reopened = count(open({ status: 'resolved', resolvedAt: AT }), 'a/0', [later]);
    assert.deepEqual([reopened?.status, reopened?.revision], ['active', 2]);
    const silent = count(open({ status: 'dismissed' }), 'a/0', [later]);
    assert.deepEqual(
      [silent?.status, silent?.revision, silent?.live?.totals.messages],
      ['dismissed', 1, 1],
    );
  });

  it('is no news by itself: the revision stays', () => {
    assert.equal(count(open(), 'a/0', [counted(4)])?.revision, 1);
  });

  it('says where the device is now', () => {
    const alert = count(open(), 'a/0', [
      counted(4, { moduleId: 'old' }),
      counted(5, { moduleId: 'new', securityGroup: 'pumps' }),
    ]);
    assert.deepEqual([alert?.moduleId, alert?.securityGroup], ['new', 'pumps']);
  });

  it('shows the direction of the gravest sighting, the first of its kind', () => {
    const alert = count(null, 'a/0', [
      counted(1, { severity: 'low', direction: 'inboundProbe' }),
      counted(2, { severity: 'medium', direction: 'inboundExchange' }),
      counted(3, { severity: 'medium', direction: 'outboundAttempt' }),
    ]);
    assert.deepEqual(
      [alert?.live?.severity, alert?.live?.direction],
      ['medium', 'inboundExchange'],
    );
  });

  it('keeps a bounded sample of flows, the first ones, and all of the counts', () => {
    const list = Array.from({ length: 30 }, (_, i) => {
      const [flow] = sighting().flows;
      return counted(i, { flows: [{ ...flow!, localPort: i }] });
    });
    const alert = count(null, 'a/0', list);
    assert.equal(alert?.live?.totals.connections, 30);
    assert.deepEqual(
      alert.live.flows.map((flow) => flow.localPort),
      Array.from({ length: MAX_FLOWS }, (_, i) => i),
    );
  });

  it('keeps each indicator once, and not more than fifty', () => {
    const list = Array.from({ length: 80 }, (_, i) =>
      counted(i, { indicators: [indicator(), indicator({ id: `indicator--${i}` })] }),
    );
    const alert = count(null, 'a/0', list);
    assert.equal(alert?.live?.indicators.length, 50);
    assert.equal(new Set(alert.live.indicators.map(({ id }) => id)).size, 50);
    const many = Array.from({ length: 80 }, (_, i) => indicator({ id: `indicator--${i}` }));
    assert.equal(
      openAlert('alert-1', sighting({ indicators: many }), AT).opening?.indicators.length,
      50,
    );
  });

  it('tells indicators apart by feed, value and id', () => {
    const one = indicator();
    for (const fields of [{ feed: 'other.txt' }, { value: '192.0.2.1' }, { id: 'indicator--1' }]) {
      assert.equal(mergeIndicators([one], [indicator(fields)]).length, 2);
    }
    assert.deepEqual(mergeIndicators([one], [indicator({ confidence: 7 })]), [one]);
  });

  const anySighting = fc
    .record({
      severity: fc.constantFrom(...SEVERITIES),
      bytesIn: fc.nat(),
      bytesOut: fc.nat(),
      lastSeen: fc.integer({ min: SEEN, max: SEEN + 10_000 }),
      messages: fc.nat(5),
      connections: fc.nat(9),
    })
    .map(({ severity, lastSeen, ...sums }) =>
      sighting({ severity, totals: totals({ ...sums, firstSeen: lastSeen - 5, lastSeen }) }),
    );
  const partitions = fc.array(fc.array(anySighting, { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 3,
  });

  it('gives the same sums in whatever order partitions are folded, and however they are cut', () => {
    fc.assert(
      fc.property(partitions, fc.infiniteStream(fc.nat()), (lists, picks) => {
        const logs = lists.map((list) =>
          list.map((one, i) => ({ ...one, position: { epoch: 0, sequence: i } })),
        );
        const whole = logs.reduce<Alert | null>(
          (alert, log, p) => count(alert, `a/${p}`, log) ?? alert,
          null,
        );
        let mixed: Alert | null = null;
        const at = logs.map(() => 0);
        for (let left = lists.flat().length; left > 0; left--) {
          const open = at.flatMap((i, p) => (i < logs[p]!.length ? [p] : []));
          const p = open[picks.next().value! % open.length]!;
          // Everything so far again, as a fold does that died before it moved its own position.
          mixed = count(mixed, `a/${p}`, logs[p]!.slice(0, ++at[p]!)) ?? mixed;
        }
        assert.ok(whole !== null && mixed !== null);
        assert.deepEqual(mixed.live?.totals, whole.live?.totals);
        assert.deepEqual(mixed.live?.severity, whole.live?.severity);
        assert.deepEqual(mixed.counted, whole.counted);
        assert.equal(mixed.severity, whole.severity);
        const sums = lists
          .flat()
          .map((one) => one.totals)
          .reduce(addTotals);
        assert.deepEqual(whole.live?.totals, sums);
      }),
    );
  });

  it('gives the same alert in one piece as in many', () => {
    fc.assert(
      fc.property(fc.array(anySighting, { minLength: 1, maxLength: 12 }), (list) => {
        const log = list.map((one, i) => ({ ...one, position: { epoch: 0, sequence: i } }));
        const { opening: _, ...whole } = count(null, 'a/0', log)!;
        const { opening: __, ...pieces } = fold(null, 'a/0', log)!;
        assert.deepEqual(pieces, whole);
      }),
    );
  });
});

describe('a position in the log', () => {
  it('lies behind another by epoch first, then by sequence number', () => {
    const at = (epoch: number, sequence: number) => ({ epoch, sequence });
    assert.ok(isAfter(at(0, 0), undefined));
    assert.ok(isAfter(at(0, 5), at(0, 4)));
    assert.ok(isAfter(at(1, 0), at(0, 9)));
    assert.ok(!isAfter(at(0, 4), at(0, 4)));
    assert.ok(!isAfter(at(0, 9), at(1, 0)));
  });
});

describe('a platform alert', () => {
  const finding = {
    alertType: 'TW_StreamGap',
    component: 'stream',
    key: 'test~devices/0/0/5-9',
    severity: 'high' as const,
    facts: { messages: 5 },
  };

  it('stands for no device and shows its facts', () => {
    const alert = openPlatformAlert('alert-2', finding, AT);
    assert.deepEqual(platformKey(finding), {
      alertType: 'TW_StreamGap',
      ruleType: null,
      deviceId: null,
      subject: { kind: 'platform', component: 'stream', key: 'test~devices/0/0/5-9' },
    });
    assert.deepEqual(
      [alert.deviceId, alert.severity, alert.status, alert.facts, shownTally(alert)],
      [null, 'high', 'active', { messages: 5 }, null],
    );
  });

  it('is resolved once', () => {
    const resolved = resolveAlert(openPlatformAlert('alert-2', finding, AT), AT + 5);
    assert.deepEqual(
      [resolved?.status, resolved?.resolvedAt, resolved?.revision],
      ['resolved', AT + 5, 2],
    );
    assert.equal(resolveAlert(resolved!, AT + 9), null);
    assert.equal(resolveAlert(open({ status: 'dismissed' }), AT), null);
    assert.equal(resolveAlert(open({ status: 'inProgress' }), AT)?.status, 'resolved');
  });
});
