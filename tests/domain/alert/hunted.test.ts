import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type Alert,
  countSightings,
  foundBy,
  resolveAlert,
  shownTally,
} from '../../../shared/domain/alert/alert.ts';
import type { Condition } from '../../../shared/domain/alert/hunted-stretch.ts';
import {
  type HuntedContact,
  type HuntedRow,
  type HuntedSighting,
  countHunted,
} from '../../../shared/domain/alert/hunted.ts';
import { constraintHolds } from '../../../shared/domain/indicator/constraint.ts';
import { validityAt } from '../../../shared/domain/indicator/validity.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';
import { indicator } from '../../format/activity-log/blocks.ts';
import { KEY, SEEN, counted, sighting } from './alerts.ts';

const ALWAYS: Condition = { validFrom: null, validUntil: null, constraint: null };
const onPort = (port: number): Condition => ({
  ...ALWAYS,
  constraint: { ports: [port], direction: null, protocol: null },
});
const from = (time: number): Condition => ({ ...ALWAYS, validFrom: formatInstant(time) });

interface Past {
  readonly sequence: number;
  readonly at?: number;
  readonly ports: readonly number[];
  readonly group?: string;
}

/** What a hunt under these conditions finds in messages of one second each. */
function found(
  messages: readonly Past[],
  conditions: readonly Condition[] = [ALWAYS],
  more: Partial<HuntedSighting> = {},
): HuntedSighting[] {
  const { flows, indicators } = sighting();
  const rows = messages.map(
    ({ sequence, at = SEEN - 10_000 + sequence, ports, group = 'default' }): HuntedRow => {
      const contacts = ports.map((remotePort): HuntedContact => {
        const contact = { direction: 'outboundAttempt', remotePort, protocol: 0 } as const;
        const holds = conditions.some(
          (one) => validityAt(one, at) === 'active' && constraintHolds(one.constraint, contact),
        );
        const flow = { ...flows[0]!, time: at, remotePort };
        return { ...contact, flow, match: holds ? { severity: 'medium', indicators } : null };
      });
      const position = { epoch: 0, sequence };
      return { position, at, moduleId: null, securityGroup: group, contacts };
    },
  );
  const common = { key: KEY, warningLists: [] };
  return [{ ...common, snapshot: 'later', conditions, rows, ...more }];
}

const hunt = (
  alert: Alert | null,
  sightings: readonly HuntedSighting[],
  range: readonly [number, number] = [0, 99],
  partition = 'p',
) => {
  const [first, last] = range.map((sequence) => ({ epoch: 0, sequence }));
  return countHunted(alert, 'id', partition, sightings, { from: first!, to: last! }, SEEN + 5000);
};
const counts = (alert: Alert | null) => {
  const { messages, connections } = shownTally(alert!)!.totals;
  return [messages, connections];
};

