import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MemoryAlertStore } from '../../../shared/adapters/memory/alert-store.ts';
import { type Alert, resolveAlert } from '../../../shared/domain/alert/alert.ts';
import {
  type GroupSet,
  type TimeWindowRule,
  judgingGroup,
} from '../../../shared/domain/security-group/security-group.ts';
import {
  type JudgedRule,
  isOutside,
  windowRules,
} from '../../../shared/domain/security-group/window-rules.ts';
import { isKnown } from '../../../shared/domain/window/device-activity.ts';
import { HOUR_MS, PIECE_MS, type Window, alignedUp } from '../../../shared/domain/window/window.ts';
import {
  type EvaluationServices,
  evaluateWindow,
} from '../../../shared/pipeline/windows/evaluate-window.ts';
import { mayHaveLost } from '../../../shared/pipeline/windows/runs-state.ts';
import { writeRuns } from '../../../shared/pipeline/windows/write-runs.ts';
import { groupOf, groupSet, timeWindowRule } from '../../domain/security-group/groups.ts';
import { altered } from '../../support/ingest-world.ts';
import { MINUTE, START } from '../log/logs.ts';
import {
  READ,
  RUNS,
  GRACE_MS,
  type Happened,
  countedInWindow,
  happened,
  histories,
  knownAt,
  runServices,
  writeHistory,
  windowAt,
} from './histories.ts';

const WINDOW: Window = { start: START, end: START + PIECE_MS };
const NEXT: Window = { start: WINDOW.end, end: WINDOW.end + PIECE_MS };
const CONNECTIONS = 'ActiveConnectionsNotInAllowedRange';
const TWINS = 'TwinUpdatesNotInAllowedRange';

async function worldOf(
  history: readonly Happened[],
  until = alignedUp(history.at(-1)!.at, HOUR_MS),
) {
  const { log } = await writeHistory(history);
  const alerts = new MemoryAlertStore();
  const services: EvaluationServices = {
    ...runServices(log),
    alerts,
    clock: { now: () => until },
    hub: 'test-hub',
  };
  const state = await writeRuns(services, RUNS, until);
  return { services, alerts, state };
}

async function allOf(alerts: MemoryAlertStore): Promise<Alert[]> {
  const all: Alert[] = [];
  for await (const alert of alerts.list()) all.push(alert);
  return all;
}

const line = (device: string, group: string, ruleType: string, count: unknown) =>
  `${device} ${group} ${ruleType.slice(0, 4)} ${String(count)}`;

/** Each alert as `device group rule count`, in order. */
async function linesOf(alerts: MemoryAlertStore): Promise<string[]> {
  return (await allOf(alerts))
    .map(({ deviceId, securityGroup, ruleType, facts }) =>
      line(deviceId!, securityGroup!, ruleType!, facts!['count']),
    )
    .sort((a, b) => (a < b ? -1 : 1));
}

async function judged(history: readonly Happened[], groups: GroupSet, window = WINDOW) {
  const { services, alerts } = await worldOf(history, Math.max(window.end, START + HOUR_MS));
  const summary = await evaluateWindow(services, RUNS, window, groups, READ);
  const lines = await linesOf(alerts);
  assert.equal(summary.alerts, lines.length);
  return lines;
}

/** A message of so many connections in the window, IoT Hub's time a second into it. */
const message = (deviceId: string, peers: readonly number[], fields: Partial<Happened> = {}) =>
  happened({ at: START + 2000, deviceId, peers, ...fields });
const between = (
  minThreshold: number,
  maxThreshold: number,
  fields: Partial<TimeWindowRule> = {},
) => timeWindowRule({ minThreshold, maxThreshold, ...fields });

