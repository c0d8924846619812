// The address rules of groups from the message to the counted alert.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { foldMapped, formatAddress, parseAddress } from '../../shared/domain/address/address.ts';
import { parsePrefix, prefixCovers } from '../../shared/domain/address/prefix.ts';
import { type Totals, addTotals } from '../../shared/domain/alert/totals.ts';
import { type GroupSet, groupKey } from '../../shared/domain/security-group/security-group.ts';
import { directionOf } from '../../shared/domain/telemetry/direction.ts';
import { type Alert, shownTally } from '../../shared/domain/alert/alert.ts';
import { alertRecord } from '../../shared/pipeline/alert-record.ts';
import type { SentConnection } from '../support/encode-message.ts';
import { encodeMessage } from '../support/encode-message.ts';
import { IngestWorld, LISTED, MINUTE, SECOND, altered } from '../support/ingest-world.ts';
import { type GroupLists, groupOf } from './ingest/groups.ts';

const PEER = '198.51.100.7';
const toPeer = (bytesOut = 20): SentConnection => ({ remote: PEER, bytesIn: 10, bytesOut });

async function worldWith(name: string, lists: GroupLists): Promise<IngestWorld> {
  const world = new IngestWorld();
  await world.groups.write(groupOf(name, lists), null);
  return world;
}
/** Rewrites a group, whatever version it has. */
async function change(world: IngestWorld, name: string, lists: GroupLists): Promise<void> {
  const stored = await world.groups.read(groupKey(name));
  assert.ok(await world.groups.write(groupOf(name, lists), stored?.version ?? null));
}
const lineOf = (alert: Alert) => {
  const { deviceId, ruleType, subject, severity } = alert;
  const { messages, connections, bytesIn, bytesOut } = shownTally(alert)!.totals;
  const address = subject.kind === 'address' ? subject.address : '';
  return `${deviceId} ${ruleType ?? 'threat'} ${address} ${severity} ${messages}/${connections} ${bytesIn}/${bytesOut}`;
};
const linesOf = async (world: IngestWorld) => (await world.allAlerts()).map(lineOf).toSorted();
const stateOf = async (world: IngestWorld) => JSON.stringify(await world.allAlerts());

describe('a broken address rule', () => {
  it('is one alert for device, rule and address, counted like a threat', async () => {
    const world = await worldWith('cameras', { to: [], deny: [PEER] });
    const instance = world.instance();
    await instance.deliver(
      world.send(
        { connections: [toPeer(), toPeer(), { ...toPeer(), remote: `::ffff:${PEER}` }] },
        { connections: [toPeer()] },
        { device: 'cam-2', connections: [toPeer()] },
      ),
    );
    const first = (await world.allAlerts()).map(({ severity }) => severity).toSorted();
    assert.deepEqual(first, ['high', 'high', 'low', 'low'], 'opened at once');
    await world.fold();
    assert.deepEqual(await linesOf(world), [
      'cam-1 ConnectionToIpNotAllowed 198.51.100.7 low 2/4 40/80',
      'cam-1 DenylistCustomAlertRule 198.51.100.7 high 2/4 40/80',
      'cam-2 ConnectionToIpNotAllowed 198.51.100.7 low 1/1 10/20',
      'cam-2 DenylistCustomAlertRule 198.51.100.7 high 1/1 10/20',
    ]);
  });

  it('stands beside the threat match of the same contact', async () => {
    const world = await worldWith('cameras', { to: [] });
    await world.list(LISTED);
    await world.instance().deliver(world.send({}));
    await world.fold();
    assert.deepEqual(await linesOf(world), [
      'cam-1 ConnectionToIpNotAllowed 192.0.2.10 low 1/1 1/2',
      'cam-1 threat 192.0.2.10 high 1/1 1/2',
    ]);
  });

  it('explains itself: no indicators, the flows, the direction, and which groups judged', async () => {
    const world = await worldWith('cameras', { deny: [PEER] });
    await world.instance().deliver(world.send({ connections: [toPeer()] }));
    for (const counted of [false, true]) {
      if (counted) await world.fold();
      const [record] = (await world.allAlerts()).map(alertRecord);
      const { indicators, groupsRevision, direction, flowsLeftOut, snapshot } = record![
        'evidence'
      ] as Record<string, unknown>;
      assert.deepEqual(
        [record!['alertType'], record!['ruleType'], record!['securityGroup']],
        ['TW_DenylistedAddress', 'DenylistCustomAlertRule', 'cameras'],
      );
      assert.deepEqual(
        [indicators, groupsRevision, direction, flowsLeftOut, snapshot],
        [[], 1, 'outboundExchange', 0, 'none'],
      );
    }
  });

  it('of a group that nobody has keeps the stamped name', async () => {
    const world = await worldWith('default', { to: [] });
    const properties = { mti: '2.3-1-0-0', securityGroup: 'Unheard-Of' };
    await world.instance().deliver(world.send({ properties, connections: [toPeer()] }));
    await world.fold();
    const [alert] = await world.allAlerts();
    assert.deepEqual(
      [alert!.ruleType, alert!.securityGroup],
      ['ConnectionToIpNotAllowed', 'unheard-of'],
    );
  });

  it('counts a redelivered batch once, and a repeated message never', async () => {
    const world = await worldWith('cameras', { to: [] });
    const body = encodeMessage([toPeer()], 1_700_000_000);
    const events = world.send({ body }, { body, at: world.now + 3 * SECOND });
    await world.instance().deliver(events);
    await world.fold();
    const state = await stateOf(world);
    assert.deepEqual(await linesOf(world), [
      'cam-1 ConnectionToIpNotAllowed 198.51.100.7 low 1/1 10/20',
    ]);
    await world.instance().deliver(events);
    await world.fold();
    assert.equal(await stateOf(world), state);
  });

  it('does not hide a row from a hunt: nobody matched it with the indicator', async () => {
    const world = await worldWith('cameras', { to: [], deny: [PEER] });
    await world.list(LISTED);
    await world.instance().deliver(world.send({ connections: [toPeer()] }));
    await world.fold();
    await world.list(LISTED, PEER);
    await world.hunt();
    await world.fold();
    assert.deepEqual(await linesOf(world), [
      'cam-1 ConnectionToIpNotAllowed 198.51.100.7 low 1/1 10/20',
      'cam-1 DenylistCustomAlertRule 198.51.100.7 high 1/1 10/20',
      'cam-1 threat 198.51.100.7 high 1/1 10/20',
    ]);
    const hunted = (await world.allAlerts()).filter((alert) => alert.hunted !== null);
    assert.deepEqual(
      hunted.map(({ ruleType }) => ruleType),
      [null],
    );
  });
});

