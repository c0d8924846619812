import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { SEVERITIES } from '../../../shared/domain/alert/severity.ts';
import type { GroupSet } from '../../../shared/domain/security-group/security-group.ts';
import { DIRECTIONS } from '../../../shared/domain/telemetry/direction.ts';
import type { SentConnection } from '../../support/encode-message.ts';
import { AT, build, deviceEvent, listing, logged } from './events.ts';
import { type GroupLists, groupOf, groupSet } from './groups.ts';

const PEER = '192.0.2.7';
/** One record of each direction. */
const FLOWS = {
  outboundExchange: { bytesIn: 1, bytesOut: 1, localPort: 40_000 },
  outboundAttempt: { bytesIn: 0, bytesOut: 1, localPort: 40_000 },
  inboundExchange: { bytesIn: 1, bytesOut: 1, localPort: 80, remotePort: 50_000 },
  inboundProbe: { bytesIn: 1, bytesOut: 0, localPort: 80, remotePort: 50_000 },
} as const;
const EVERY = Object.values(FLOWS).map((flow) => ({ remote: PEER, ...flow }));
const out = (...remotes: readonly string[]) =>
  remotes.map((remote) => ({ remote, ...FLOWS.outboundExchange }));
const inbound = (...remotes: readonly string[]) =>
  remotes.map((remote) => ({ remote, ...FLOWS.inboundProbe }));

function broken(
  groups: GroupSet,
  connections: readonly SentConnection[],
  stamped = 'cameras',
): string[] {
  const event = deviceEvent(connections, { securityGroup: stamped });
  const [row] = logged(build([event], listing(), undefined, [], groups));
  return row!.findings.map(
    ({ direction, severity, finding }) =>
      `${finding.ruleType} ${finding.address} ${DIRECTIONS[direction]} ${SEVERITIES[severity]}`,
  );
}
const cameras = (lists: GroupLists, isEnabled = true) =>
  groupSet(groupOf('cameras', lists, isEnabled));

describe('ConnectionToIpNotAllowed', () => {
  it('judges what the device began, answered or not, and nothing else', () => {
    assert.deepEqual(broken(cameras({ to: ['198.51.100.0/24'] }), EVERY), [
      'ConnectionToIpNotAllowed 192.0.2.7 outboundExchange low',
      'ConnectionToIpNotAllowed 192.0.2.7 outboundAttempt low',
    ]);
  });

  it('permits what any value covers, to the last address', () => {
    const groups = cameras({ to: ['192.0.2.0/26', '198.51.100.1', '2001:db8:40::/48'] });
    const inside = ['192.0.2.0', '192.0.2.63', '198.51.100.1', '2001:db8:40:ffff::1'];
    const outside = ['192.0.2.64', '198.51.100.2', '2001:db8:41::'];
    assert.deepEqual(broken(groups, out(...inside)), []);
    assert.deepEqual(
      broken(groups, out(...outside)),
      outside.map((address) => `ConnectionToIpNotAllowed ${address} outboundExchange low`),
    );
  });

  it('is broken by every connection when its list is empty', () => {
    assert.equal(broken(cameras({ to: [] }), EVERY).length, 2);
  });

  it('takes a record without any bytes for an attempt', () => {
    assert.deepEqual(broken(cameras({ to: [] }), [{ remote: PEER }]), [
      'ConnectionToIpNotAllowed 192.0.2.7 outboundAttempt low',
    ]);
  });
});

describe('ConnectionFromIpNotAllowed', () => {
  it('judges what others began, answered or not, and nothing else', () => {
    assert.deepEqual(broken(cameras({ from: ['198.51.100.0/24'] }), EVERY), [
      'ConnectionFromIpNotAllowed 192.0.2.7 inboundExchange low',
      'ConnectionFromIpNotAllowed 192.0.2.7 inboundProbe low',
    ]);
  });

  it('permits what any value covers', () => {
    const groups = cameras({ from: ['192.0.2.0/26', '2001:db8::/32'] });
    assert.deepEqual(broken(groups, inbound('192.0.2.63', '2001:db8::1')), []);
    assert.equal(broken(groups, inbound('192.0.2.64', '2001:db9::')).length, 2);
  });
});

describe('a deny list', () => {
  it('judges whoever began, by contact', () => {
    assert.deepEqual(broken(cameras({ deny: ['192.0.2.0/24'] }), EVERY), [
      'DenylistCustomAlertRule 192.0.2.7 outboundExchange high',
      'DenylistCustomAlertRule 192.0.2.7 outboundAttempt medium',
      'DenylistCustomAlertRule 192.0.2.7 inboundExchange medium',
      'DenylistCustomAlertRule 192.0.2.7 inboundProbe low',
    ]);
  });

  it('ends where its values do', () => {
    const groups = cameras({ deny: ['192.0.2.128/25', '2001:db8:bad::/48'] });
    assert.deepEqual(broken(groups, out('192.0.2.127', '2001:db8:bac:ffff::', '10.0.0.1')), []);
    assert.equal(broken(groups, out('192.0.2.128', '2001:db8:bad:1::5')).length, 2);
  });

  it('forbids nothing when it is empty', () => {
    assert.deepEqual(broken(cameras({ deny: [] }), EVERY), []);
  });
});