describe('a rule on a window', () => {
  const history = [
    message('one', [0]),
    message('two', [0, 1, 1]),
    message('three', [0, 1, 2]),
    message('four', [0, 1, 2, 3]),
  ];

  it('fires above its bound and below the other, not at them', async () => {
    const groups = groupSet(groupOf('default', between(2, 3)));
    assert.deepEqual(await judged(history, groups), [
      line('four', 'default', CONNECTIONS, 4),
      line('one', 'default', CONNECTIONS, 1),
    ]);
  });

  it('does not fire where it is disabled, of another size or without figures', async () => {
    const groups = groupSet(
      groupOf(
        'default',
        between(9, 9, { isEnabled: false }),
        between(9, 9, { windowMs: HOUR_MS }),
        between(9, 9, { ruleType: 'FailedLocalLoginsNotInAllowedRange' }),
      ),
    );
    assert.deepEqual(await judged(history, groups), []);
    assert.deepEqual(await judged(history, groupSet()), []);
  });

  it('counts connections of messages that decode, once for each five-tuple; not of repeats', async () => {
    const groups = groupSet(groupOf('default', between(0, 1)));
    const messages = [
      message('a', [0, 0, 4]),
      message('a', [1], { kind: 'repeat' }),
      message('a', [2], { kind: 'refused' }),
      message('a', [4]),
      message('b', [2, 3, 4]),
    ];
    // Peers 2 and 4 differ in bytes alone, 2 and 3 in protocol.
    assert.deepEqual(await judged(messages, groups), [
      line('a', 'default', CONNECTIONS, 2),
      line('b', 'default', CONNECTIONS, 2),
    ]);
  });

  it('counts twin updates, of a device that sends nothing else too', async () => {
    const twin = (deviceId: string) => message(deviceId, [], { kind: 'twinUpdate' });
    const groups = groupSet(groupOf('default', between(0, 1, { ruleType: TWINS })));
    const events = [
      twin('a'),
      twin('a'),
      twin('b'),
      message('c', [0]),
      twin('c'),
      twin('c'),
      twin('c'),
    ];
    assert.deepEqual(await judged(events, groups), [
      line('a', 'default', TWINS, 2),
      line('c', 'default', TWINS, 3),
    ]);
  });

  it('leaves out what came late, and counts what came within the grace period', async () => {
    const groups = groupSet(groupOf('default', between(0, 1)));
    const hubTime = WINDOW.end - 1;
    const late = (at: number, peers: readonly number[]) => message('a', peers, { at, hubTime });
    const before = late(WINDOW.end + GRACE_MS - 1, [1]);
    const after = late(WINDOW.end + GRACE_MS, [2]);
    assert.deepEqual(await judged([message('a', [0]), before, after], groups), [
      line('a', 'default', CONNECTIONS, 2),
    ]);
    assert.deepEqual(await judged([message('a', [0]), after], groups), []);
  });
});