describe('what a hunt finds', () => {
  it('opens an alert in the past, found by hunt', () => {
    const alert = hunt(
      null,
      found([
        { sequence: 5, ports: [443, 80] },
        { sequence: 7, ports: [1] },
      ]),
    )!;
    assert.equal(alert.status, 'active');
    assert.equal(alert.opening, null);
    assert.equal(foundBy(alert), 'hunt');
    assert.deepEqual(counts(alert), [2, 3]);
    const { firstSeen, lastSeen, bytesIn } = shownTally(alert)!.totals;
    assert.deepEqual([firstSeen, lastSeen, bytesIn], [SEEN - 9995, SEEN - 9993, 30]);
  });

  it('is counted once, whoever hunts again and however far', () => {
    const five = { sequence: 5, ports: [443] };
    const once = hunt(null, found([five]), [0, 10])!;
    assert.equal(hunt(once, found([five]), [0, 10]), null);
    assert.equal(hunt(once, found([five]), [3, 8]), null);
    const further = hunt(once, found([five, { sequence: 12, ports: [443] }]), [0, 20])!;
    assert.deepEqual(counts(further), [2, 2]);
    assert.equal(further.huntedIn['p']!.length, 1);
    assert.deepEqual(counts(hunt(further, found([five]), [0, 9], 'q')), [3, 3]);
  });

  it('is counted where an earlier hunt did not reach back so far', () => {
    const [three, twelve] = [3, 12].map((sequence) => ({ sequence, ports: [443] }));
    const late = hunt(null, found([twelve!]), [10, 20])!;
    assert.deepEqual(counts(hunt(late, found([three!, twelve!]), [0, 15])), [2, 2]);
  });

  it('is counted where an earlier hunt knew less: of the validity, and of the ports', () => {
    const messages = [
      { sequence: 1, ports: [80] },
      { sequence: 2, ports: [80, 443] },
      { sequence: 3, ports: [443] },
    ];
    const recent = hunt(null, found(messages, [from(SEEN - 10_000 + 3)]))!;
    assert.deepEqual(counts(recent), [1, 1]);
    assert.deepEqual(counts(hunt(recent, found(messages))), [3, 4]);
    const web = hunt(null, found(messages, [onPort(443)]))!;
    assert.deepEqual(counts(web), [2, 2]);
    // The message that was counted for one of its connections counts once, the other connection too.
    const all = hunt(web, found(messages))!;
    assert.deepEqual(counts(all), [3, 4]);
    assert.equal(hunt(all, found(messages, [onPort(80)])), null);
  });

  it('is the same whatever hunts, with whatever knowledge, came in whatever order', () => {
    const condition = fc.constantFrom(ALWAYS, onPort(443), onPort(80), from(SEEN - 9980), {
      ...onPort(443),
      validUntil: formatInstant(SEEN - 9985),
    });
    const hunts = fc.array(
      fc.record({
        conditions: fc.array(condition, { minLength: 1, maxLength: 2 }),
        start: fc.nat(30),
        length: fc.nat(30),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const messages = Array.from({ length: 40 }, (_, sequence) => ({
      sequence,
      ports: [[443], [80], [443, 80], [22]][sequence % 4]!,
    }));
    fc.assert(
      fc.property(hunts, (list) => {
        let alert: Alert | null = null;
        const connections = new Set<string>();
        for (const { conditions, start, length } of list) {
          const read = messages.slice(start, start + length + 1);
          const finds = found(read, conditions);
          for (const { position, contacts } of finds[0]!.rows) {
            for (const [i, { match }] of contacts.entries()) {
              if (match !== null) connections.add(`${position.sequence}/${i}`);
            }
          }
          const last = read.at(-1)?.sequence ?? start;
          alert = hunt(alert, finds, [start, last]) ?? alert;
        }
        const rows = new Set([...connections].map((name) => name.split('/')[0]));
        if (connections.size === 0) assert.equal(alert, null);
        else assert.deepEqual(counts(alert), [rows.size, connections.size]);
      }),
    );
  });

  it('adds what a later feed says of a contact that is counted already', () => {
    const messages = [{ sequence: 5, ports: [443] }];
    const one = hunt(null, found(messages))!;
    const more = found(messages).map((sighting) => ({
      ...sighting,
      warningLists: [{ list: 'clouds', matchedPrefix: '192.0.2.0/24' }],
      rows: sighting.rows.map((row) => ({
        ...row,
        contacts: row.contacts.map((contact) => ({
          ...contact,
          match: { severity: 'low' as const, indicators: [indicator({ feed: 'other' })] },
        })),
      })),
    }));
    const both = hunt(one, more)!;
    assert.deepEqual(counts(both), [1, 1]);
    assert.deepEqual(
      shownTally(both)!.indicators.map(({ feed }) => feed),
      [indicator().feed, 'other'],
    );
    assert.equal(shownTally(both)!.warningLists?.length, 1);
    assert.equal(both.revision, one.revision);
    assert.equal(hunt(both, more), null);
  });

  it('stands beside what was counted live, and never in it', () => {
    const live = countSightings(null, 'id', 'p', [counted(30, { severity: 'low' })], SEEN)!;
    const both = hunt(live, found([{ sequence: 5, ports: [443] }]))!;
    assert.equal(foundBy(both), 'live');
    assert.equal(both.live, live.live);
    assert.equal(both.severity, 'medium');
    assert.equal(both.revision, 2);
    const shown = shownTally(both)!;
    assert.deepEqual([shown.totals.messages, shown.totals.firstSeen], [2, SEEN - 9995]);
    assert.equal(shown.severity, 'medium');
    const more = countSightings(both, 'id', 'p', [counted(31)], SEEN)!;
    assert.equal(shownTally(more)!.totals.messages, 3);
    assert.equal(more.hunted, both.hunted);
  });

  it('reopens a resolved alert only if it was seen after that, and a dismissed one never', () => {
    const open = countSightings(null, 'id', 'p', [counted(1)], SEEN)!;
    const resolved = resolveAlert(open, SEEN - 8500)!;
    const past = { sequence: 5, ports: [443] };
    assert.equal(hunt(resolved, found([past]))!.status, 'resolved');
    assert.equal(hunt(resolved, found([{ ...past, at: SEEN }]))!.status, 'active');
    const dismissed: Alert = { ...open, status: 'dismissed' };
    const counting = hunt(dismissed, found([{ ...past, at: SEEN }]))!;
    assert.deepEqual([counting.status, counting.revision], ['dismissed', 1]);
    assert.deepEqual(counts(counting), [2, 2]);
  });

  it('leaves the group of an alert as the live messages have it', () => {
    const live = countSightings(null, 'id', 'p', [counted(30, { securityGroup: 'new' })], SEEN)!;
    const finds = found([{ sequence: 5, ports: [443], group: 'old' }]);
    assert.equal(hunt(live, finds)!.securityGroup, 'new');
  });

  it('has the group of the last message that matches, where nothing was seen live', () => {
    const groups = ['first', 'second', 'third'];
    const messages = groups.map((group, i) => ({
      sequence: i,
      ports: i < 2 ? [443] : [80],
      group,
    }));
    assert.equal(hunt(null, found(messages, [onPort(443)]))!.securityGroup, 'second');
  });

  it('keeps few stretches and conditions, and counts too little rather than twice', () => {
    let alert: Alert | null = null;
    const messages = Array.from({ length: 40 }, (_, i) => ({ sequence: 10 * i, ports: [443] }));
    for (const message of messages) {
      alert = hunt(alert, found([message]), [message.sequence, message.sequence])!;
    }
    assert.deepEqual(counts(alert), [40, 40]);
    assert.equal(alert!.huntedIn['p']!.length, 16);
    for (const message of messages) {
      const again = hunt(alert, found([message]), [message.sequence, message.sequence]);
      assert.equal(again, null);
    }
    const many = Array.from({ length: 20 }, (_, port) => onPort(440 + port));
    const wide = hunt(null, found([{ sequence: 1, ports: [443] }], many))!;
    assert.deepEqual(wide.huntedIn['p']![0]!.conditions, [ALWAYS]);
  });
});