describe('the rules of a group', () => {
  it('take an IPv4-mapped peer as the IPv4 address that it is', () => {
    const mapped = out('::ffff:192.0.2.7');
    assert.deepEqual(broken(cameras({ to: ['192.0.2.7'] }), mapped), []);
    assert.deepEqual(broken(cameras({ to: ['::ffff:192.0.2.7'] }), out(PEER)), []);
    assert.deepEqual(broken(cameras({ deny: ['192.0.2.0/24'] }), mapped), [
      'DenylistCustomAlertRule 192.0.2.7 outboundExchange high',
    ]);
    assert.deepEqual(broken(cameras({ deny: ['::/0'] }), mapped), []);
  });

  it('are judged one by one: a connection can break several', () => {
    const groups = cameras({ to: [], from: [], deny: ['0.0.0.0/0'] });
    assert.deepEqual(
      broken(groups, out(PEER)).map((text) => text.split(' ')[0]),
      ['ConnectionToIpNotAllowed', 'DenylistCustomAlertRule'],
    );
  });

  it('say nothing when they are disabled', () => {
    assert.deepEqual(broken(cameras({ to: [], from: [], deny: ['0.0.0.0/0'] }, false), EVERY), []);
  });

  it('say nothing of a message without connections, of a repeat, or of what does not decode', () => {
    const groups = cameras({ to: [], from: [] });
    assert.deepEqual(broken(groups, []), []);
    const event = deviceEvent(out(PEER), { securityGroup: 'cameras' });
    const junk = { ...event, body: Uint8Array.of(1, 2, 3) };
    const rows = build([event, event, junk], listing(), undefined, [], groups);
    assert.deepEqual(
      rows.rowFindings.map(({ row }) => row),
      [0],
    );
  });

  it('hold for their own devices; a name that no group has is judged by default', () => {
    const groups = groupSet(
      groupOf('Cameras', { to: [PEER] }),
      groupOf('Default', { deny: [PEER] }),
      groupOf('meters', {}),
    );
    assert.deepEqual(broken(groups, out(PEER), 'cameras'), []);
    assert.equal(broken(groups, out(PEER), 'default').length, 1);
    assert.equal(broken(groups, out(PEER), 'unheard of').length, 1);
    // A group without rules is a group: the default's do not reach its devices.
    assert.deepEqual(broken(groups, out(PEER), 'meters'), []);
    assert.deepEqual(broken(groupSet(groupOf('cameras', { to: [] })), out(PEER), 'other'), []);
  });

  it('leave out a value that is no address', () => {
    assert.equal(broken(cameras({ to: ['example.com', '192.0.2.7/24'] }), out(PEER)).length, 0);
    assert.equal(broken(cameras({ deny: ['', '192.0.2.7 '] }), out(PEER)).length, 0);
  });

  it('are one rule where a type stands twice', () => {
    const [one, other] = [
      groupOf('cameras', { to: [PEER] }),
      groupOf('cameras', { to: ['10.0.0.1'] }),
    ];
    const both = { ...one, allowlistRules: [...one.allowlistRules, ...other.allowlistRules] };
    assert.deepEqual(broken(groupSet(both), out(PEER, '10.0.0.1')), []);
  });

  it('share one finding in a block for a rule and an address', () => {
    const events = [deviceEvent(out(PEER, PEER)), deviceEvent(out('::ffff:192.0.2.7'))];
    const groups = groupSet(groupOf('default', { to: [], deny: [PEER] }));
    const rows = build(events, listing(), undefined, [], groups);
    assert.deepEqual([rows.findings.length, rows.rowFindings.length], [2, 6]);
    assert.deepEqual(rows.findings[0], {
      alertType: 'IoT_CA_ConnectionToIpNotAllowed',
      ruleType: 'ConnectionToIpNotAllowed',
      address: PEER,
      indicators: [],
      warningLists: [],
    });
  });

  it('fire beside a threat match, and the operator’s allowlist silences only that', () => {
    const groups = groupSet(groupOf('default', { to: [] }));
    const entry = { prefix: parsePrefix(PEER)!, reason: 'ours', expiresAt: null, addedAt: 0 };
    const types = (...allowlist: readonly (typeof entry)[]) =>
      build(
        [deviceEvent(out(PEER), { hubTime: AT })],
        listing(PEER),
        undefined,
        allowlist,
        groups,
      ).findings.map(({ alertType }) => alertType);
    assert.deepEqual(types(), ['IoT_TiConnection', 'IoT_CA_ConnectionToIpNotAllowed']);
    assert.deepEqual(types(entry), ['IoT_CA_ConnectionToIpNotAllowed']);
  });
});