describe('a device that sent nothing in a window', () => {
  const groups = groupSet(groupOf('default', between(1, 9)));

  it('counts zero as long as it is known', async () => {
    const history = [
      message('a', [0]),
      message('b', [0]),
      message('b', [0], { at: NEXT.start + 2000 }),
    ];
    assert.deepEqual(await judged(history, groups, WINDOW), []);
    const silent = [line('a', 'default', CONNECTIONS, 0)];
    assert.deepEqual(await judged(history, groups, NEXT), silent);
    const hoursLater = { start: START + 30 * HOUR_MS, end: START + 30 * HOUR_MS + PIECE_MS };
    assert.deepEqual(await judged(history, groups, hoursLater), [
      ...silent,
      line('b', 'default', CONNECTIONS, 0),
    ]);
  });

  it('is not judged before the window of its first message', async () => {
    const history = [message('a', [0]), message('new', [0], { at: NEXT.start + 2000 })];
    assert.deepEqual(await judged(history, groups, WINDOW), []);
  });

  it('is not judged once its identity was deleted, in the window itself or before', async () => {
    const gone = (at: number) => message('a', [], { at, kind: 'deviceDeleted' });
    const other = message('b', [0], { at: NEXT.start + 2000 });
    assert.deepEqual(
      await judged([message('a', [0]), gone(START + 5000), other], groups, NEXT),
      [],
    );
    assert.deepEqual(
      await judged([message('a', [0]), gone(NEXT.start + 5000), other], groups, NEXT),
      [],
    );
  });

  it('is judged again when it came back, with zero or with too few', async () => {
    const gone = message('a', [], { at: START + 5000, kind: 'deviceDeleted' });
    const back = (at: number) => message('a', [], { at });
    const first = message('a', [0]);
    const inSame = [first, gone, back(START + 9000)];
    assert.deepEqual(await judged(inSame, groups, NEXT), [line('a', 'default', CONNECTIONS, 0)]);
    assert.deepEqual(await judged([first, gone, back(NEXT.start + 9000)], groups, NEXT), [
      line('a', 'default', CONNECTIONS, 0),
    ]);
  });

  it('is judged for too many though it was deleted since, and not for too few', async () => {
    const gone = message('a', [], { at: START + 9000, kind: 'deviceDeleted' });
    const few = groupSet(groupOf('default', between(3, 9)));
    assert.deepEqual(await judged([message('a', [0, 1]), gone], few), []);
    const many = groupSet(groupOf('default', between(1, 1)));
    assert.deepEqual(await judged([message('a', [0, 1]), gone], many), [
      line('a', 'default', CONNECTIONS, 2),
    ]);
  });

  it('is not judged for twin updates alone: it was never heard of', async () => {
    const twin = message('a', [], { kind: 'twinUpdate' });
    assert.deepEqual(await judged([message('b', [0]), twin], groups), []);
  });

  it('belongs where its last message said, whatever other events say', async () => {
    const set = groupSet(groupOf('default'), groupOf('pumps', between(1, 9)));
    const history = [
      message('a', [0], { securityGroup: 'default' }),
      message('a', [0], { at: START + 3000, securityGroup: 'pumps' }),
      message('a', [], { at: NEXT.start + 3000, securityGroup: 'default', kind: 'twinUpdate' }),
    ];
    assert.deepEqual(await judged(history, set, NEXT), [line('a', 'pumps', CONNECTIONS, 0)]);
  });
});

describe('the group of a device', () => {
  const two = [0, 1];

  it('that nobody declared is judged by the default one, under its own name', async () => {
    const groups = groupSet(groupOf('default', between(0, 1)), groupOf('pumps', between(0, 9)));
    const history = [message('a', two, { securityGroup: 'typo' }), message('b', two)];
    assert.deepEqual(await judged(history, groups), [
      line('a', 'typo', CONNECTIONS, 2),
      line('b', 'default', CONNECTIONS, 2),
    ]);
    assert.deepEqual(await judged(history, groupSet(groupOf('pumps', between(0, 1)))), []);
  });

  it('that has no rules of this size is not judged by the default one’s', async () => {
    const groups = groupSet(
      groupOf('default', between(0, 1)),
      groupOf('Quiet'),
      groupOf('slow', between(0, 1, { windowMs: HOUR_MS })),
      groupOf('off', between(0, 1, { isEnabled: false })),
    );
    const history = ['quiet', 'slow', 'off', 'default'].map((securityGroup) =>
      message(securityGroup, two, { securityGroup }),
    );
    assert.deepEqual(await judged(history, groups), [line('default', 'default', CONNECTIONS, 2)]);
  });

  it('may have several rules of one size, each judged for itself', async () => {
    const groups = groupSet(
      groupOf('default', between(0, 1), between(2, 9, { ruleType: TWINS })),
      groupOf('pumps', between(0, 2)),
    );
    const history = [
      message('a', two),
      message('a', [], { kind: 'twinUpdate' }),
      message('p', [0, 1, 2], { securityGroup: 'pumps' }),
    ];
    assert.deepEqual(await judged(history, groups), [
      line('a', 'default', CONNECTIONS, 2),
      line('a', 'default', TWINS, 1),
      line('p', 'pumps', CONNECTIONS, 3),
    ]);
  });

  it('is the one of its latest message in the window', async () => {
    const groups = groupSet(groupOf('default', between(0, 1)), groupOf('pumps', between(0, 9)));
    const later = message('a', [1], { at: START + 9000, securityGroup: 'pumps' });
    assert.deepEqual(await judged([message('a', [0, 1, 2]), later], groups), []);
  });
});