describe('a changed group', () => {
  it('judges the batches after it, within a minute, and no row of the past', async () => {
    const world = await worldWith('cameras', { to: [PEER] });
    const instance = world.instance();
    await instance.deliver(world.send({ connections: [toPeer()] }));
    await change(world, 'cameras', { to: [] });
    world.now += MINUTE + SECOND;
    await instance.deliver(world.send({ connections: [toPeer(7)] }));
    await change(world, 'cameras', { to: [PEER] });
    world.now += MINUTE + SECOND;
    await instance.deliver(world.send({ connections: [toPeer()] }));
    await world.fold();
    assert.deepEqual(await linesOf(world), [
      'cam-1 ConnectionToIpNotAllowed 198.51.100.7 low 1/1 10/7',
    ]);
    const headers = await world.dataHeaders();
    assert.deepEqual(
      headers.map(({ groupsRevision }) => groupsRevision),
      [1, 2, 3],
    );
  });

  it('is asked for again by an instance that is behind the log', async () => {
    const world = await worldWith('cameras', { to: [] });
    const behind = world.instance({}, 'J');
    await behind.deliver(world.send({ connections: [toPeer()] }));
    await change(world, 'cameras', { to: [PEER] });
    await world.instance().deliver(world.send({ connections: [toPeer()] }));
    await behind.deliver(world.send({ connections: [toPeer()] }));
    const headers = await world.dataHeaders();
    assert.deepEqual(
      headers.map(({ groupsRevision }) => groupsRevision),
      [1, 2, 2],
    );
  });

  it('may fall where the store was restored: ingest goes on with what it says', async () => {
    const world = await worldWith('cameras', { to: [] });
    const old: GroupSet = await world.groups.current();
    await change(world, 'cameras', { to: [PEER] });
    await world.instance().deliver(world.send({ connections: [toPeer()] }));
    const groups = altered(world.groups, { current: async () => old });
    await world.instance({ groups }, 'J').deliver(world.send({ connections: [toPeer()] }));
    const headers = await world.dataHeaders();
    assert.deepEqual(
      headers.map(({ groupsRevision }) => groupsRevision),
      [2, 1],
    );
  });

  it('that cannot be read stops the partition rather than judge by what may be old', async () => {
    const world = await worldWith('cameras', { to: [] });
    const instance = world.instance({
      groups: altered(world.groups, { current: () => Promise.reject(new Error('down')) }),
    });
    await assert.rejects(instance.deliver(world.send({ connections: [toPeer()] })), /down/);
    assert.deepEqual(await world.dataHeaders(), []);
  });
});