describe('the alert of a window', () => {
  const groups = groupSet(groupOf('default', between(0, 2, { timeWindowSize: 'PT05M' })));
  // Peer 6 is IPv4-mapped, so it is named as the address it stands for.
  const history = [message('a', [0, 1, 2, 3, 5, 6]), message('a', [0, 3, 3])];

  it('names the window, the rule’s figures and who accounts for most of the count', async () => {
    const { services, alerts } = await worldOf(history);
    const summary = await evaluateWindow(services, RUNS, WINDOW, groups, READ);
    assert.deepEqual(summary, { devices: 1, alerts: 1, mayHaveLost: false, late: 0 });
    const [alert] = await allOf(alerts);
    assert.equal(alert!.alertType, `IoT_CA_${CONNECTIONS}`);
    assert.equal(alert!.ruleType, CONNECTIONS);
    assert.deepEqual(alert!.subject, {
      kind: 'window',
      start: '2026-08-22T12:00:00.000Z',
      end: '2026-08-22T12:05:00.000Z',
    });
    assert.deepEqual([alert!.severity, alert!.status, alert!.revision], ['low', 'active', 1]);
    const contributor = (remoteAddress: string, ...rest: [number, number, number[]]) => {
      const [connections, records, remotePorts] = rest;
      return { remoteAddress, connections, records, remotePorts };
    };
    assert.deepEqual(alert!.facts, {
      count: 6,
      minThreshold: 0,
      maxThreshold: 2,
      timeWindowSize: 'PT05M',
      evidence: {
        messages: 2,
        contributors: [
          contributor('192.0.2.1', 3, 4, [80, 443]),
          contributor('192.0.2.2', 2, 4, [443]),
          contributor('2001:db8::2', 1, 1, [443]),
        ],
        contributorsLeftOut: 0,
      },
    });
  });

  it('is one however often and in whatever order windows are evaluated', async () => {
    const events = [...history, message('a', [0, 1, 2], { at: NEXT.start + 2000 })];
    const once = await worldOf(events, START + HOUR_MS);
    for (const window of [WINDOW, NEXT]) {
      await evaluateWindow(once.services, RUNS, window, groups, READ);
    }
    const often = await worldOf(events, START + HOUR_MS);
    await Promise.all(
      [NEXT, WINDOW, NEXT, WINDOW].map((window) =>
        evaluateWindow(often.services, RUNS, window, groups, READ),
      ),
    );
    assert.equal((await allOf(once.alerts)).length, 2);
    const byId = async (alerts: MemoryAlertStore) =>
      new Map((await allOf(alerts)).map((alert) => [alert.id, alert]));
    assert.deepEqual(await byId(often.alerts), await byId(once.alerts));
  });

  it('stays as a person left it when the window is evaluated again', async () => {
    const { services, alerts } = await worldOf(history);
    await evaluateWindow(services, RUNS, WINDOW, groups, READ);
    const stored = await alerts.read('a', (await allOf(alerts))[0]!.id);
    const resolved = resolveAlert(stored!.alert, START + HOUR_MS)!;
    await alerts.replace('a', resolved, stored!.version);
    await evaluateWindow(services, RUNS, WINDOW, groups, READ);
    assert.deepEqual(await allOf(alerts), [resolved]);
  });

  it('is of each device that stands outside after an evaluation that died half way', async () => {
    const crowd = Array.from({ length: 30 }, (_, i) => message(`device-${i}`, [0, 1, 2]));
    const { services, alerts } = await worldOf(crowd);
    let left = 11;
    const dying = altered(alerts, {
      create: async (key: string, alert: Alert) => {
        if (left-- <= 0) throw new Error('died');
        return alerts.create(key, alert);
      },
    });
    const half = evaluateWindow({ ...services, alerts: dying }, RUNS, WINDOW, groups, READ);
    await assert.rejects(half, /died/);
    const summary = await evaluateWindow(services, RUNS, WINDOW, groups, READ);
    assert.deepEqual(summary, { devices: 30, alerts: 30, mayHaveLost: false, late: 0 });
    assert.equal((await allOf(alerts)).length, 30);
  });
});

describe('a window of random messages', () => {
  const rule = fc
    .record({
      ruleType: fc.constantFrom(CONNECTIONS, TWINS),
      minThreshold: fc.nat(2),
      span: fc.nat(3),
      isEnabled: fc.constantFrom(true, true, false),
    })
    .map(
      ({ ruleType, minThreshold, span, isEnabled }) =>
        (windowMs: number) =>
          between(minThreshold, minThreshold + span, { ruleType, isEnabled, windowMs }),
    );
  const rules = fc.uniqueArray(rule, { maxLength: 2, selector: (make) => make(1).ruleType });
  const groupRules = fc.record({ default: rules, pumps: fc.option(rules), valves: rules });

  it('gives the alerts that its counts and the known devices call for', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        groupRules,
        fc.constantFrom(1, 3, 5, 15, 60, 1440),
        fc.nat(),
        async (history, ofGroups, minutes, pick) => {
          const size = minutes * MINUTE;
          const window = windowAt(history[pick % history.length]!.hubTime, size);
          const groups = groupSet(
            ...Object.entries(ofGroups).flatMap(([name, own]) =>
              own === null ? [] : [groupOf(name, ...own.map((make) => make(size)))],
            ),
          );
          const { services, alerts, state } = await worldOf(
            history,
            alignedUp(window.end, PIECE_MS),
          );
          const lost = mayHaveLost(state, window, GRACE_MS, null);
          await evaluateWindow(services, RUNS, window, groups, { ...READ, mayHaveLost: lost });
          const expected = expectedOf(history, groups, window);
          const ambiguous = (text: string) => expected.ambiguous.has(text.split(' ')[0]!);
          const found = (await linesOf(alerts)).filter((text) => !ambiguous(text));
          assert.deepEqual(found, expected.lines);
        },
      ),
      { numRuns: 200 },
    );
  });

  function expectedOf(history: readonly Happened[], groups: GroupSet, window: Window) {
    const byGroup = windowRules(groups, window.end - window.start);
    // What the stream still held when it was made again may have been of the window.
    const hasLost = history.some(
      ({ begins, at }, i) =>
        begins === 'epoch' &&
        i > 0 &&
        history[i - 1]!.at < window.end + GRACE_MS &&
        at > window.start,
    );
    const needsKnown = [...byGroup.values()].flat().some((rule) => isOutside(0, rule));
    const left = countedInWindow(history, window);
    const right = needsKnown ? knownAt(history, window.end) : {};
    const lines: string[] = [];
    const ambiguous = new Set<string>();
    for (const id of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const [did, known] = [left[id], right[id]];
      const isSilent = did === undefined || did.seen === null;
      const stamped = new Set((isSilent && known !== undefined ? known : did)!.groups);
      if (stamped.size > 1) {
        ambiguous.add(id);
        continue;
      }
      const [group] = [...stamped] as [string];
      const lastSeen = Math.max(did?.seen?.last ?? -Infinity, known?.seen?.last ?? -Infinity);
      const deletedAt = Math.max(did?.deletedAt ?? -Infinity, known?.deletedAt ?? -Infinity);
      const seen = lastSeen === -Infinity ? null : { first: lastSeen, last: lastSeen };
      const counts = (rule: JudgedRule) =>
        rule.measure === 'twinUpdates' ? (did?.twinUpdates ?? 0) : (did?.tuples.length ?? 0);
      for (const rule of judgingGroup(byGroup, group) ?? []) {
        const count = counts(rule);
        const isThere = isKnown({ seen, deletedAt }) && !hasLost;
        const tooFew = count < rule.minThreshold && isThere;
        if (tooFew || count > rule.maxThreshold) lines.push(line(id, group, rule.ruleType, count));
      }
    }
    return { lines: lines.sort((a, b) => (a < b ? -1 : 1)), ambiguous };
  }
});