describe('random groups and connections', () => {
  const ADDRESSES = [
    '192.0.2.1',
    '192.0.2.65',
    '::ffff:192.0.2.1',
    '198.51.100.9',
    '2001:db8::1',
    '2001:db8:1::1',
  ];
  const VALUES = ['192.0.2.0/26', '192.0.2.1', '198.51.100.0/24', '0.0.0.0/0', '2001:db8::/48'];
  const NAMES = ['default', 'cameras', 'meters'];
  const list = fc.option(fc.subarray([...VALUES, '::/0', '::ffff:198.51.100.9']), { freq: 2 });
  const arbitraryLists = fc.record({ to: list, from: list, deny: list });
  const arbitraryGroups = fc.array(
    fc.tuple(fc.constantFrom(...NAMES), arbitraryLists, fc.boolean()),
    { maxLength: 3 },
  );
  const connection = fc.record({
    remote: fc.constantFrom(...ADDRESSES),
    bytesIn: fc.nat(2),
    bytesOut: fc.nat(2),
    localPort: fc.constantFrom(80, 443, 40_000),
    remotePort: fc.constantFrom(443, 50_000),
  });
  const message = fc.record({
    device: fc.constantFrom('d0', 'd1'),
    stamped: fc.constantFrom(...NAMES, 'unheard-of', null),
    connections: fc.array(connection, { maxLength: 4 }),
  });
  const covers = (values: readonly string[], remote: string) =>
    values.some((value) => prefixCovers(parsePrefix(value)!, foldMapped(parseAddress(remote)!)));

  it('give the alerts and totals that plain reading gives, redelivered or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryGroups,
        fc.array(fc.tuple(message, fc.boolean()), { maxLength: 12 }),
        async (groups, messages) => {
          const world = new IngestWorld();
          const byName = new Map(
            groups.map(([name, lists, isEnabled]) => [name, isEnabled ? lists : {}]),
          );
          for (const [name, lists, isEnabled] of new Map(
            groups.map((one) => [one[0], one]),
          ).values())
            await world.groups.write(groupOf(name, lists, isEnabled), null);
          const expected = new Map<string, Totals>();
          for (const [{ device, stamped, connections }, again] of messages) {
            const properties =
              stamped === null
                ? { mti: '2.3-1-0-0' }
                : { mti: '2.3-1-0-0', securityGroup: stamped };
            const events = world.send({ device, properties, connections });
            const instance = world.instance();
            await instance.deliver(events);
            if (again) await instance.deliver(events);
            const time = events[0]!.enqueuedTime - SECOND;
            const lists: GroupLists =
              byName.get(stamped ?? 'default') ?? byName.get('default') ?? {};
            const seen = new Set<string>();
            for (const { remote, bytesIn, bytesOut, localPort, remotePort } of connections) {
              const direction = directionOf(bytesIn, bytesOut, localPort, remotePort, 30_000);
              const isOut = direction.startsWith('outbound');
              const { to = null, from = null, deny = null } = lists;
              const rules = [
                isOut && to !== null && !covers(to, remote) && 'ConnectionToIpNotAllowed',
                !isOut && from !== null && !covers(from, remote) && 'ConnectionFromIpNotAllowed',
                deny !== null && covers(deny, remote) && 'DenylistCustomAlertRule',
              ];
              for (const rule of rules.filter((one) => one !== false)) {
                const key = `${device} ${rule} ${formatAddress(foldMapped(parseAddress(remote)!))}`;
                const messages = seen.has(key) ? 0 : 1;
                const one = {
                  messages,
                  connections: 1,
                  bytesIn,
                  bytesOut,
                  firstSeen: time,
                  lastSeen: time,
                };
                const before = expected.get(key);
                expected.set(key, before === undefined ? one : addTotals(before, one));
                seen.add(key);
              }
            }
          }
          await world.fold();
          await world.fold();
          const shown = (await world.allAlerts()).map((alert): [string, Totals] => {
            const address = alert.subject.kind === 'address' ? alert.subject.address : '';
            return [`${alert.deviceId} ${alert.ruleType} ${address}`, alert.live!.totals];
          });
          assert.deepEqual(new Map(shown), expected);
          assert.equal(shown.length, expected.size);
        },
      ),
      { numRuns: 150 },
    );
  });
});
